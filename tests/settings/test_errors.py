"""What is not valid is named, with where it stood and the nearest valid spelling."""

from __future__ import annotations

import pytest

from claude_replay.errors import SettingsError
from claude_replay.settings import (
    COMMAND_LINE,
    ENVIRONMENT,
    INI_FILE,
    Layer,
    environment_layer,
    names_for_tests,
    resolve,
)

MARKER = Layer("marker", {}, "test_it.py::test_one")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            Layer(COMMAND_LINE, {"mode": "onec"}),
            "command line: mode: 'onec' is not valid; did you mean 'once'?",
        ),
        (
            Layer(INI_FILE, {"mode": "live"}),
            "ini file: mode: 'live' is not valid; "
            "there are: none, once, new_episodes, rewrite, all, verify, off",
        ),
        (
            Layer(ENVIRONMENT, {"unplayed": "Warn"}),
            "environment: unplayed: 'Warn' is not valid; did you mean 'warn'?",
        ),
        (
            MARKER._replace(values={"ignroe": []}),
            "marker of test_it.py::test_one: there is no setting 'ignroe'; did you mean 'ignore'?",
        ),
        (
            MARKER._replace(values={"record_mode": "once"}),
            "marker of test_it.py::test_one: there is no setting 'record_mode'; did you mean 'mode'?",
        ),
        (
            MARKER._replace(values={"match_on": []}),
            "marker of test_it.py::test_one: there is no setting 'match_on'; did you mean 'ignore'?",
        ),
        (
            MARKER._replace(values={"serializer": "json"}),
            "marker of test_it.py::test_one: there is no setting 'serializer'; there are: "
            + ", ".join(names_for_tests()),
        ),
        (
            MARKER._replace(values={"block": "all"}),
            "marker of test_it.py::test_one: 'block' holds for the whole run: --claude-replay-block, "
            "claude_replay_block in the ini file, CLAUDE_REPLAY_BLOCK",
        ),
        (
            Layer(INI_FILE, {"cassette": "one.yaml"}),
            "ini file: 'cassette' is for single tests: @pytest.mark.claude_replay(cassette=…)",
        ),
        (
            Layer(INI_FILE, {"repeat": "sometimes"}),
            "ini file: repeat: true or false was expected, not 'sometimes'",
        ),
        (Layer("marker", {"ignore": 3}), "marker: ignore: a list of texts was expected, not 3"),
        (Layer("marker", {"ignore": [3]}), "marker: ignore: a list of texts was expected, not [3]"),
        (Layer("marker", {"cassette": " "}), "marker: cassette: text was expected, not ' '"),
        (Layer("marker", {"dir": 3}), "marker: dir: text was expected, not 3"),
        (
            Layer("marker", {"redact": ["("]}),
            "marker: redact: '(' is not a regular expression: "
            "missing ), unterminated subpattern at position 0",
        ),
        (
            Layer("marker", {"keep_headers": "x-one, x-two"}),
            "marker: keep_headers: 'x-one, x-two' is not the name of a header: write x-example, one a line",
        ),
        (
            Layer("marker", {"record_hosts": "a.example,b.example"}),
            "marker: record_hosts: 'a.example,b.example' is not a host: write example.com, *.example.com or "
            "127.0.0.1, without a port, one a line",
        ),
        *(
            (
                Layer("marker", {"pace": pace}),
                "marker: pace: 'instant', 'recorded' or a factor above 0 (2 is twice as fast) was expected, "
                f"not {pace!r}",
            )
            for pace in ("fast", 0, "-1", "inf", "nan")
        ),
    ],
)
def test_an_invalid_value_is_named(layer: Layer, message: str) -> None:
    """A message says where, what, and what would be valid."""
    with pytest.raises(SettingsError) as caught:
        resolve([layer])

    assert str(caught.value) == message


def test_the_environment_is_read_by_prefix() -> None:
    """CLAUDE_REPLAY_<NAME> for every setting that may hold for a run; lists have one entry a line."""
    layer = environment_layer(
        {"CLAUDE_REPLAY_MODE": "once", "CLAUDE_REPLAY_IGNORE": "one\ntwo", "PATH": "/bin"}
    )

    assert layer == Layer("environment", {"mode": "once", "ignore": "one\ntwo"})
    assert resolve([layer]).ignore == ("one", "two")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("RECORD", "MODE"),
        ("RECORD_MAX_USD", "MAX_USD"),
        ("DRI", "DIR"),
        ("IDR", "DIR"),
        ("BLOKC", "BLOCK"),
        ("MAXCALLS", "MAX_CALLS"),
    ],
)
def test_a_misspelled_name_in_the_environment_is_refused(wrong: str, right: str) -> None:
    """A name that is nearly that of a setting was meant for it."""
    with pytest.raises(SettingsError) as caught:
        environment_layer({f"CLAUDE_REPLAY_{wrong}": "once"})

    assert str(caught.value) == (
        f"environment: there is no setting 'CLAUDE_REPLAY_{wrong}'; did you mean 'CLAUDE_REPLAY_{right}'?"
    )


def test_a_setting_of_single_tests_in_the_environment_is_refused() -> None:
    """It would hold for all of them."""
    with pytest.raises(SettingsError) as caught:
        resolve([environment_layer({"CLAUDE_REPLAY_CASSETTE": "one.yaml"})])

    assert str(caught.value) == (
        "environment: 'cassette' is for single tests: @pytest.mark.claude_replay(cassette=…)"
    )


@pytest.mark.parametrize("name", ["HOME", "CACHE", "CACHE_KEY", "CORPUS", "", "X", "IRD"])
def test_other_names_in_the_environment_may_be_of_other_programs(name: str) -> None:
    """Nothing is said about a name that resembles no setting; some are this project's own."""
    assert environment_layer({f"CLAUDE_REPLAY_{name}": "/tmp"}).values == {}
