"""In continuous integration only the command line starts recording."""

from __future__ import annotations

import pytest

from claude_replay.settings import COMMAND_LINE, ENVIRONMENT, INI_FILE, Layer, is_ci, may_send, resolve
from claude_replay.settings.modes import RECORD_MODES


@pytest.mark.parametrize("origin", [INI_FILE, "claude_replay_config", "marker", ENVIRONMENT])
def test_only_the_command_line_chooses_a_mode_in_ci(origin: str) -> None:
    """Any other layer's mode is not used, and a note says so."""
    settings = resolve([Layer(origin, {"mode": "once"}, "somewhere")], ci=True)

    assert settings.mode == "none"
    assert settings.origins == {}
    assert settings.notes == (
        f"CI is set, so mode 'once' ({origin}) is not used: "
        "only --claude-record on the command line can start recording there",
    )


def test_the_command_line_chooses_the_mode_in_ci() -> None:
    """What is given on the command line is meant."""
    settings = resolve([Layer(INI_FILE, {"mode": "once"}), Layer(COMMAND_LINE, {"mode": "rewrite"})], ci=True)

    assert settings.mode == "rewrite"
    assert settings.origins == {"mode": COMMAND_LINE}


def test_mode_none_needs_no_note_in_ci() -> None:
    """What CI does anyway may be said."""
    settings = resolve([Layer(INI_FILE, {"mode": "none"})], ci=True)

    assert settings.notes == ()
    assert settings.origins == {"mode": INI_FILE}


def test_other_settings_hold_in_ci() -> None:
    """The rule is about modes only."""
    assert resolve([Layer("marker", {"pace": 2})], ci=True).pace == 2


def test_the_same_note_of_several_markers_stands_once() -> None:
    """A person needs to read it once."""
    layers = [Layer("marker", {"mode": "once"}, place) for place in ("test_it.py", "test_it.py::test_one")]

    assert len(resolve(layers, ci=True).notes) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("1", True), ("woodpecker", True), ("", False), ("0", False), (" False ", False)],
)
def test_what_counts_as_ci(value: str, expected: bool) -> None:
    """`CI` is set, and not to nothing, 0 or false."""
    assert is_ci({"CI": value}) is expected


def test_without_the_variable_it_is_not_ci() -> None:
    """An environment without `CI` is somebody's machine."""
    assert not is_ci({})


def test_only_mode_none_sends_nothing() -> None:
    """Every other mode may reach Claude."""
    assert [mode for mode in RECORD_MODES if not may_send(mode)] == ["none"]
