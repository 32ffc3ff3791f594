"""What is asked of the cache for single calls: by a context manager, a request header, or the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, get_args

from claude_replay.errors import CacheError

__all__ = ["CONTROL_HEADER", "Control", "Mode", "Seconds", "read_environment", "read_header", "to_seconds"]

Mode = Literal["on", "bypass", "refresh", "only", "read", "write"]
"""
What the cache does with a call.

"on" answers from the shelf and keeps what it had to fetch; "bypass" does neither; "refresh" fetches and replaces
what is kept; "write" fetches and keeps the answer where none is kept yet; "read" answers from the shelf and keeps
nothing; "only" never fetches: without an answer it raises CacheMiss.
"""

Seconds = float | int | str | timedelta | None
"""A time span: seconds, a timedelta, or a number and a unit ("90s", "15m", "12h", "7d", "2w"); None is for ever."""

CONTROL_HEADER = "x-claude-replay-cache"
"""Steers the cache in a request, and says in an answer what it did; never sent to Claude."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw]?)")
_OFF = ("off", "0", "false", "no")


@dataclass(frozen=True, slots=True)
class Control:
    """
    What holds for a call; None stands for what was not said.

    `ttl` limits the age of an answer that is accepted, and how long one that is fetched is kept. `tags` are
    added to what is kept, `sample` asks for one of several answers to the same prompt.
    """

    mode: Mode | None = None
    ttl: Seconds = None
    tags: tuple[str, ...] = ()
    sample: int = 0

    def under(self, inner: Control) -> Control:
        """This and what an inner place says, which counts more; tags add up."""
        if inner is NOTHING_SAID:
            return self
        return Control(
            inner.mode or self.mode,
            self.ttl if inner.ttl is None else inner.ttl,
            tuple(dict.fromkeys((*self.tags, *inner.tags))),
            inner.sample or self.sample,
        )


NOTHING_SAID = Control()


def check_mode(mode: str) -> Mode:
    """The mode of this name; raises CacheError."""
    for known in get_args(Mode):
        if mode == known:
            return known  # type: ignore[no-any-return]
    raise CacheError(f"there is no cache mode {mode!r}; there are: {', '.join(get_args(Mode))}")


def to_seconds(span: Seconds) -> float | None:
    """A time span in seconds; raises CacheError."""
    if span is None:
        return None
    if isinstance(span, timedelta):
        seconds = span.total_seconds()
    elif isinstance(span, str):
        match = _SPAN.fullmatch(span.strip().lower())
        if match is None:
            raise CacheError(
                f"{span!r} is no time span; write seconds, or a number and a unit: 90s, 15m, 12h, 7d, 2w"
            )
        seconds = float(match[1]) * _UNITS[match[2] or "s"]
    else:
        seconds = float(span)
    if not seconds > 0:
        raise CacheError(f"a time span must be more than 0 seconds, not {span!r}; None stands for ever")
    return seconds


def read_header(value: str) -> Control:
    """
    What a request header says: `refresh; ttl=15m; tags=a,b; sample=1`, each part optional.

    Raises CacheError.
    """
    control = NOTHING_SAID
    for part in filter(None, map(str.strip, value.split(";"))):
        name, given, text = (piece.strip() for piece in part.partition("="))
        if not given:
            control = replace(control, mode=check_mode(name))
        elif name == "ttl":
            to_seconds(text)
            control = replace(control, ttl=text)
        elif name == "tags":
            control = replace(control, tags=tuple(filter(None, map(str.strip, text.split(",")))))
        elif name == "sample" and text.isdecimal():
            control = replace(control, sample=int(text))
        else:
            raise CacheError(
                f"header {CONTROL_HEADER}: cannot read {part!r}; "
                "write a mode, ttl=15m, tags=a,b or sample=1, separated by semicolons"
            )
    return control


def read_environment(environ: Mapping[str, str]) -> Control:
    """
    What CLAUDE_REPLAY_CACHE says: `off` turns every cache off, a mode sets the mode of all.

    Raises CacheError for anything else.
    """
    value = environ.get("CLAUDE_REPLAY_CACHE", "").strip().lower()
    if not value or value in ("1", "true", "yes"):
        return NOTHING_SAID
    try:
        return Control("bypass" if value in _OFF else check_mode(value))
    except CacheError as error:
        raise CacheError(f"environment: CLAUDE_REPLAY_CACHE: {error}, and off") from None
