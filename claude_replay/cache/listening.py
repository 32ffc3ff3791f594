"""The body of a live answer on its way to the application, with an ear on it."""

from __future__ import annotations

import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal, Protocol

from claude_replay.cache.keeping import Received

__all__ = ["Listener", "listen", "read_headers", "shielded"]


class Listener(Protocol):
    """Whom to tell what became of an answer; one of the two is called, once."""

    def settle(self, received: Received | str) -> None:
        """In sync code."""
        ...

    async def asettle(self, received: Received | str) -> None:
        """In a task."""
        ...

    def drop(self) -> None:
        """The answer was dropped unread; must not wait."""
        ...


class _Ear:
    """Collects one answer."""

    __slots__ = ("_headers", "_marks", "_pieces", "_started", "_status", "broken", "settled")

    def __init__(self, status: int, headers: Mapping[str, str], started: float) -> None:
        self._status, self._headers, self._started = status, headers, started
        self._pieces: list[bytes] = []
        self._marks: list[tuple[int, int]] = []
        self.broken = self.settled = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around reading, to tell a connection that breaks from an application that stops."""
        try:
            yield
        except Exception:
            self.broken = True
            raise

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._marks.append((round(1000 * (time.monotonic() - self._started)), len(piece)))

    def receive(self, *, complete: bool) -> Received | None:
        """What there is; None where that was asked before."""
        if self.settled:
            return None
        self.settled = True
        seconds = time.monotonic() - self._started
        content = b"".join(self._pieces)
        ended: Literal["complete", "closed", "cut"] = (
            "complete" if complete else "cut" if self.broken else "closed"
        )
        return Received(self._status, self._headers, content, ended, seconds, tuple(self._marks))


def listen(response: Any, library: ModuleType, listener: Listener, started: float) -> None:
    """Have `listener` told of the body of an unread response of httpx or httpx2, once it is read or closed."""
    ear = _Ear(response.status_code, read_headers(response.headers), started)
    stream = _make_stream(library)(ear, listener, response.stream)
    weakref.finalize(stream, listener.drop)
    response.stream = stream


def read_headers(headers: Any) -> dict[str, str]:
    """Headers of httpx or httpx2 with names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


@lru_cache(maxsize=4)
def _make_stream(library: ModuleType) -> Callable[..., Any]:
    bases: tuple[Any, Any] = (library.SyncByteStream, library.AsyncByteStream)

    class Listening(*bases):  # type: ignore[misc]
        """Passes everything on as it comes."""

        def __init__(self, ear: _Ear, listener: Listener, stream: Any) -> None:
            self._ear, self._listener, self._stream = ear, listener, stream

        def __getattr__(self, name: str) -> Any:
            # The SDK's tracing looks for what it has put on a stream.
            return getattr(self.__dict__["_stream"], name)

        def __iter__(self) -> Iterator[bytes]:
            with self._ear.reading():
                for piece in self._stream:
                    self._ear.add(piece)
                    yield piece
            self._settle(complete=True)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            with self._ear.reading():
                async for piece in self._stream:
                    self._ear.add(piece)
                    yield piece
            await self._asettle(complete=True)

        def close(self) -> None:
            try:
                self._stream.close()
            finally:
                self._settle(complete=False)

        async def aclose(self) -> None:
            try:
                await self._stream.aclose()
            finally:
                await self._asettle(complete=False)

        def _settle(self, *, complete: bool) -> None:
            received = self._ear.receive(complete=complete)
            if received is not None:
                self._listener.settle(received)

        async def _asettle(self, *, complete: bool) -> None:
            received = self._ear.receive(complete=complete)
            if received is not None:
                await shielded(self._listener.asettle(received))

    return Listening


async def shielded(work: Awaitable[None]) -> None:
    """A task that is being cancelled still tells what it has read; that is short."""
    import anyio

    with anyio.move_on_after(5, shield=True):
        await work
