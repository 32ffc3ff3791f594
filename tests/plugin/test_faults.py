"""Faults in the marker and in a test: what the test, the report and the summary say."""

from __future__ import annotations

from plugin_project import Project, read_summary

TEST = """
import anthropic
import claude_replay as replaying

{mark}
def test_one(claude_replay):
    {body}
"""


def prepare(project: Project, mark: str, body: str) -> None:
    """A test whose cassette holds two good answers, with another body from now on."""
    good = "ask('one'); ask('two')"
    project.test(TEST.format(mark="@pytest.mark.claude_replay", body=good))
    project.record().assert_outcomes(passed=1)
    project.test(TEST.format(mark=mark, body=body))


def test_a_marker_makes_a_test_meet_an_error(project: Project) -> None:
    """The summary counts it, and what the test did not come to is not left over."""
    prepare(
        project,
        "@pytest.mark.claude_replay(inject=replaying.inject('overloaded', answer=2, times='always'))",
        "ask('one')\n    with pytest.raises(anthropic.APIStatusError): ask('two')",
    )

    result = project.run()

    result.assert_outcomes(passed=1)
    assert read_summary(result)[0].startswith("1 replayed · 0 recorded · 0 live · 3 injected · ")


def test_a_name_is_enough(project: Project) -> None:
    """Names and statuses, alone or in a list."""
    prepare(
        project,
        "@pytest.mark.claude_replay(inject=['overloaded', 500])",
        "ask('one'); ask('two'); assert len(claude_replay.sent) == 4",
    )

    project.run().assert_outcomes(passed=1)


def test_a_name_that_there_is_not_fails_the_test(project: Project) -> None:
    """With the nearest one, and where it stands."""
    prepare(project, "@pytest.mark.claude_replay(inject='overlode')", "pass")

    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*marker of *::test_*: inject: there is no fault 'overlode'; did you mean 'overloaded'?"]
    )


def test_a_passing_test_that_met_no_fault_fails(project: Project) -> None:
    """One that fails or is expected to is told nothing more."""
    mark = "@pytest.mark.claude_replay(inject=replaying.inject('timeout', answer=9))"
    prepare(project, mark, "ask('one'); ask('two')")
    result = project.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*the injected fault timeout before answer 9 did not happen: 2 answers were given*"]
    )

    for more, body, outcome in (
        ("", "assert False", {"failed": 1}),
        ("@pytest.mark.xfail\n", "ask('one'); assert False", {"xfailed": 1}),
    ):
        project.test(TEST.format(mark=more + mark, body=body))
        project.run().assert_outcomes(**outcome)


def test_the_report_of_a_failing_test_names_the_faults(project: Project) -> None:
    """Among what was asked."""
    prepare(
        project,
        "@pytest.mark.claude_replay",
        "with replaying.inject('overloaded'): ask('one')\n    assert False",
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ['*1  messages * "one": injected overloaded', '*2  messages * "one": replayed, 200']
    )
