"""`claude_replay_serve_vcr_marks`: a suite of pytest-recording, served by this plugin."""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import vcr

from claude_replay.cassette import load_cassette
from claude_replay.plugin.vcrfixtures import VcrView
from plugin_project import KEY, Project, read_summary

SERVED = "claude_replay_serve_vcr_marks = true\n"
Tape = Callable[..., Path]


@pytest.fixture
def tape(project: Project) -> Tape:
    """Records prompts from the stand-in as vcrpy does, into a file of the project."""

    def record(name: str, *prompts: str, serializer: str = "yaml") -> Path:
        import anthropic

        path = project.path / name
        player = vcr.VCR(
            record_mode=vcr.mode.ALL,
            serializer=serializer,
            decode_compressed_response=True,
            filter_headers=["x-api-key"],
        )
        with (
            player.use_cassette(str(path)),
            anthropic.Anthropic(api_key=KEY, base_url=project.server.url, max_retries=0) as client,
        ):
            for prompt in prompts:
                client.messages.create(
                    model="claude-sonnet-5", max_tokens=100, messages=[{"role": "user", "content": prompt}]
                )
        assert path.exists()
        return path

    project.ini(SERVED)
    return record


def notes(result: pytest.RunResult) -> list[str]:
    """What the summary says below its first line."""
    return [line.strip() for line in read_summary(result)[1:]]


def test_a_marked_test_replays_the_cassette_it_has(project: Project, tape: Tape) -> None:
    """Where pytest-recording looks for it, class and parameters included; nothing is asked of anybody."""
    tape("cassettes/test_it/test_one.yaml", "one")
    tape("cassettes/test_it/TestA.test_two[a-b].yaml", "two")
    project.test("""
        @pytest.mark.vcr
        def test_one():
            assert "one" in ask("one")

        class TestA:
            @pytest.mark.vcr()
            @pytest.mark.parametrize("x", ["a/b"])
            def test_two(self, x):
                assert "two" in ask("two")
    """)
    before = project.server.count
    result = project.run("--strict-markers")
    result.assert_outcomes(passed=2)
    assert project.server.count == before
    assert read_summary(result)[0].startswith("2 replayed · 0 recorded · 0 live")


def test_without_the_setting_the_mark_means_nothing(project: Project, tape: Tape) -> None:
    """It is somebody else's."""
    tape("cassettes/test_it/test_one.yaml", "one")
    project.ini("markers = vcr\n")
    project.test("""
        @pytest.mark.vcr
        def test_one():
            assert "one" in ask("one")
    """)
    before = project.server.count
    with project.environment(ANTHROPIC_API_KEY=KEY):
        project.run().assert_outcomes(passed=1)
    assert project.server.count == before + 1


def test_another_prompt_is_a_miss(project: Project, tape: Tape) -> None:
    """vcrpy would have given the recorded answer."""
    tape("cassettes/test_it/test_one.yaml", "What is the capital of France?")
    project.test("""
        @pytest.mark.vcr
        def test_one():
            ask("What is the capital of Spain?")
    """)
    result = project.run()
    result.assert_outcomes(failed=1)
    assert "[-France-]{+Spain+}" in result.stdout.str()


def test_folder_name_and_default_cassette_are_those_of_the_suite(project: Project, tape: Tape) -> None:
    """Fixtures of any scope, overridden in a conftest.py; a cassette named by a mark is shared."""
    tape("tapes/test_it-test_one.yaml", "one")
    tape("tapes/shared.yaml", "two", "three")
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="module")
        def vcr_cassette_dir(request):
            return "tapes"

        @pytest.fixture
        def default_cassette_name(request, default_cassette_name):
            if request.node.get_closest_marker("default_cassette"):
                return default_cassette_name
            return f"{request.path.stem}-{request.node.name}"
        """,
    )
    project.test("""
        @pytest.mark.vcr
        def test_one():
            ask("one")

        @pytest.mark.default_cassette("shared.yaml")
        @pytest.mark.vcr
        def test_two():
            ask("two")

        @pytest.mark.default_cassette("shared.yaml")
        @pytest.mark.vcr
        def test_three():
            ask("three")
    """)
    result = project.run()
    result.assert_outcomes(passed=3)
    assert read_summary(result)[0].startswith("3 replayed")
    assert len(read_summary(result)) == 1


def test_extra_cassettes_answer_as_well(project: Project, tape: Tape) -> None:
    """Behind the test's own, by the folder or absolute; what is left of them is nobody's fault."""
    tape("cassettes/test_it/test_one.yaml", "one")
    tape("cassettes/test_it/more.yaml", "two", "three")
    other = tape("elsewhere/other.yaml", "four")
    project.ini(SERVED + "claude_replay_unplayed = fail\n")
    project.test(f"""
        @pytest.mark.vcr("more.yaml", "missing.yaml")
        @pytest.mark.vcr({str(other)!r})
        def test_one():
            for prompt in ("two", "one", "four"):
                assert prompt in ask(prompt)
    """)
    result = project.run()
    result.assert_outcomes(passed=1)
    assert notes(result) == ["@pytest.mark.vcr: there is no extra cassette cassettes/test_it/missing.yaml"]


def test_a_cassette_of_extras_alone_is_not_written(project: Project, tape: Tape) -> None:
    """The miss names the nearest of them."""
    tape("cassettes/test_it/more.yaml", "What is the capital of France?")
    project.test("""
        @pytest.mark.vcr("more.yaml")
        def test_one():
            ask("What is the capital of Spain?")
    """)
    result = project.run()
    result.assert_outcomes(failed=1)
    assert "[-France-]{+Spain+}" in result.stdout.str()
    assert [path.name for path in project.path.rglob("*.yaml")] == ["more.yaml"]


def test_vcr_config_is_read_as_far_as_it_means_something(project: Project, tape: Tape) -> None:
    """Marks go before it, our own fixture before both; a mode of its own records."""
    tape("cassettes/test_it/test_repeat.yaml", "one")
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def vcr_config():
            return {
                "record_mode": "none",
                "filter_headers": ["x-api-key", ("authorization", None)],
                "decode_compressed_response": True,
                "ignore_localhost": False,
                "ignore_hosts": ["localhost"],
                "filter_post_data_parameters": ["max_tokens", ("stream", None)],
            }
        """,
    )
    project.test("""
        @pytest.mark.vcr(allow_playback_repeats=True)
        def test_repeat():
            assert ask("one") == ask("one")

        @pytest.mark.vcr(record_mode="once")
        def test_records():
            ask("two")

        @pytest.mark.vcr(record_mode="new_episodes", record_on_exception=False)
        def test_fails():
            ask("three")
            raise ValueError("on purpose")
    """)
    with project.environment(ANTHROPIC_API_KEY=KEY):
        result = project.run()
    result.assert_outcomes(passed=2, failed=1)
    lines = notes(result)
    assert read_summary(result)[0].startswith("2 replayed · 1 recorded · 1 live")
    assert (
        "@pytest.mark.vcr: filter_post_data_parameters: what it names is left out of the comparison, but stays in "
        "the cassette; claude_replay_redact takes it out"
    ) in lines
    assert sum("@pytest.mark.vcr" in line for line in lines) == 1
    recorded = load_cassette(project.path / "cassettes/test_it/test_records.yaml")
    assert recorded is not None
    assert (recorded.foreign, len(recorded.entries)) == (None, 1)
    assert not (project.path / "cassettes/test_it/test_fails.yaml").exists()


def test_modes_of_vcrpy_s_own_enumeration_are_understood(project: Project, tape: Tape) -> None:
    """`vcr.mode.NONE` is the word "none"; in CI a mark cannot start a recording."""
    project.test("""
        import vcr

        @pytest.mark.vcr(record_mode=vcr.mode.ONCE)
        def test_one():
            ask("one")
    """)
    with project.environment(ANTHROPIC_API_KEY=KEY, CI="true"):
        result = project.run()
    result.assert_outcomes(failed=1)
    assert "CI is set, so mode 'once' (vcr mark) is not used" in result.stdout.str()


def test_what_has_no_meaning_here_is_named_once(project: Project, tape: Tape) -> None:
    """With what to do instead; every test is served all the same."""
    tape("cassettes/test_it/test_one.yaml", "one")
    tape("cassettes/test_it/test_two.yaml", "two")
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="module")
        def vcr_config():
            return {
                "match_on": ["method", "uri"],
                "before_record_request": lambda request: request,
                "path_transformer": str,
                "ignore_hosts": ["api.anthropic.com"],
                "custom_patches": (),
            }

        def pytest_recording_configure(config, vcr):
            raise AssertionError("there is no VCR")
        """,
    )
    project.test("""
        @pytest.mark.vcr
        @pytest.mark.block_network(allowed_hosts=["x"])
        def test_one():
            ask("one")

        @pytest.mark.vcr
        @pytest.mark.allowed_hosts(["x"])
        def test_two():
            ask("two")
    """)
    result = project.run("--strict-markers", "-W", "error")
    result.assert_outcomes(passed=2)
    assert [line.partition(" is not ")[0] for line in notes(result)] == [
        "@pytest.mark.allowed_hosts",
        "@pytest.mark.block_network",
        "@pytest.mark.vcr: before_record_request",
        "@pytest.mark.vcr: ignore_hosts",
        "@pytest.mark.vcr: match_on",
        "@pytest.mark.vcr: path_transformer",
        "pytest_recording_configure in conftest.py",
    ]


def test_the_fixture_vcr_counts_and_names_where_the_rest_is(project: Project, tape: Tape) -> None:
    """Without the mark it is None, as there."""
    tape("cassettes/test_it/test_one.yaml", "one", "two")
    project.test("""
        @pytest.mark.vcr
        def test_one(vcr, claude_replay, record_mode):
            assert (vcr.play_count, vcr.all_played, record_mode) == (0, False, "none")
            ask("one")
            ask("two")
            assert (vcr.play_count, vcr.all_played) == (2, True)
            with pytest.raises(AttributeError, match="play_count and all_played here, not 'requests'"):
                vcr.requests
            assert len(claude_replay.sent) == 2

        def test_two(vcr):
            assert vcr is None
    """)
    project.run().assert_outcomes(passed=2)


def test_exchanges_that_are_not_asked_for_are_told_of(project: Project, tape: Tape) -> None:
    """They do not fail the test, unless that was asked for."""
    tape("cassettes/test_it/test_one.yaml", "one", "two")
    project.test("""
        @pytest.mark.vcr
        def test_one():
            ask("one")
    """)
    result = project.run()
    result.assert_outcomes(passed=1)
    assert "1 unplayed" in read_summary(result)[0]
    project.ini(SERVED + "claude_replay_unplayed = fail\n")
    project.run().assert_outcomes(passed=1, errors=1)


def test_our_mark_goes_before_theirs(project: Project, tape: Tape) -> None:
    """On a test that has both."""
    tape("cassettes/test_it/test_one.yaml", "one")
    project.test("""
        @pytest.mark.claude_replay("other.yaml")
        @pytest.mark.vcr
        def test_one(vcr, claude_replay):
            assert claude_replay.path.name == "other.yaml"
    """)
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("migrated", [False, True])
def test_another_serializer_is_another_ending(project: Project, tape: Tape, migrated: bool) -> None:
    """The file is read whatever it holds; a migrated one is found under its new name."""
    path = tape("cassettes/test_it/test_one.json", "one", serializer="json")
    assert json.loads(path.read_bytes())["version"] == 1
    if migrated:
        from claude_replay.cli import main

        assert main(["migrate", str(path)]) == 0
        assert not path.exists()
    project.test("""
        @pytest.mark.vcr(serializer="json")
        def test_one():
            ask("one")
    """)
    project.run().assert_outcomes(passed=1)


def test_a_name_that_is_too_long_is_cut_as_pytest_recording_cuts_it(project: Project, tape: Tape) -> None:
    """By its own rule, which counts the ending."""
    name = "test_" + "x" * 260
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    tape(f"cassettes/test_it/{name[: 255 - 5 - 32 - 3]}...{digest}.yaml", "one")
    project.test(f"""
        @pytest.mark.vcr
        def {name}():
            ask("one")
    """)
    project.run().assert_outcomes(passed=1)


def test_a_config_that_is_no_mapping_is_an_error_of_its_test(project: Project, tape: Tape) -> None:
    """With what was expected."""
    project.test("""
        @pytest.fixture
        def vcr_config():
            return ["x"]

        @pytest.mark.vcr
        def test_one():
            pass
    """)
    result = project.run()
    result.assert_outcomes(errors=1)
    assert "claude_replay: vcr_config: a mapping was expected, not ['x']" in result.stdout.str()


@pytest.mark.parametrize(("plugin", "name"), [("recording", "pytest-recording"), ("vcr", "pytest-vcr")])
def test_two_plugins_cannot_serve_one_mark(project: Project, tape: Tape, plugin: str, name: str) -> None:
    """The message says how to leave the other one out."""

    project.write(
        "conftest.py",
        f"""
        def pytest_addhooks(pluginmanager):
            pluginmanager.register(object(), {plugin!r})
        """,
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert (
        f"claude_replay_serve_vcr_marks is on, and {name} serves @pytest.mark.vcr as well. Uninstall it, or "
        f"leave it out: addopts = -p no:{plugin}"
    ) in result.stderr.str()


def test_a_view_is_no_cassette_of_another_plugin() -> None:
    """By `write_protected` those are known that record."""
    assert getattr(VcrView(types.SimpleNamespace()), "write_protected", True)  # type: ignore[arg-type]


def test_what_another_plugin_records_is_not_refused(project: Project) -> None:
    """A fixture `vcr` with vcrpy's cassette, as pytest-recording's: only while it records may Claude be called."""
    port = project.server.url.rpartition(":")[2]
    project.write(
        "conftest.py",
        f"""
        import os
        import socket

        import pytest
        import vcr as vcrpy

        # The name leads to the stand-in: nothing here may look it up in earnest.
        socket.getaddrinfo = lambda *args, **options: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", {port}))
        ]

        @pytest.fixture
        def vcr():
            with vcrpy.use_cassette("theirs.yaml", record_mode=os.environ["RECORD"]) as cassette:
                yield cassette
        """,
    )
    project.test(f"""
        def test_theirs(vcr):
            ask("one", client=make_client(base_url="http://api.anthropic.com:{port}"))

        def test_nobody_s():
            ask("one", client=make_client(base_url="http://api.anthropic.com:{port}"))
    """)
    with project.environment(ANTHROPIC_API_KEY=KEY, RECORD="once"):
        project.run_apart().assert_outcomes(passed=1, failed=1)
        assert project.server.count == 1
        (project.path / "theirs.yaml").unlink()
        project.run_apart("-o", "claude_replay_block=off", "-k", "theirs").assert_outcomes(passed=1)
    assert project.server.count == 2
