"""Every setting: its name, what it takes, and where it may stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from claude_replay.settings.modes import RECORD_MODES
from claude_replay.settings.values import (
    choice,
    parse_amount,
    parse_count,
    parse_flag,
    parse_headers,
    parse_hosts,
    parse_items,
    parse_pace,
    parse_paths,
    parse_regexes,
    parse_text,
)

__all__ = ["FIELDS", "Field", "names_for_runs", "names_for_tests"]


@dataclass(frozen=True, slots=True)
class Field:
    """
    One setting; its default stands in `Settings`.

    `parse` takes the raw value and raises ValueError with what was expected. `adds` says that values of
    several layers add up, `scope` whether it belongs to a single "test", to the whole "run", or to both,
    `option` what it is called on the command line where that is not `--claude-replay-<name>`.
    """

    parse: Callable[[object], object]
    adds: bool = False
    scope: Literal["any", "test", "run"] = "any"
    option: str = ""


FIELDS: Mapping[str, Field] = {
    "mode": Field(choice(*RECORD_MODES), option="--claude-record"),
    "dir": Field(parse_text),
    "cassette": Field(parse_text, scope="test"),
    "ignore": Field(parse_paths, adds=True),
    "providers": Field(choice("exact", "any")),
    "record_hosts": Field(parse_hosts, adds=True),
    "inject": Field(parse_items, adds=True, scope="test"),
    "redact": Field(parse_regexes, adds=True),
    "keep_headers": Field(parse_headers, adds=True),
    "match": Field(choice("exact", "sequence")),
    "repeat": Field(parse_flag),
    "pace": Field(parse_pace),
    "unplayed": Field(choice("fail", "warn", "ignore")),
    "max_age": Field(parse_amount),
    "save": Field(choice("always", "passed")),
    "record_errors": Field(parse_flag),
    "max_calls": Field(parse_count, scope="run", option="--claude-record-max-calls"),
    "max_usd": Field(parse_amount, scope="run", option="--claude-record-max-usd"),
    "block": Field(choice("claude", "all", "off"), scope="run"),
    "share_tls": Field(parse_flag, scope="run"),
    "serve_vcr_marks": Field(parse_flag, scope="run"),
}
"""All settings by name."""


def names_for_runs() -> list[str]:
    """The settings that may stand in the ini file, the environment and on the command line."""
    return [name for name, field in FIELDS.items() if field.scope != "test"]


def names_for_tests() -> list[str]:
    """The settings that markers, `claude_replay_config` and `use_cassette()` take."""
    return [name for name, field in FIELDS.items() if field.scope != "run"]
