"""A recorded answer as bytes and pauses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from claude_replay.bodies import encode_body, encode_chunks
from claude_replay.cassette import Entry
from claude_replay.errors import RecordingEnded
from claude_replay.exchange import EventStream, Meta, Response
from claude_replay.session import Session

__all__ = ["Playback", "play"]

_RETRYABLE = (408, 409, 429)
_CHUNK_EVENTS = 32  # events handed over together when nobody waits between them


@dataclass(frozen=True, slots=True)
class Playback:
    """
    What an HTTP client is given: status, headers, and either the whole `content` or `pieces`.

    `pieces` yields (seconds to wait first, bytes); it raises RecordingEnded where the recorded application had
    stopped reading.
    """

    status: int
    headers: list[tuple[str, str]]
    content: bytes | None
    pieces: Iterator[tuple[float, bytes]]


def play(session: Session, entry: Entry) -> Playback:
    """Turn a recorded exchange into an answer at the pace the session's settings ask for."""
    (response, meta), pace = entry.answer, session.settings.pace
    headers = list(response.headers.items())
    if pace == "instant" and (response.status in _RETRYABLE or response.status >= 500):
        # The SDK reads this before retry-after, and sleeps for no longer (anthropic 2.12, _base_client.py).
        headers = [*(pair for pair in headers if pair[0] != "retry-after-ms"), ("retry-after-ms", "1")]
    if isinstance(response.body, EventStream) or response.ended == "closed":
        return Playback(response.status, headers, None, _pieces(session, response, meta))
    return Playback(response.status, headers, encode_body(response.body), iter(()))


def _pieces(session: Session, response: Response, meta: Meta) -> Iterator[tuple[float, bytes]]:
    body = response.body
    chunks = encode_chunks(body) if isinstance(body, EventStream) else iter([encode_body(body)])
    if session.settings.pace == "instant":
        yield from _together(chunks)
    else:
        yield from zip(_pauses(meta, session.settings.pace), chunks, strict=False)
    if response.ended == "closed":
        raise RecordingEnded(
            "claude_replay: the recorded application stopped reading this answer here, and this run reads on\n"
            f"  cassette  {session.path}\n"
            f"  record it: {session.command('rewrite')}"
        )


def _together(chunks: Iterator[bytes]) -> Iterator[tuple[float, bytes]]:
    batch: list[bytes] = []
    for chunk in chunks:
        batch.append(chunk)
        if len(batch) == _CHUNK_EVENTS:
            yield 0.0, b"".join(batch)
            batch = []
    if batch:
        yield 0.0, b"".join(batch)


def _pauses(meta: Meta, pace: float | Literal["instant", "recorded"]) -> Iterator[float]:
    factor = pace if isinstance(pace, (int, float)) else 1.0
    before = 0
    for now in meta.times:
        yield max(now - before, 0) / 1000 / factor
        before = now
    while True:
        yield 0.0
