"""Recordings that a passing test did not ask for."""

from __future__ import annotations

import pytest

from plugin_project import Project, read_summary


@pytest.fixture
def shrunk(project: Project) -> Project:
    """A project whose test was recorded with two calls and now makes one."""
    project.test("@pytest.mark.claude_replay\ndef test_one():\n    ask('one')\n    ask('two')\n")
    project.record().assert_outcomes(passed=1)
    project.test("@pytest.mark.claude_replay\ndef test_one():\n    ask('one')\n")
    return project


def test_a_passing_test_fails_for_what_is_left_over(shrunk: Project) -> None:
    """At its end, since its fixtures may still call Claude; the message says what to do."""
    result = shrunk.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_one*",
            "claude_replay: *test_one.yaml: 1 of 2 recorded exchanges were not asked for: *2*",
            '*pytest --claude-record=rewrite "test_it.py::test_one"',
            '*unplayed="ignore"*',
        ]
    )
    assert read_summary(result)[0].startswith("1 replayed · 0 recorded · 0 live · 1 unplayed · ")


def test_it_can_be_a_warning_in_the_summary(shrunk: Project) -> None:
    """With `unplayed = warn` the test passes, and the summary says what is left."""
    result = shrunk.run("--claude-replay-unplayed=warn")

    result.assert_outcomes(passed=1)
    totals, note = read_summary(result)
    assert " · 1 unplayed · " in totals
    assert note.startswith("  cassettes/test_it/test_one.yaml: not played: ")


def test_it_can_be_ignored(shrunk: Project) -> None:
    """With `unplayed = ignore` nobody hears of it."""
    result = shrunk.run("--claude-replay-unplayed=ignore")

    result.assert_outcomes(passed=1)
    assert len(read_summary(result)) == 1
    assert "unplayed" not in read_summary(result)[0]


def test_rewriting_removes_what_is_left_over(shrunk: Project) -> None:
    """The command in the message helps."""
    shrunk.record(mode="rewrite").assert_outcomes(passed=1)

    shrunk.run().assert_outcomes(passed=1)


def test_a_failing_test_leaves_over_what_it_did_not_come_to(project: Project) -> None:
    """That is no news: neither an error nor a number."""
    project.test(
        """
        import os

        def stop():
            if "STOP" in os.environ:
                pytest.fail("here")

        @pytest.mark.claude_replay
        def test_fails():
            ask("one")
            stop()
            ask("two")

        @pytest.mark.claude_replay
        @pytest.mark.xfail("STOP" in os.environ, reason="stopped")
        def test_xfails():
            ask("one")
            stop()
            ask("two")
        """
    )
    project.record().assert_outcomes(passed=2)

    with project.environment(STOP="1"):
        result = project.run()

    result.assert_outcomes(failed=1, xfailed=1)
    assert "unplayed" not in read_summary(result)[0]
    assert len(read_summary(result)) == 1


def test_a_shared_cassette_is_not_judged_by_one_of_its_tests(project: Project) -> None:
    """Each plays its part of it."""
    project.test(
        """
        @pytest.mark.claude_replay("shared.yaml")
        def test_one():
            ask("one")

        @pytest.mark.claude_replay("shared.yaml")
        def test_two():
            ask("two")
        """
    )
    project.record().assert_outcomes(passed=2)

    result = project.run("-k", "test_two")

    result.assert_outcomes(passed=1)
    assert "unplayed" not in read_summary(result)[0]
    assert len(read_summary(result)) == 1


def test_a_skipped_test_leaves_everything_over(project: Project) -> None:
    """A test that stops itself has not passed."""
    project.test(
        """
        import os

        @pytest.mark.claude_replay
        def test_one():
            if "SKIP" in os.environ:
                pytest.skip("not today")
            ask("one")
        """
    )
    project.record().assert_outcomes(passed=1)

    with project.environment(SKIP="1"):
        project.run().assert_outcomes(skipped=1)


@pytest.mark.parametrize(
    ("decorator", "told"),
    [
        ("pytest.mark.claude_replay('two.yaml')", False),
        ("pytest.mark.claude_replay('two.yaml', unplayed='fail')", True),
        ("use_cassette('cassettes/two.yaml')", False),
        ("use_cassette('cassettes/two.yaml', unplayed='fail')", True),
    ],
)
def test_a_cassette_that_is_named_tells_where_it_says_so_itself(
    project: Project, decorator: str, told: bool
) -> None:
    """Several tests may share it, and only all of them together leave something over; unless whoever names it knows."""
    project.ini("claude_replay_unplayed = fail")
    calls = "def test_one():\n    ask('one')\n"
    head = f"from claude_replay import use_cassette\n\n@{decorator}\n"
    project.test(f"{head}{calls}    ask('two')\n")
    project.record().assert_outcomes(passed=1)
    project.test(f"{head}{calls}")

    result = project.run()

    assert ("1 of 2 recorded exchanges were not asked for" in str(result.stdout)) is told
    assert (result.ret == pytest.ExitCode.OK) is not told


def test_a_cache_may_have_answered_them(project: Project) -> None:
    """While a cassette records it steps aside; on replay it sits above, and the second call is not asked."""
    project.test(
        """
        from claude_replay import ResponseCache

        @pytest.mark.claude_replay
        def test_one():
            client = ResponseCache().wrap(make_client())
            ask("one", client=client)
            ask("one", client=client)
        """
    )
    project.record().assert_outcomes(passed=1)

    result = project.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["If a response cache answers them, so that nobody asks: CLAUDE_REPLAY_CACHE=off"]
    )
    with project.environment(CLAUDE_REPLAY_CACHE="off"):
        project.run().assert_outcomes(passed=1)
