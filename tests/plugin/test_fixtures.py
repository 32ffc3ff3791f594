"""Fixtures that call Claude: those of the test, and those that outlive it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from plugin_project import Project


def test_calls_of_the_test_s_own_fixtures_are_in_its_cassette(project: Project) -> None:
    """Set-up and tear-down, with `yield` and with finalizers."""
    project.test(
        """
        @pytest.fixture
        def greeting(request):
            request.addfinalizer(lambda: ask("finalized"))
            yield ask("hello")
            ask("bye")

        @pytest.mark.claude_replay
        def test_one(greeting):
            assert "hello" in greeting
        """
    )

    project.record().assert_outcomes(passed=1)
    assert project.cassette("test_it/test_one.yaml").count("\n- id:") == 3
    project.run().assert_outcomes(passed=1)
    assert project.server.count == 3


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
@pytest.mark.parametrize("mode", ["none", "once"])
def test_a_fixture_that_outlives_the_test_may_not_use_its_cassette(
    project: Project, scope: str, mode: str
) -> None:
    """Its calls belong to no single test, so they are refused with the way out, once for each test."""
    project.test(
        f"""
        @pytest.fixture(scope="{scope}")
        def wide(request):
            return ask("wide", client=make_client(base_url="http://gateway.test"))

        @pytest.mark.claude_replay
        def test_one(wide):
            pass

        @pytest.mark.claude_replay
        def test_two(wide):
            pass
        """
    )

    result = project.record(mode=mode)

    result.assert_outcomes(errors=2)
    assert result.outlines.count("claude_replay: a request to Claude was stopped: no cassette covers it") == 2
    result.stdout.fnmatch_lines(
        [
            "  asked     messages at gateway.test",
            f"  why       the {scope}-scoped fixture 'wide' outlives the test, so its calls belong to no "
            "test's cassette",
            '  give the fixture one of its own: with claude_replay.use_cassette("cassettes/wide.yaml"): …',
        ]
    )
    result.stdout.no_fnmatch_line("*AssertionError*")


def test_a_wide_fixture_with_a_cassette_of_its_own_works(project: Project) -> None:
    """It may stay open as long as the fixture lives; the tests' own calls go to the tests' own cassettes."""
    project.test(
        """
        from claude_replay import use_cassette

        @pytest.fixture(scope="session")
        def wide():
            with use_cassette("cassettes/wide.yaml") as cassette:
                yield ask("wide")
                ask("at the end")
                assert [sent.json["messages"][0]["content"] for sent in cassette.sent] == [
                    "wide", "not marked", "at the end"
                ]

        @pytest.mark.claude_replay
        def test_one(wide):
            ask("one")

        def test_not_marked(wide):
            ask("not marked")

        @pytest.mark.claude_replay
        def test_two(wide, claude_replay):
            ask("two")
            assert len(claude_replay.sent) == 1
        """
    )

    project.record().assert_outcomes(passed=3)
    assert project.cassettes == ["test_it/test_one.yaml", "test_it/test_two.yaml", "wide.yaml"]
    assert project.cassette("wide.yaml").count("\n- id:") == 3
    project.run().assert_outcomes(passed=3)
    assert project.server.count == 5


def test_a_client_of_a_wide_fixture_is_seen(project: Project) -> None:
    """Building a client calls nobody; its requests belong to the test that makes them; no key is needed."""
    project.test(
        """
        @pytest.fixture(scope="module")
        def client():
            with make_client() as client:
                yield client

        @pytest.mark.claude_replay
        def test_one(client):
            ask("one", client=client)

        @pytest.mark.claude_replay
        def test_two(client):
            ask("two", client=client)
        """
    )

    project.record().assert_outcomes(passed=2)
    project.run().assert_outcomes(passed=2)
    assert project.server.count == 2


def test_a_cassette_that_a_fixture_opens_within_the_test_is_nearer(project: Project) -> None:
    """Of two that are open the inner one is used, as long as it is open."""
    project.test(
        """
        from claude_replay import use_cassette

        @pytest.fixture
        def inner():
            with use_cassette("cassettes/inner.yaml") as cassette:
                yield cassette

        @pytest.mark.claude_replay
        def test_one(inner, claude_replay):
            ask("one")
            assert len(inner.sent) == 1
            assert len(claude_replay.sent) == 0
        """
    )

    project.record().assert_outcomes(passed=1)
    assert project.cassettes == ["inner.yaml"]


def test_a_test_function_may_open_a_cassette(project: Project) -> None:
    """As a block and as a decorator, with or without the marker; its account is in the summary."""
    project.test(
        """
        from claude_replay import use_cassette

        @use_cassette("cassettes/decorated.yaml")
        def test_decorated():
            ask("one")

        def test_block():
            with use_cassette("cassettes/block.yaml"):
                ask("two")
        """
    )

    result = project.record()

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["0 replayed · 2 recorded · 0 live"])
    project.run().stdout.fnmatch_lines(["2 replayed · 0 recorded · 0 live*"])


def test_the_cassette_closes_when_another_fixture_fails_to_close(project: Project) -> None:
    """Whatever a fixture raises at its end, what was recorded is saved, and the next test is on its own."""
    project.test(
        """
        @pytest.fixture
        def leaving():
            yield
            raise SystemExit("out")

        @pytest.fixture
        def missing():
            yield
            ask("not recorded", client=make_client(base_url="http://gateway.test"))

        @pytest.mark.claude_replay
        def test_one(leaving):
            ask("one")

        def test_two():
            ask("two", client=make_client(base_url="http://gateway.test"))

        def test_three(missing):
            pass
        """
    )

    result = project.record()

    result.assert_outcomes(passed=2, failed=1, errors=2)
    assert project.cassettes == ["test_it/test_one.yaml"]
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_one*", "*ERROR at teardown of test_three*"])
    result.stdout.fnmatch_lines(["*why       no test with a cassette is running"])


def test_what_such_a_cassette_could_not_save_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a section of the report that tells of the other fixture."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    project.test(
        """
        import pathlib
        import shutil

        @pytest.fixture
        def leaving():
            yield
            shutil.rmtree("cassettes")
            pathlib.Path("cassettes").write_text("in the way")
            raise SystemExit("out")

        @pytest.mark.claude_replay
        def test_one(leaving):
            ask("one")
        """
    )

    result = project.record()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*SystemExit: out",
            "*- claude_replay -*",
            "claude_replay: *test_one.yaml: *",
            "1 exchange was recorded and kept in *",
        ]
    )
