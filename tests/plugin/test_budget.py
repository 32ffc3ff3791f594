"""`--claude-record-max-calls` and `--claude-record-max-usd` in runs of pytest."""

from __future__ import annotations

import pytest

from plugin_project import KEY, Project, read_summary

FOUR = """
@pytest.mark.claude_replay
@pytest.mark.parametrize("number", range(6))
def test_one(number):
    assert ask(f"number {number}")
"""


def test_a_run_stops_calling_at_its_limit(project: Project) -> None:
    """The rest fails, the summary says why, and what was recorded replays."""
    project.test(FOUR)

    result = project.record("--claude-record-max-calls=4")

    result.assert_outcomes(passed=4, failed=2)
    assert project.server.count == 4
    assert (
        "  the budget of this run is used up: 2 requests were not sent; what was recorded is kept"
        in read_summary(result)
    )
    project.run("-k", "0 or 1 or 2 or 3").assert_outcomes(passed=4, deselected=2)
    project.record().assert_outcomes(passed=6)
    assert project.server.count == 6


def test_workers_share_the_budget(project: Project) -> None:
    """Two of them together call no more often than one would."""
    project.test(FOUR)

    with project.environment(ANTHROPIC_API_KEY=KEY):
        result = project.run_apart("-n", "2", "--claude-record=once", "--claude-record-max-calls=4")

    result.assert_outcomes(passed=4, failed=2)
    assert project.server.count == 4


@pytest.mark.parametrize("way", ["ini", "environment"])
def test_a_budget_may_stand_elsewhere(project: Project, way: str) -> None:
    """In the ini file, or in the environment; a new run begins anew."""
    project.test(FOUR)
    if way == "ini":
        project.ini("claude_replay_max_calls = 2\n")
    with project.environment(**({"CLAUDE_REPLAY_MAX_CALLS": "2"} if way == "environment" else {})):
        for count in (2, 4, 6):
            project.record().assert_outcomes(passed=count, failed=6 - count)
            assert project.server.count == count


def test_dollars_are_counted(project: Project) -> None:
    """A limit that no call can keep stops all of them."""
    project.test(FOUR)

    result = project.record("--claude-record-max-usd=0.0001")

    result.assert_outcomes(failed=6)
    assert project.server.count == 0
    result.stdout.fnmatch_lines(["*this call can cost up to $*"])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--claude-record-max-calls=many", "max_calls: a whole number from 0 on was expected, not 'many'"),
        ("--claude-record-max-usd=-1", "max_usd: a number from 0 on was expected, not '-1'"),
    ],
)
def test_a_limit_is_a_number(project: Project, option: str, message: str) -> None:
    """Anything else stops the run before it begins."""
    project.test(FOUR)

    result = project.record(option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"claude_replay: command line: {message}" in result.stderr.str()


def test_a_marker_cannot_raise_the_budget(project: Project) -> None:
    """It is one for the whole run."""
    project.test("@pytest.mark.claude_replay(max_usd=5)\ndef test_one():\n    pass\n")

    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*'max_usd' holds for the whole run: --claude-record-max-usd, *"])
