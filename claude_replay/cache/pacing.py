"""Stored answers that are streamed at the pace they came, or a multiple of it."""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal, cast

from claude_replay.bodies import EventDecoder, decompressor
from claude_replay.errors import CacheError

__all__ = ["Pace", "check_pace", "make_paced", "time_events"]

Pace = float | Literal["instant", "recorded"]
"""How fast a stored answer is streamed: "instant", as "recorded", or a factor (2 is twice as fast)."""

_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r|\Z)", re.DOTALL)


def check_pace(pace: Pace) -> Pace:
    """Raises CacheError for what is no pace."""
    if pace in ("instant", "recorded") or (isinstance(pace, (int, float)) and pace > 0):
        return pace
    raise CacheError(f'pace is "instant", "recorded", or a factor more than 0, not {pace!r}')


def time_events(content: bytes, pieces: Sequence[tuple[int, int]], encoding: str) -> tuple[int, ...]:
    """
    When each event of a stream came, in milliseconds.

    `pieces` says when each piece of `content` came, and how long it was. Empty where the content cannot be unpacked.
    """
    unpack, text = decompressor(encoding), codecs.getincrementaldecoder("utf-8")("replace")
    events, times, start = EventDecoder(), list[int](), 0
    for arrived, length in pieces:
        piece = unpack.feed(content[start : start + length])
        times += [arrived] * events.feed(text.decode(piece))
        start += length
    return tuple(times)


def make_paced(library: ModuleType, content: bytes, times: Sequence[int], seconds: float, pace: Pace) -> Any:
    """
    A stream of httpx or httpx2 that gives the events of `content` one by one.

    `times` are milliseconds after sending; where they are not known, the events are spread evenly over `seconds`.
    """
    events = [match.group() for match in _EVENT.finditer(content) if match.group()]
    if len(times) != len(events):
        times = [round(1000 * seconds * number / len(events)) for number in range(1, len(events) + 1)]
    factor = 1.0 if pace == "recorded" else cast("float", pace)
    befores = [0, *times[:-1]]
    pauses = [max(now - before, 0) / 1000 / factor for before, now in zip(befores, times, strict=True)]
    return _paced(library)(list(zip(pauses, events, strict=True)))


@lru_cache(maxsize=4)
def _paced(library: ModuleType) -> Callable[..., Any]:
    bases: tuple[Any, Any] = (library.SyncByteStream, library.AsyncByteStream)

    class Paced(*bases):  # type: ignore[misc]
        """Waits before each event, in a thread or a task."""

        def __init__(self, events: Sequence[tuple[float, bytes]]) -> None:
            self._events = events

        def __iter__(self) -> Iterator[bytes]:
            for pause, event in self._events:
                time.sleep(pause)
                yield event

        async def __aiter__(self) -> AsyncIterator[bytes]:
            import anyio

            for pause, event in self._events:
                await anyio.sleep(pause)
                yield event

        def close(self) -> None:
            """There is nothing to let go of."""

        async def aclose(self) -> None:
            """Nor here."""

    return Paced
