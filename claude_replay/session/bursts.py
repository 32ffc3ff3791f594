"""The order of calls that were under way at the same time."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable

from claude_replay.cassette import Recorded
from claude_replay.exchange import Request

__all__ = ["Bursts"]


class Bursts:
    """
    Puts exchanges in an order that the next recording will find again.

    A burst begins with a call while none is under way, and ends with the last that is. Calls of one thread (and
    so of one event loop) stand in the order in which they were issued. In which order several threads get
    to issue theirs is up to the system, so in a burst of several what counts is what they ask: shorter
    conversations first, then by fingerprint.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._open: set[int] = set()
        self._threads: dict[int, set[int]] = defaultdict(set)
        # By the order in which they were issued: burst, messages and fingerprint.
        self._calls: dict[int, tuple[int, int, str]] = {}

    def begin(self, order: int, request: Request, fingerprint: str) -> None:
        """Note a call that is about to be sent from this thread."""
        body = request.json
        messages = body.get("messages") if isinstance(body, dict) else None
        count = len(messages) if isinstance(messages, list) else 0
        with self._lock:
            if not self._open:
                self._number += 1
            self._open.add(order)
            self._threads[self._number].add(threading.get_ident())
            self._calls[order] = self._number, count, fingerprint

    def end(self, order: int) -> None:
        """Note that a call is over."""
        with self._lock:
            self._open.discard(order)

    def sort(self, recorded: Iterable[Recorded]) -> list[Recorded]:
        """The exchanges as they are to stand in the cassette."""
        return sorted(recorded, key=lambda item: self._place(item.order))

    def _place(self, order: int) -> tuple[int, int, str, int]:
        burst, count, fingerprint = self._calls[order]
        is_alone = len(self._threads[burst]) == 1
        return (burst, 0, "", order) if is_alone else (burst, count, fingerprint, order)
