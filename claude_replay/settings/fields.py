"""Every setting: its name, what it takes, and what it means. Options, ini keys and `--help` are made from this."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from claude_replay.errors import SettingsError
from claude_replay.settings.modes import RECORD_MODES

__all__ = ["FIELDS", "Field", "nearest"]


@dataclass(frozen=True, slots=True)
class Field:
    """
    One setting.

    `parse` takes the raw value (text from ini, environment and command line; Python values from markers and
    fixtures) and raises ValueError with what was expected. `adds` says that values of several layers add up.
    """

    default: object
    parse: Callable[[object], object]
    help: str
    adds: bool = False
    marker_only: bool = False


def nearest(value: object, known: Iterable[str]) -> str:
    """A hint that names the nearest valid spelling, or all of them."""
    names = list(known)
    near = difflib.get_close_matches(str(value), names, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"


def _choice(*names: str) -> Callable[[object], object]:
    def parse(value: object) -> object:
        if value not in names:
            raise ValueError(f"{value!r} is not one of them; {nearest(value, names)}")
        return value

    return parse


def _flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"true or false was expected, not {value!r}")


def _text(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"text was expected, not {value!r}")
    return value


def _list(value: object) -> object:
    if isinstance(value, str):
        return tuple(line.strip() for line in value.splitlines() if line.strip())
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError(f"a list of texts was expected, not {value!r}")


def _regexes(value: object) -> object:
    patterns = _list(value)
    for pattern in patterns if isinstance(patterns, tuple) else ():
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return patterns


def _pace(value: object) -> object:
    if value in ("instant", "recorded"):
        return value
    try:
        factor = float(str(value))
    except ValueError:
        factor = -1.0
    if not 0 < factor < float("inf"):
        raise ValueError(f"'instant', 'recorded' or a factor above 0 (2 is twice as fast) was expected, not {value!r}")
    return factor


FIELDS: Mapping[str, Field] = {
    "mode": Field("none", _choice(*RECORD_MODES), f"record mode: {', '.join(RECORD_MODES)}"),
    "dir": Field("cassettes", _text, "folder of the cassettes, below the project root"),
    "cassette": Field(None, _text, "file of this test's cassette, below `dir`", marker_only=True),
    "ignore": Field(
        (),
        _list,
        "paths of a request that matching leaves out, as `max_tokens`, `messages[*].content[0].text:uuid`",
        adds=True,
    ),
    "redact": Field((), _regexes, "regular expressions; what they match is never written", adds=True),
    "keep_headers": Field((), _list, "more response headers to store, by name", adds=True),
    "repeat": Field(False, _flag, "answer again with the last recording when all equal ones are played"),
    "pace": Field("instant", _pace, "how fast a replayed stream comes: instant, recorded, or a factor"),
    "unplayed": Field(
        "fail", _choice("fail", "warn", "ignore"), "what recorded exchanges that nobody asked for do to a passing test"
    ),
    "save": Field("always", _choice("always", "passed"), "keep what a failing test recorded: always, passed"),
    "record_errors": Field(False, _flag, "also record failures that the SDK's retries overcame"),
    "block": Field(
        "claude", _choice("claude", "all", "off"), "connections refused outside recording: claude, all but this machine, off"
    ),
    "share_tls": Field(True, _flag, "while replaying, build identical default TLS contexts once per process"),
}
"""All settings by name."""
