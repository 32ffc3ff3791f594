"""What the plugin knows by heart, so that it need not import the core at the start of every run."""

from __future__ import annotations

import pytest

from claude_replay.normalize import DEFAULT_IGNORE
from claude_replay.plugin.given import Given
from claude_replay.plugin.options import OPTIONS
from claude_replay.settings import FIELDS, Settings, names_for_runs


def test_there_is_an_option_and_an_ini_key_for_every_setting_of_a_run() -> None:
    """In the same order."""
    assert list(OPTIONS) == names_for_runs()
    assert {name: option.flag for name, option in OPTIONS.items()} == {
        name: FIELDS[name].option for name in OPTIONS
    }


def test_ini_keys_are_read_as_what_they_are() -> None:
    """Flags as truth values and lists as lists, also in TOML."""
    assert [name for name, option in OPTIONS.items() if option.kind == "bool"] == [
        name for name in names_for_runs() if isinstance(getattr(Settings(), name), bool)
    ]
    assert [name for name, option in OPTIONS.items() if option.kind == "linelist"] == [
        name for name in names_for_runs() if FIELDS[name].adds or name == "keep_headers"
    ]


def test_the_help_names_the_defaults() -> None:
    """As they are."""
    for name, option in OPTIONS.items():
        default = getattr(Settings(), name)
        if option.kind == "bool":
            assert f"(default: {str(default).lower()})" in option.help
        elif default is None:
            assert "(default: no limit)" in option.help
        elif option.kind == "string":
            assert f"{default} (default)" in option.help or f"(default: {default})" in option.help


def test_the_header_names_what_is_left_out(pytestconfig: pytest.Config) -> None:
    """As the rules do."""
    assert (
        Given(pytestconfig, pytestconfig.option)
        .describe()
        .endswith(f"not compared: {', '.join(DEFAULT_IGNORE)}")
    )
