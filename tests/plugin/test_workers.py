"""pytest-xdist: the account is the same, whatever process a test ran in."""

from __future__ import annotations

import re

import pytest

from plugin_project import Project, read_summary

TESTS = """
import pathlib

@pytest.mark.claude_replay(mode="once")
@pytest.mark.parametrize("n", range(6))
def test_replayed(n):
    ask(f"prompt {n}")

@pytest.mark.claude_replay
def test_missed():
    ask("not recorded")

@pytest.mark.claude_replay(unplayed="warn")
def test_unplayed():
    ask("one")
    if not pathlib.Path("recorded").exists():
        ask("two")

@pytest.mark.claude_replay("shared.yaml")
@pytest.mark.parametrize("n", range(4))
def test_shared(n):
    ask(f"shared {n}")

def test_stopped():
    ask("not marked", client=make_client(base_url="http://gateway.test", api_key="none"))
"""


def test_the_account_is_the_same_with_workers(project: Project) -> None:
    """Totals, details, notes and orphans, line by line; the sections of failing tests as well."""
    project.test(TESTS + "\n@pytest.mark.claude_replay\ndef test_gone():\n    ask('gone')\n")
    project.record("-k", "not missed")
    project.test(TESTS)
    project.write("recorded", "")
    with project.environment(CI="true"):
        alone = project.run_apart("--claude-replay-details")
        shared = project.run_apart("--claude-replay-details", "-n", "2")

    alone.assert_outcomes(passed=11, failed=2)
    shared.assert_outcomes(passed=11, failed=2)
    summary = read_summary(alone)
    assert summary == read_summary(shared)
    assert summary[0].startswith("11 replayed · 0 recorded · 0 live · 1 missed · 1 unplayed · 1 orphan · ")
    assert len([line for line in summary if "CI is set" in line]) == 1
    for line in (
        "claude_replay: no recording answers this request",
        "claude_replay: a request to Claude was stopped: no cassette covers it",
        "cassettes/test_it/test_missed.yaml (mode none)",
    ):
        assert alone.outlines.count(line) == shared.outlines.count(line) == 1


def test_workers_agree_on_what_is_new(project: Project) -> None:
    """A cassette that one worker has begun is new for the others, in mode `once`."""
    project.test(
        """
        @pytest.mark.claude_replay("shared.yaml")
        @pytest.mark.parametrize("n", range(8))
        def test_one(n):
            ask(f"prompt {n}")
        """
    )

    with project.environment(ANTHROPIC_API_KEY="none"):
        result = project.run_apart("-n", "2", "--claude-record=once")

    result.assert_outcomes(passed=8)
    assert project.cassette("shared.yaml").count("\n- id:") == 8
    assert read_summary(result) == ["0 replayed · 8 recorded · 0 live"]
    project.run().assert_outcomes(passed=8)


def test_groups_of_tests_do_not_change_the_names_of_cassettes(project: Project) -> None:
    """`--dist loadgroup` adds to the ids of tests; the cassettes are found all the same."""
    project.test(
        """
        @pytest.mark.xdist_group("one")
        @pytest.mark.claude_replay
        def test_grouped(claude_replay):
            ask("one")

        @pytest.mark.xdist_group(name="two")
        @pytest.mark.claude_replay
        def test_missed():
            ask("not recorded")
        """
    )
    project.record("-k", "grouped").assert_outcomes(passed=1)

    result = project.run_apart("-n", "2", "--dist", "loadgroup", "--claude-replay-details")

    result.assert_outcomes(passed=1, failed=1)
    assert (
        "  replayed  test_it.py::test_grouped  1 replayed  cassettes/test_it/test_grouped.yaml"
        in read_summary(result)
    )
    result.stdout.fnmatch_lines(['*record it: pytest --claude-record=once "test_it.py::test_missed"'])


def test_a_worker_that_crashed_is_named(project: Project) -> None:
    """What it knew is missing, and nobody can tell an orphan."""
    tests = """
        import os

        @pytest.mark.claude_replay
        @pytest.mark.parametrize("n", range(8))
        def test_one(n):
            ask("one")

        def test_crash():
            if "CRASH" in os.environ:
                os._exit(1)
        """
    project.test(
        tests + "\n        @pytest.mark.claude_replay\n        def test_gone():\n            ask('gone')\n"
    )
    project.record().assert_outcomes(passed=10)
    project.test(tests)

    with project.environment(CRASH="1"):
        result = project.run_apart("-n", "2")

    result.assert_outcomes(passed=8, failed=1)
    totals, note = read_summary(result)
    assert "orphan" not in totals
    assert re.fullmatch(
        r"  gw\d crashed: what it knew is missing here, and orphans were not looked for", note
    )


def test_a_run_that_stops_early_judges_nothing(project: Project) -> None:
    """With workers as without."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_gone():
            ask("gone")
        """
    )
    project.record().assert_outcomes(passed=1)
    project.test("def test_bad():\n    assert False\n\n\ndef test_good():\n    pass\n")

    result = project.run_apart("-n", "1", "-x")

    assert "orphan" not in "\n".join(read_summary(result))


def test_what_a_worker_stopped_outside_of_tests_is_in_the_summary(project: Project) -> None:
    """Each worker imports the module; the note stands once."""
    project.test(
        """
        import contextlib
        import urllib.request

        with contextlib.suppress(BaseException):
            urllib.request.urlopen("https://api.anthropic.com/")

        def test_one():
            pass
        """
    )

    result = project.run_apart("-n", "2")

    result.assert_outcomes(passed=1)
    notes = [line for line in read_summary(result) if "while tests were collected" in line]
    assert len(notes) == 1


def test_xdist_without_workers_changes_nothing(project: Project) -> None:
    """It is installed, and not used; or not there at all."""
    project.test("@pytest.mark.claude_replay\ndef test_one():\n    ask('one')\n")

    project.record("-n", "0").assert_outcomes(passed=1)
    project.run("-p", "no:xdist").assert_outcomes(passed=1)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_names_that_differ_in_case_only_are_told_once(project: Project, workers: tuple[str, ...]) -> None:
    """Where the file system does not tell them apart, the tests would share a cassette."""
    project.test(
        """
        @pytest.mark.claude_replay
        @pytest.mark.parametrize("name", ["Oslo", "oslo", "Rome"])
        def test_city(name):
            ask("[ordinal]" if name == "Rome" else name)

        @pytest.mark.claude_replay
        def test_other():
            ask("one")

        @pytest.mark.claude_replay(cassette="named.yaml")
        def test_Other():
            ask("two")
        """
    )
    result = project.record(*workers)
    result.assert_outcomes(passed=5)
    told = [line for line in read_summary(result) if "differ in upper and lower case only" in line]
    assert len(told) == 1
    assert "test_it.py::test_city[[]Oslo] and test_it.py::test_city[[]oslo]".replace("[[]", "[") in told[0]
