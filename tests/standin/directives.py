"""Reads the directives in square brackets that steer an answer; the package docstring lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

_STOP_REASONS = {
    "end_turn",
    "max_tokens",
    "model_context_window_exceeded",
    "pause_turn",
    "refusal",
    "stop_sequence",
    "tool_use",
}


class DirectiveError(ValueError):
    """A directive with a known name says something that cannot be followed."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the answer is to call."""

    name: str
    input: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Directives:
    """What one text asks the server to do; `text` is what is left of it, with its white space collapsed."""

    text: str = field(default="", compare=False)
    tools: tuple[ToolCall, ...] = ()
    words: int | None = None
    lines: int | None = None
    pieces: tuple[str, ...] | None = None
    echo: str | None = None
    ordinal: bool = False
    stop: str | None = None
    slow: int = 0
    status: int | None = None
    once: tuple[int, int] | None = None
    retry_after: str | None = None
    error_after: int | None = None
    cut_after: int | None = None
    hang_after: int | None = None
    cut_json: bool = False

    def overlay(self, top: Directives) -> Directives:
        """Give these directives with those of `top` in place of its own where `top` has any."""
        given = {
            entry.name: getattr(top, entry.name)
            for entry in fields(self)
            if entry.name != "text" and getattr(top, entry.name) != entry.default
        }
        return replace(self, **given)


NO_DIRECTIVES = Directives()


def parse_directives(text: str) -> Directives:
    """Take the directives out of a text; raises DirectiveError for one that is malformed."""
    values: dict[str, Any] = {"tools": ()}
    kept: list[str] = []
    position = 0
    while match := _START.search(text, position):
        kept.append(text[position : match.start()])
        name = match[1]
        if name == "tool":
            call, position = _read_tool(text, match.end())
            values["tools"] = (*values["tools"], call)
            continue
        end = text.rfind("]") if name == "echo" else text.find("]", match.end())
        if end < match.end():
            raise DirectiveError(f"[{name} has no closing bracket")
        values[name.replace("-", "_")] = _READERS[name](name, text[match.end() : end])
        position = end + 1
    kept.append(text[position:])
    return Directives(text=" ".join(" ".join(kept).split()), **values)


def _read_tool(text: str, start: int) -> tuple[ToolCall, int]:
    """Read `NAME {json}]` from `start` on; gives the call and the position after the bracket."""
    match = re.compile(r"\s*([^\s\]{]+)\s*").match(text, start)
    if match is None:
        raise DirectiveError("[tool NAME {json}]: the name is missing")
    tool_input: Any = {}
    position = match.end()
    if text.startswith("{", position):
        try:
            tool_input, position = json.JSONDecoder().raw_decode(text, position)
        except ValueError as error:
            raise DirectiveError(f"[tool {match[1]}]: its input is not JSON: {error}") from None
    end = re.compile(r"\s*\]").match(text, position)
    if end is None:
        raise DirectiveError(f"[tool {match[1]}]: there is no closing bracket after its input")
    return ToolCall(match[1], tool_input), end.end()


def _read_count(name: str, argument: str) -> int:
    if not argument.strip().isdecimal():
        raise DirectiveError(f"[{name} N]: N is a whole number, not {argument!r}")
    return int(argument)


def _read_status(name: str, argument: str) -> int:
    status = _read_count(name, argument)
    if not 400 <= status <= 599:
        raise DirectiveError(f"[{name} N]: N is a status from 400 to 599, not {status}")
    return status


def _read_once(name: str, argument: str) -> tuple[int, int]:
    status, _, times = argument.strip().partition(" ")
    return _read_status(name, status), _read_count(name, times or "1")


def _read_stop(name: str, argument: str) -> str:
    if argument.strip() not in _STOP_REASONS:
        raise DirectiveError(f"[{name} REASON]: REASON is one of {', '.join(sorted(_STOP_REASONS))}")
    return argument.strip()


def _read_retry_after(name: str, argument: str) -> str:
    if not argument.strip():
        raise DirectiveError(f"[{name} S]: S is missing")
    return argument.strip()


def _read_flag(name: str, argument: str) -> bool:
    if argument:
        raise DirectiveError(f"[{name}] takes no argument, but has {argument!r}")
    return True


_READERS: dict[str, Callable[[str, str], object]] = {
    "words": _read_count,
    "lines": _read_count,
    "pieces": lambda _, argument: tuple(argument.split("|")),
    "echo": lambda _, argument: argument,
    "ordinal": _read_flag,
    "stop": _read_stop,
    "slow": _read_count,
    "status": _read_status,
    "once": _read_once,
    "retry-after": _read_retry_after,
    "error-after": _read_count,
    "cut-after": _read_count,
    "hang-after": _read_count,
    "cut-json": _read_flag,
}
# One white space after the name separates it from its argument, the rest belongs to the text of an echo.
_START = re.compile(rf"\[({'|'.join([*_READERS, 'tool'])})(?:\s|(?=\]))")
