"""A live call, recorded while the application receives the answer."""

from __future__ import annotations

import asyncio
import codecs
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from claude_replay.api import is_finished
from claude_replay.bodies import (
    AWS_EVENT_STREAM,
    EventDecoder,
    FrameDecoder,
    decode_body,
    decompressor,
    media_type,
)
from claude_replay.exchange import Binary, Body, Ended, EventStream, Meta, Response
from claude_replay.session import LiveCalls, Ticket

__all__ = ["LiveAnswer"]

_TRANSFER_HEADERS = ("content-encoding", "content-length", "transfer-encoding")


class LiveAnswer:
    """
    Collects one live answer and reports it exactly once: complete, closed early, cancelled, or broken off.

    Pieces are only kept while they pass; reading them waits for the end, so nothing is delayed.
    """

    def __init__(self, calls: LiveCalls, ticket: Ticket) -> None:
        self._calls = calls
        self._ticket = ticket
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._started = time.monotonic()
        self._pieces: list[tuple[float, bytes]] = []
        self._reported = False
        self._lock = threading.Lock()
        calls.watch(ticket, self._close)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Around the request, until `answered`, and around reading the answer, until `done`."""
        try:
            yield
        except GeneratorExit:
            # Whoever read the stream stops here; `closing` follows.
            raise
        except BaseException as error:
            self._fail(error)
            raise

    reading = sending

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Around closing the connection: the application will read no further."""
        # A task that is cancelled while it waits for something else cancels this call all the same.
        ended: Ended = "cancelled" if _is_cancellation(sys.exc_info()[1]) else "closed"
        try:
            yield
        finally:
            self._report(ended)

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """The answer begins."""
        self._status, self._headers = status, headers

    def add(self, piece: bytes) -> None:
        """Keep a piece that has just arrived."""
        self._pieces.append((time.monotonic(), piece))

    def done(self) -> None:
        """The answer has ended as it should."""
        self._report("complete")

    def _close(self) -> None:
        self._report("closed")

    def _fail(self, error: BaseException) -> None:
        if _is_cancellation(error):
            self._report("cancelled")
        elif self._claim():
            self._abandon(f"{self._place()} ({type(error).__name__}: {error})")

    def _place(self) -> str:
        if not self._status:
            return "it could not be sent"
        events = b"".join(piece for _, piece in self._pieces).count(b"\ndata:")
        return f"the answer broke off after {events} events" if events else "the answer broke off"

    def _claim(self) -> bool:
        with self._lock:
            first, self._reported = not self._reported, True
            return first

    def _abandon(self, reason: str) -> None:
        self._calls.abandon(self._ticket, reason)

    def _report(self, ended: Ended) -> None:
        if not self._claim():
            return
        if not self._status and ended == "closed":
            self._abandon("it was not answered before the cassette was closed")
        elif not self._ticket.records and ended == "cancelled":
            self._abandon("it was cancelled")
        else:
            self._finish(ended)

    def _finish(self, ended: Ended) -> None:
        try:
            body, times = self._decode(ended)
        except ValueError as error:
            self._abandon(f"the answer cannot be read: {error}")
            return
        if isinstance(body, EventStream) and ended != "complete":
            # Applications stop at the last event without waiting for the end of the connection.
            if is_finished(body.items):
                ended = "complete"
            body = EventStream(body.items, padding=body.padding)
        end = self._pieces[-1][0] if self._pieces and ended != "cancelled" else time.monotonic()
        kept = {name: value for name, value in self._headers.items() if name not in _TRANSFER_HEADERS}
        self._calls.finish(
            self._ticket,
            Response(self._status, kept, body, ended),
            Meta(duration=round(end - self._started, 3), times=tuple(times)),
        )

    def _decode(self, ended: Ended) -> tuple[Body, list[int]]:
        unpack = decompressor(self._headers.get("content-encoding", ""))
        unpacked = [(arrived, unpack.feed(piece)) for arrived, piece in self._pieces]
        if ended == "complete":
            unpack.finish()
        kind = media_type(self._headers)
        if kind == AWS_EVENT_STREAM:
            return self._decode_frames(unpacked, cut=ended != "complete")
        if kind != "text/event-stream":
            return decode_body(b"".join(piece for _, piece in unpacked), kind), []
        events, times, text = EventDecoder(), list[int](), codecs.getincrementaldecoder("utf-8")("replace")
        for arrived, piece in unpacked:
            times += [self._since_start(arrived)] * events.feed(text.decode(piece))
        return events.finish(), times

    def _decode_frames(self, unpacked: list[tuple[float, bytes]], *, cut: bool) -> tuple[Body, list[int]]:
        frames, times = FrameDecoder(), list[int]()
        for arrived, piece in unpacked:
            times += [self._since_start(arrived)] * frames.feed(piece)
        stream = frames.finish(cut=cut)
        return (Binary(b"".join(piece for _, piece in unpacked)), []) if stream is None else (stream, times)

    def _since_start(self, arrived: float) -> int:
        return round((arrived - self._started) * 1000)


def _is_cancellation(error: BaseException | None) -> bool:
    trio = sys.modules.get("trio")
    return isinstance(
        error, asyncio.CancelledError if trio is None else (asyncio.CancelledError, trio.Cancelled)
    )
