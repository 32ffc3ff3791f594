"""What is printed: the header, the section of a failing test, and the account at the end."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from plugin_project import Project, read_summary

TWO = """
@pytest.mark.claude_replay
def test_one():
    ask("one")

@pytest.mark.claude_replay
def test_two():
    ask("two")
    ask("three")
"""


def test_the_header_names_mode_folder_and_what_is_not_compared(project: Project) -> None:
    """The defaults, as nobody has set anything."""
    project.test("def test_one():\n    pass\n")

    assert (
        "claude_replay: mode none, cassettes in cassettes, not compared: metadata, cache_control, diagnostics"
        in project.run().outlines
    )


@pytest.mark.parametrize(
    ("args", "header"),
    [
        (
            ("--claude-record=once", "--claude-replay-dir=tapes"),
            "mode once (command line), cassettes in tapes, "
            "not compared: metadata, cache_control, diagnostics",
        ),
        (
            ("--claude-replay-ignore=max_tokens", "--claude-replay-ignore=!metadata"),
            "mode none, cassettes in cassettes, not compared: cache_control, diagnostics, max_tokens",
        ),
        (
            [f"--claude-replay-ignore=!{name}" for name in ("metadata", "cache_control", "diagnostics")],
            "mode none, cassettes in cassettes, not compared: nothing",
        ),
    ],
)
def test_the_header_tells_what_was_set(project: Project, args: tuple[str, ...], header: str) -> None:
    """With the place the mode comes from."""
    project.test("def test_one():\n    pass\n")

    assert f"claude_replay: {header}" in project.run(*args).outlines


def test_a_run_that_has_nothing_to_do_with_claude_has_no_summary(project: Project) -> None:
    """Other people's test runs look as ever."""
    project.test("def test_one():\n    pass\n")

    assert read_summary(project.run()) == []


def test_the_totals_are_one_line(project: Project) -> None:
    """Counts that matter always, the others when there are any; then what was saved."""
    project.test(TWO)
    assert read_summary(project.record()) == ["0 replayed · 3 recorded · 0 live"]

    totals = read_summary(project.run())

    assert len(totals) == 1
    assert re.fullmatch(r"3 replayed · 0 recorded · 0 live · \d+ tokens · <\$0\.01 not spent", totals[0])


def test_details_name_every_test_with_its_verdict(project: Project) -> None:
    """And the tokens of each model."""
    project.test(TWO + "\n@pytest.mark.claude_replay\ndef test_idle():\n    pass\n")
    recorded = read_summary(project.record("--claude-replay-details"))
    assert recorded == [
        "0 replayed · 3 recorded · 0 live",
        "  unused    test_it.py::test_idle  nothing sent  cassettes/test_it/test_idle.yaml",
        "  recorded  test_it.py::test_one  1 recorded  cassettes/test_it/test_one.yaml",
        "  recorded  test_it.py::test_two  2 recorded  cassettes/test_it/test_two.yaml",
    ]

    replayed = read_summary(project.run("--claude-replay-details"))

    assert replayed[1:4] == [line.replace("recorded", "replayed") for line in recorded[1:]]
    assert re.fullmatch(r"  claude-sonnet-5: \d+ input, \d+ output · <\$0\.01", replayed[4])


def test_the_same_note_stands_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tests it holds for."""
    monkeypatch.setenv("CI", "true")
    project.test(
        """
        @pytest.mark.claude_replay(mode="once")
        @pytest.mark.parametrize("n", range(5))
        def test_one(n):
            pass
        """
    )

    result = project.run()

    result.assert_outcomes(passed=5)
    assert read_summary(result)[1:] == [
        "  CI is set, so mode 'once' (marker) is not used: "
        "only --claude-record on the command line can start recording there"
    ]


def test_in_ci_only_the_command_line_records(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ini file, environment, fixture and marker do not; nothing is sent and the summary says why."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("CLAUDE_REPLAY_MODE", "new_episodes")
    project.ini("claude_replay_mode = once")
    project.test(TWO)
    refused = project.run()
    refused.assert_outcomes(failed=2)
    assert project.server.count == 0
    assert [line for line in read_summary(refused) if "CI is set" in line] == [
        f"  CI is set, so mode '{mode}' ({origin}) is not used: "
        "only --claude-record on the command line can start recording there"
        for mode, origin in (("once", "ini file"), ("new_episodes", "environment"))
    ]

    project.record().assert_outcomes(passed=2)

    assert project.server.count == 3


def test_the_section_of_a_failing_test_lists_its_calls(project: Project) -> None:
    """What was asked, and whether the answer came from the cassette."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_one():
            ask("first")
            ask("second")
            assert False

        @pytest.mark.claude_replay
        def test_two():
            assert False
        """
    )
    project.record().stdout.fnmatch_lines(
        [
            "*- claude_replay -*",
            "cassettes/test_it/test_one.yaml (mode once, from command line)",
            '  1  messages · claude-sonnet-5 · "first": live, 200',
            '  2  messages · claude-sonnet-5 · "second": live, 200',
            "*- claude_replay -*",
            "cassettes/test_it/test_two.yaml (mode once, from command line)",
            "     nothing was sent",
        ]
    )

    project.run().stdout.fnmatch_lines(
        [
            "cassettes/test_it/test_one.yaml (mode none)",
            '  1  messages · claude-sonnet-5 · "first": replayed, 200',
            '  2  messages · claude-sonnet-5 · "second": replayed, 200',
        ]
    )


@pytest.mark.parametrize("option", ["-q", "-qq", "-v", "--no-header", "--no-summary", "--color=yes"])
def test_how_much_pytest_prints_changes_nothing(project: Project, option: str) -> None:
    """Cassettes are recorded and replayed all the same."""
    project.test(TWO)

    assert project.record(option).ret == 0
    assert project.run(option).ret == 0
    assert project.server.count == 3


def test_a_run_without_a_terminal_works(project: Project) -> None:
    """There is nobody to print to."""
    project.test(TWO)

    assert project.record("-p", "no:terminal").ret == 0
    assert project.run("-p", "no:terminal").ret == 0
    assert project.server.count == 3


def test_collecting_alone_prints_no_account(project: Project) -> None:
    """Nothing was run."""
    project.test(TWO)
    project.record()

    assert read_summary(project.run("--collect-only")) == []


def test_the_xml_report_holds_the_message(project: Project) -> None:
    """As the message and text of the failure, whatever characters a prompt has."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_one():
            ask("bell \\a and <tag> & ]]> \\x85 \\ufffe end")
        """
    )

    project.run("--junitxml=report.xml").assert_outcomes(failed=1)

    failure = ET.parse(project.path / "report.xml").getroot().find(".//failure")
    assert failure is not None
    assert str(failure.get("message")).startswith("CassetteMiss: no recording answers this request")
    assert "there is no such cassette yet" in str(failure.text)


def test_the_help_names_every_option(project: Project) -> None:
    """In a group of its own, with what each one takes."""
    help_text = " ".join(project.run("--help").stdout.str().split())

    assert "record and replay calls to Claude: --claude-record=MODE" in help_text
    for option in (
        "--claude-replay-dir=DIR",
        "--claude-replay-ignore=PATH",
        "--claude-replay-redact=REGEX",
        "--claude-replay-keep-headers=NAME",
        "--claude-replay-repeat=BOOL",
        "--claude-replay-pace=PACE",
        "--claude-replay-unplayed=ACTION",
        "--claude-replay-save=WHEN",
        "--claude-replay-record-errors=BOOL",
        "--claude-replay-block=HOSTS",
        "--claude-replay-share-tls=BOOL",
        "--claude-replay-details",
    ):
        assert option in help_text
    assert "claude_replay_keep_headers (linelist):" in help_text


def test_the_marker_and_the_fixtures_are_documented(project: Project) -> None:
    """`pytest --markers` and `pytest --fixtures` tell of them."""
    project.run("--markers").stdout.fnmatch_lines(["@pytest.mark.claude_replay(cassette=None, mode=None, *"])
    project.run("--fixtures").stdout.fnmatch_lines(["claude_replay_config *", "claude_replay *"])
