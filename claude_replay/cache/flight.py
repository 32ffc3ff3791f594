"""One call at a time for one key: who fetches, and who waits for it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Flight", "Flights", "Place", "here", "here_async"]

# How long a task waits at most before it looks again whether the flight has ended in another thread.
_GLANCE = 0.25


class Place:
    """
    Where calls wait for each other: all threads of the process, or one event loop.

    `id` tells places apart, `me` who asks within it.
    """

    __slots__ = ("id", "is_async", "me")

    def __init__(self, place: int, me: int, *, is_async: bool) -> None:
        self.id, self.me, self.is_async = place, me, is_async


def here() -> Place:
    """The place of sync code."""
    return Place(0, threading.get_ident(), is_async=False)


def here_async() -> Place:
    """The place of the running event loop, asyncio's or trio's."""
    import anyio

    return Place(id(_loop()), anyio.get_current_task().id, is_async=True)


def _loop() -> object:
    trio: Any = sys.modules.get("trio")
    if trio is not None:
        try:
            return trio.lowlevel.current_trio_token()
        except RuntimeError:
            pass
    import asyncio

    return asyncio.get_running_loop()


class Flight:
    """A fetch that is under way; `finish` lets everybody go on who waits for it, from any thread."""

    __slots__ = ("_event", "_loop", "_remove", "done", "owner")

    def __init__(self, place: Place, remove: Callable[[], None]) -> None:
        self.owner = place.me
        self.done = False
        self._remove = remove
        self._loop: object = None
        self._event: Any
        if place.is_async:
            import anyio

            # An event belongs to the loop it was made in.
            self._event, self._loop = anyio.Event(), _loop()
        else:
            self._event = threading.Event()

    def finish(self) -> None:
        """The fetch is over, whatever came of it; does nothing the second time."""
        if self.done:
            return
        self.done = True
        self._remove()
        # A stream may be dropped in another thread, where the event must not be touched; waiters look for
        # themselves now and then.
        if self._loop is None or self._loop is _running_loop():
            self._event.set()

    def wait(self, seconds: float) -> None:
        """Until it is over, at most `seconds`."""
        self._event.wait(seconds)

    async def await_(self, seconds: float) -> None:
        """The same for a task."""
        import anyio

        with anyio.move_on_after(seconds):
            while not self.done:
                with anyio.move_on_after(_GLANCE):
                    await self._event.wait()


def _running_loop() -> object:
    try:
        return _loop()
    except RuntimeError:
        return None


class Flights:
    """All fetches under way in this process."""

    def __init__(self) -> None:
        self._flights: dict[tuple[int, str], Flight] = {}
        self._lock = threading.Lock()

    def join(self, place: Place, key: str) -> tuple[Flight, bool]:
        """The flight of a key, and whether the caller leads it because there was none."""
        with self._lock:
            flight = self._flights.get((place.id, key))
            if flight is not None:
                return flight, False
            flight = self._flights[place.id, key] = Flight(place, self._remover(place.id, key))
            return flight, True

    def _remover(self, place: int, key: str) -> Callable[[], None]:
        def remove() -> None:
            with self._lock:
                del self._flights[place, key]

        return remove
