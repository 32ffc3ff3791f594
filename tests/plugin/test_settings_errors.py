"""What is not valid stops the run before it begins, or fails the one test it is about."""

from __future__ import annotations

import pytest

from claude_replay.plugin.options import OPTIONS
from plugin_project import Project


@pytest.fixture
def probe(project: Project) -> Project:
    project.test("def test_one():\n    pass\n")
    return project


def refuse(result: pytest.RunResult, message: str) -> None:
    """The run ended as one with a wrong command line does."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {message}" in result.errlines
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--claude-record=onec", "mode: 'onec' is not valid; did you mean 'once'?"),
        ("--claude-replay-unplayed=fial", "unplayed: 'fial' is not valid; did you mean 'fail'?"),
        (
            "--claude-replay-pace=fast",
            "pace: 'instant', 'recorded' or a factor above 0 (2 is twice as fast) was expected, not 'fast'",
        ),
        ("--claude-replay-repeat=perhaps", "repeat: true or false was expected, not 'perhaps'"),
        ("--claude-replay-redact=(", "redact: '(' is not a regular expression: *"),
    ],
)
def test_an_option_with_a_wrong_value_stops_the_run(probe: Project, option: str, message: str) -> None:
    """The message names the setting and what it takes."""
    result = probe.run(option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: claude_replay: command line: {message}"])


def test_a_path_that_cannot_be_left_out_stops_the_run(probe: Project) -> None:
    """Paths are read when pytest starts."""
    result = probe.run("--claude-replay-ignore=messages[*]:uid")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: claude_replay: command line: ignore: *uuid*"])


@pytest.mark.parametrize(("wrong", "right"), [("unplayd", "unplayed"), ("dri", "dir")])
def test_an_ini_key_that_does_not_exist_stops_the_run(probe: Project, wrong: str, right: str) -> None:
    """The nearest valid key is named."""
    probe.ini(f"claude_replay_{wrong} = warn")

    refuse(
        probe.run(),
        f"claude_replay: ini file: there is no setting 'claude_replay_{wrong}'; "
        f"did you mean 'claude_replay_{right}'?",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("setup.cfg", "[tool:pytest]\nclaude_replay_mod = once\n"),
        ("tox.ini", "[pytest]\nclaude_replay_mod: once\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\n"claude_replay_mod" = "once"\n'),
        ("pyproject.toml", '[tool.pytest]\nclaude_replay_mod = "once"\n'),
    ],
)
def test_wrong_keys_are_found_in_every_kind_of_ini_file(probe: Project, name: str, text: str) -> None:
    """All the files that pytest reads are looked at."""
    (probe.path / "pytest.ini").unlink()
    probe.write(name, text)

    refuse(
        probe.run(),
        "claude_replay: ini file: there is no setting 'claude_replay_mod'; "
        "did you mean 'claude_replay_mode'?",
    )


def test_a_wrong_key_given_as_an_override_stops_the_run(probe: Project) -> None:
    """`-o` is looked at as well."""
    refuse(
        probe.run("-o", "claude_replay_cache=1", "-o", "console_output_style=classic"),
        "claude_replay: ini file: there is no setting 'claude_replay_cache'; there are: "
        + ", ".join(f"claude_replay_{name}" for name in OPTIONS),
    )


def test_keys_of_other_sections_are_not_ours(probe: Project) -> None:
    """Only what pytest reads is looked at."""
    (probe.path / "pytest.ini").unlink()
    probe.write(
        "pyproject.toml",
        """
        [tool.pytest.ini_options]
        pythonpath = ["."]
        markers = [
          "claude_replay_mod = once",
        ]

        [tool.mine]
        claude_replay_mod = "once"
        """,
    )

    probe.run("-p", "no:asyncio").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("pytest.ini", "[pytest]\nclaude_replay_repeat = perhaps\n"),
        ("pyproject.toml", '[tool.pytest]\nclaude_replay_repeat = "perhaps"\n'),
        ("pyproject.toml", "[tool.pytest]\nclaude_replay_mode = 1\n"),
    ],
)
def test_an_ini_value_of_the_wrong_type_stops_the_run(probe: Project, name: str, line: str) -> None:
    """Also where pytest itself reads the value."""
    (probe.path / "pytest.ini").unlink()
    probe.write(name, line)

    result = probe.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: claude_replay: ini file: *"])


def test_an_ini_value_that_does_not_exist_stops_the_run(probe: Project) -> None:
    """The nearest valid value is named."""
    probe.ini("claude_replay_mode = onec")

    refuse(probe.run(), "claude_replay: ini file: mode: 'onec' is not valid; did you mean 'once'?")


def test_a_misspelled_environment_variable_stops_the_run(
    probe: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was meant as a setting must not be passed over."""
    monkeypatch.setenv("CLAUDE_REPLAY_MOD", "once")

    refuse(
        probe.run(),
        "claude_replay: environment: there is no setting 'CLAUDE_REPLAY_MOD'; "
        "did you mean 'CLAUDE_REPLAY_MODE'?",
    )


def test_an_environment_variable_with_a_wrong_value_stops_the_run(
    probe: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on the command line."""
    monkeypatch.setenv("CLAUDE_REPLAY_SAVE", "never")

    refuse(
        probe.run(),
        "claude_replay: environment: save: 'never' is not valid; there are: always, passed",
    )


def test_a_setting_of_single_tests_in_the_environment_stops_the_run(
    probe: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All tests would share one cassette."""
    monkeypatch.setenv("CLAUDE_REPLAY_CASSETTE", "one.yaml")

    refuse(
        probe.run(),
        "claude_replay: environment: 'cassette' is for single tests: @pytest.mark.claude_replay(cassette=…)",
    )


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("mode='onec'", "marker of test_it.py::test_bad: mode: 'onec' is not valid; did you mean 'once'?"),
        (
            "match_on=['body']",
            "marker of test_it.py::test_bad: there is no setting 'match_on'; did you mean 'ignore'?",
        ),
        (
            "'a.yaml', 'b.yaml'",
            "marker of test_it.py::test_bad: one cassette was expected, and the rest by name",
        ),
        (
            "'a.yaml', cassette='b.yaml'",
            "marker of test_it.py::test_bad: one cassette was expected, and the rest by name",
        ),
        ("ignore=['messages[*]:uid']", "marker of test_it.py::test_bad: ignore: *uuid*"),
        ("inject='overlode'", "marker of test_it.py::test_bad: inject: *overloaded*"),
        ("block='all'", "marker of test_it.py::test_bad: 'block' holds for the whole run: *"),
    ],
)
def test_a_wrong_marker_fails_just_its_test(project: Project, marker: str, message: str) -> None:
    """The other tests run."""
    project.test(
        f"""
        @pytest.mark.claude_replay({marker})
        def test_bad():
            pass

        @pytest.mark.claude_replay
        def test_good():
            pass
        """
    )

    result = project.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"claude_replay: {message}"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{'mod': 'once'}", "claude_replay_config: there is no setting 'mod'; did you mean 'mode'?"),
        ("['mode']", "claude_replay_config: a mapping was expected, not ['mode']"),
    ],
)
def test_a_wrong_config_fixture_fails_the_tests_that_see_it(
    project: Project, value: str, message: str
) -> None:
    """The message names the fixture."""
    project.test(
        f"""
        @pytest.fixture
        def claude_replay_config():
            return {value}

        @pytest.mark.claude_replay
        def test_bad():
            pass

        def test_good():
            pass
        """
    )

    result = project.run()

    result.assert_outcomes(passed=1, errors=1)
    assert f"claude_replay: {message}" in result.outlines


def test_a_cassette_that_cannot_be_read_fails_just_its_test(project: Project) -> None:
    """The message names file and line, and the file is left as it is."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_bad():
            pass

        @pytest.mark.claude_replay
        def test_good():
            pass
        """
    )
    broken = project.write("cassettes/test_it/test_bad.yaml", "version: 99\nexchanges: []\n")

    result = project.record()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["claude_replay: *cassettes/test_it/test_bad.yaml:1: *newer claude_replay*"])
    assert broken.read_text() == "version: 99\nexchanges: []\n"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("stop_reason: end_turn", "stop_reason: [end_turn", "lacks its ']' or a comma"),
        ("status: 200", "status: ok", "response.status: an HTTP status was expected"),
    ],
)
def test_an_answer_that_cannot_be_read_fails_just_its_test(
    project: Project, old: str, new: str, message: str
) -> None:
    """It is looked at when it is played; the report of the test looks at it once more."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_bad():
            ask("one")

        @pytest.mark.claude_replay
        def test_good():
            ask("two")
        """
    )
    project.record().assert_outcomes(passed=2)
    name = "test_it/test_bad.yaml"
    project.write(f"cassettes/{name}", project.cassette(name).replace(old, new))

    result = project.run()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*test_bad.yaml:*", "  1  a recording that cannot be read"])
    assert message in str(result.stdout)


def test_an_error_is_said_once(project: Project) -> None:
    """And not again as the cause of itself."""
    project.test("@pytest.mark.claude_replay(mod='once')\ndef test_bad():\n    pass\n")

    result = project.run()

    assert str(result.stdout).count("did you mean 'mode'?") == 1
    result.stdout.no_fnmatch_line("*During handling*")
