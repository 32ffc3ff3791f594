"""A live answer, recorded while the application receives it."""

from __future__ import annotations

import codecs
import threading
import time
from collections.abc import Mapping
from typing import Literal

from claude_replay.api import is_finished
from claude_replay.bodies import EventDecoder, decode_body, decompressor, media_type
from claude_replay.exchange import Body, EventStream, Meta, Response
from claude_replay.session import Session, Ticket

__all__ = ["LiveAnswer"]

_TRANSFER_HEADERS = ("content-encoding", "content-length", "transfer-encoding")


class LiveAnswer:
    """
    Collects the pieces of one live answer and reports it exactly once: whole, closed early, or cut.

    Pieces are only kept while they pass; reading them waits for the end, so nothing is delayed.
    """

    def __init__(
        self, session: Session, ticket: Ticket, status: int, headers: Mapping[str, str], started: float
    ) -> None:
        self._session = session
        self._ticket = ticket
        self._status = status
        self._headers = headers
        self._started = started
        self._pieces: list[tuple[float, bytes]] = []
        self._reported = False
        self._lock = threading.Lock()
        session.watch(ticket, self.closed)

    def add(self, piece: bytes) -> None:
        """Keep a piece that has just arrived."""
        self._pieces.append((time.monotonic(), piece))

    def done(self) -> None:
        """The answer has ended as it should."""
        self._report("complete")

    def closed(self) -> None:
        """The application will read no further."""
        self._report("closed")

    def cut(self, error: BaseException) -> None:
        """The answer broke off."""
        if self._claim():
            times = self._decode()[1]
            after = f" after {len(times)} events" if times else ""
            self._session.abandon(self._ticket, f"the answer broke off{after} ({type(error).__name__})")

    def _claim(self) -> bool:
        with self._lock:
            first, self._reported = not self._reported, True
            return first

    def _report(self, ended: Literal["complete", "closed"]) -> None:
        if not self._claim():
            return
        try:
            body, times = self._decode()
        except ValueError as error:
            self._session.abandon(self._ticket, f"the answer cannot be read: {error}")
            return
        if isinstance(body, EventStream) and ended == "closed":
            # Applications stop at the last event without waiting for the end of the connection.
            if is_finished(body.items):
                ended = "complete"
            body = EventStream(body.items)
        end = self._pieces[-1][0] if self._pieces else time.monotonic()
        kept = {name: value for name, value in self._headers.items() if name not in _TRANSFER_HEADERS}
        self._session.finish(
            self._ticket,
            Response(self._status, kept, body, ended),
            Meta(duration=round(end - self._started, 3), times=tuple(times)),
        )

    def _decode(self) -> tuple[Body, list[int]]:
        unpack = decompressor(self._headers.get("content-encoding", ""))
        if media_type(self._headers) != "text/event-stream":
            content = b"".join(unpack.feed(piece) for _, piece in self._pieces)
            return decode_body(content, media_type(self._headers)), []
        events, times, text = EventDecoder(), list[int](), codecs.getincrementaldecoder("utf-8")("replace")
        for arrived, piece in self._pieces:
            count = events.feed(text.decode(unpack.feed(piece)))
            times += [round((arrived - self._started) * 1000)] * count
        return events.finish(), times
