"""What each record mode does with what is in the cassette, and with what is not."""

from __future__ import annotations

import pytest

from plugin_project import Project, read_summary

ONE = "test_it/test_one.yaml"


@pytest.fixture
def one(project: Project) -> Project:
    """A project with one test that makes the calls named in PROMPTS."""
    project.test(
        """
        import os

        @pytest.mark.claude_replay
        def test_one():
            for prompt in os.environ["PROMPTS"].split(","):
                assert ask(prompt)
        """
    )
    return project


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> Prompts:
    return Prompts(monkeypatch)


class Prompts:
    """What the test asks."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def are(self, *prompts: str) -> None:
        """Ask these from now on."""
        self._patch.setenv("PROMPTS", ",".join(prompts))


def count_recorded(project: Project, name: str = ONE) -> int:
    """How many exchanges a cassette holds."""
    return project.cassette(name).count("\n- id:")


def test_none_plays_what_is_recorded_and_sends_nothing(one: Project, prompts: Prompts) -> None:
    """Mode `none` answers from the cassette, without a key."""
    prompts.are("first")
    one.record()

    result = one.run()

    result.assert_outcomes(passed=1)
    assert one.server.count == 1


def test_none_fails_at_a_request_that_is_not_recorded(one: Project, prompts: Prompts) -> None:
    """Mode `none` sends nothing, and changes no file."""
    prompts.are("first")
    one.record()
    before = one.cassette(ONE)
    prompts.are("another")

    result = one.run()

    result.assert_outcomes(failed=1)
    assert one.server.count == 1
    assert one.cassette(ONE) == before


def test_none_without_a_cassette_names_the_command_that_records(one: Project, prompts: Prompts) -> None:
    """A cassette that does not exist is a miss."""
    prompts.are("first")

    result = one.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*cassette  cassettes/test_it/test_one.yaml (no such file, mode none)",
            "*why       there is no such cassette yet",
            '*record it: pytest --claude-record=once "test_it.py::test_one"',
        ]
    )
    assert not (one.path / "cassettes").exists()


def test_once_records_a_cassette_that_did_not_exist(one: Project, prompts: Prompts) -> None:
    """Mode `once` records all requests of a new cassette."""
    prompts.are("first", "second")

    result = one.record()

    result.assert_outcomes(passed=1)
    assert count_recorded(one) == 2
    assert read_summary(result)[0] == "0 replayed · 2 recorded · 0 live"


def test_once_adds_nothing_to_a_cassette_that_existed(one: Project, prompts: Prompts) -> None:
    """What is not in a cassette from an earlier run is a miss in mode `once`."""
    prompts.are("first")
    one.record()
    prompts.are("first", "second")

    result = one.record()

    result.assert_outcomes(failed=1)
    assert one.server.count == 1
    assert count_recorded(one) == 1


def test_once_records_into_a_cassette_that_another_test_of_the_run_has_begun(project: Project) -> None:
    """A cassette is new for the whole run in which it came into being."""
    project.test(
        """
        @pytest.mark.claude_replay("shared.yaml")
        def test_one():
            ask("one")

        @pytest.mark.claude_replay("shared.yaml")
        def test_two():
            ask("two")
            ask("one")
        """
    )

    result = project.record()

    result.assert_outcomes(passed=2)
    assert count_recorded(project, "shared.yaml") == 2
    assert read_summary(result)[0].startswith("1 replayed · 2 recorded · 0 live")


def test_new_episodes_plays_and_adds(one: Project, prompts: Prompts) -> None:
    """Mode `new_episodes` records only what is missing."""
    prompts.are("first")
    one.record()
    prompts.are("first", "second")

    result = one.record(mode="new_episodes")

    result.assert_outcomes(passed=1)
    assert [request.json["messages"][0]["content"] for request in one.server.requests] == ["first", "second"]
    assert count_recorded(one) == 2


def test_rewrite_replaces_the_whole_cassette(one: Project, prompts: Prompts) -> None:
    """What the test no longer asks is gone after mode `rewrite`."""
    prompts.are("first", "second")
    one.record()
    prompts.are("third")

    result = one.record(mode="rewrite")

    result.assert_outcomes(passed=1)
    assert count_recorded(one) == 1
    assert "third" in one.cassette(ONE)
    assert "first" not in one.cassette(ONE)


def test_rewrite_keeps_the_old_cassette_when_the_test_fails(one: Project, prompts: Prompts) -> None:
    """What a failing test recorded in mode `rewrite` lies beside the cassette, which is as it was."""
    prompts.are("first")
    one.record()
    before = one.cassette(ONE)
    prompts.are("second", "[status 400]")

    result = one.record(mode="rewrite")

    result.assert_outcomes(failed=1)
    assert one.cassette(ONE) == before
    assert one.cassettes == [ONE, f"{ONE}.rejected"]
    assert "second" in one.cassette(f"{ONE}.rejected")
    assert any(
        line.startswith(f"  cassettes/{ONE}: the test did not pass, so the cassette was left as it is")
        for line in read_summary(result)
    )


def test_all_records_again_and_keeps_the_rest(one: Project, prompts: Prompts) -> None:
    """Mode `all` replaces what it matches, adds what is new and keeps what was not asked."""
    prompts.are("kept", "again")
    one.record()
    prompts.are("again", "new")

    result = one.record(mode="all")

    result.assert_outcomes(passed=1)
    assert one.server.count == 4
    assert count_recorded(one) == 3
    prompts.are("kept", "again", "new")
    one.run().assert_outcomes(passed=1)


def test_verify_reports_drift_and_writes_nothing(one: Project, prompts: Prompts) -> None:
    """Mode `verify` calls live, names what differs in the summary, and leaves the file alone."""
    prompts.are("first")
    one.record()
    before = one.cassette(ONE)
    one.server.script("[stop max_tokens]")

    result = one.record(mode="verify")

    result.assert_outcomes(passed=1)
    assert one.server.count == 2
    assert one.cassette(ONE) == before
    assert any("drift in" in line and "max_tokens" in line for line in read_summary(result))


def test_off_calls_live_and_uses_no_cassette(one: Project, prompts: Prompts) -> None:
    """Mode `off` neither plays nor records."""
    prompts.are("first")
    one.record()
    before = one.cassette(ONE)

    result = one.record(mode="off")

    result.assert_outcomes(passed=1)
    assert one.server.count == 2
    assert one.cassette(ONE) == before
    assert read_summary(result)[0] == "0 replayed · 0 recorded · 1 live"


def test_a_failing_test_keeps_what_it_recorded_and_once_completes_it(one: Project, prompts: Prompts) -> None:
    """
    An incomplete cassette plays what it has in `none`; `once` records the rest.

    When the test has passed, it is complete, and `once` adds no more.
    """
    prompts.are("first", "[status 400]")
    recorded = one.record()
    recorded.assert_outcomes(failed=1)
    assert "incomplete:" in one.cassette(ONE)
    note = (
        f"  cassettes/{ONE} is incomplete: the test that recorded it has not passed yet; "
        "finish it: pytest --claude-record=once"
    )
    assert note in read_summary(recorded)

    prompts.are("first")
    replayed = one.run()
    replayed.assert_outcomes(passed=1)
    assert note in read_summary(replayed)

    prompts.are("first", "second")
    completed = one.record()
    completed.assert_outcomes(passed=1)
    assert "incomplete:" not in one.cassette(ONE)
    assert note not in read_summary(completed)

    prompts.are("first", "second", "third")
    one.record().assert_outcomes(failed=1)


def test_save_passed_keeps_nothing_of_a_failing_test(one: Project, prompts: Prompts) -> None:
    """With `save = passed` what a failing test recorded is dropped, and the summary says how much."""
    prompts.are("first", "[status 400]")

    result = one.record("--claude-replay-save=passed")

    result.assert_outcomes(failed=1)
    assert one.cassettes == []
    assert any("not kept (save = passed)" in line for line in read_summary(result))


def test_what_an_expected_failure_recorded_is_complete(project: Project) -> None:
    """A test that fails as it was expected to has passed, as far as its cassette is concerned."""
    project.test(
        """
        @pytest.mark.xfail
        @pytest.mark.claude_replay
        def test_one():
            ask("first")
            assert False
        """
    )

    project.record().assert_outcomes(xfailed=1)

    assert "incomplete:" not in project.cassette(ONE)
    project.run().assert_outcomes(xfailed=1)
