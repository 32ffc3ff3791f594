"""A recorded answer as bytes and pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, repeat
from typing import Literal

from claude_replay.bodies import AWS_EVENT_STREAM, encode_body, encode_chunks, reframe
from claude_replay.cassette import Entry
from claude_replay.errors import RecordingEnded
from claude_replay.exchange import EventStream, Meta, Response
from claude_replay.faults import Breaks, Spoiled
from claude_replay.session import Session

__all__ = ["Playback", "play", "play_spoiled"]

_Pace = float | Literal["instant", "recorded"]
_RETRYABLE = (408, 409, 429)
_CHUNK_EVENTS = 128  # events handed over together when nobody waits between them
# An application that cancels a call does so a while after what it waited for, and replay is faster than life.
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Playback:
    """
    What an HTTP client is given.

    `pieces` yields (seconds to wait first, bytes). Then the answer is over, unless the recorded application
    did not read on: what `missing` gives is raised, after `patience` seconds for async code to be cancelled
    in. `status` is 0 where there is nothing but that. `breaks` says how the connection ends otherwise than it
    should, after `wait` seconds.
    """

    status: int
    headers: list[tuple[str, str]]
    pieces: Iterable[tuple[float, bytes]]
    missing: Callable[[], RecordingEnded] | None = None
    patience: float = 0.0
    breaks: Breaks | None = None
    wait: float = 0.0

    def end(self) -> None:
        """Raise RecordingEnded where the recording does not know how the answer goes on."""
        if self.missing is not None:
            raise self.missing()

    async def aend(self) -> None:
        """The same for async code."""
        if self.patience:
            import anyio

            await anyio.sleep(self.patience)
        self.end()


def play(session: Session, entry: Entry, *, is_framed: bool) -> Playback:
    """
    Turn a recorded exchange into an answer at the pace the session's settings ask for.

    `is_framed` says that the client reads event streams as AWS frames.
    """
    pace = session.settings.pace
    hurries = pace == "instant"
    if (quick := entry.quick_answer) is not None:
        answer = quick[0]
        headers = _make_headers(answer.status, answer.headers, hurries=hurries)
        return _make_playback(answer.status, headers, answer.content)
    response, meta = entry.answer
    if session.settings.providers == "any":
        response = _reframe(response, is_framed=is_framed)
    if response.ended != "complete":
        headers = _make_headers(response.status, response.headers, hurries=hurries)
        pieces = _pieces(response, meta, pace)
        patience = _PATIENCE + (meta.duration or 0.0) if response.ended == "cancelled" else 0.0
        missing = partial(_missing, session, response, patience)
        return Playback(response.status, headers, pieces, missing, patience)
    return _play_whole(response, meta, pace, hurries=hurries)


def play_spoiled(session: Session, spoiled: Spoiled, *, is_framed: bool) -> Playback:
    """Turn what a fault made of an answer into one; nobody waits unless that was asked for."""
    response, wait = spoiled.response, spoiled.wait if spoiled.is_slept else 0.0
    if response is None:
        return Playback(0, [], (), breaks=spoiled.breaks, wait=wait)
    if session.settings.providers == "any":
        response = _reframe(response, is_framed=is_framed)
    playback = _play_whole(response, spoiled.meta, session.settings.pace, hurries=not spoiled.is_slept)
    pieces: Iterable[tuple[float, bytes]] = playback.pieces
    if spoiled.breaks is not None and not isinstance(response.body, EventStream):
        # The headers have promised all of it.
        pieces = [(pause, piece[: len(piece) // 2]) for pause, piece in pieces]
    if wait:
        pieces = chain([(wait, b"")], pieces)
    return Playback(playback.status, playback.headers, pieces, breaks=spoiled.breaks)


def _play_whole(response: Response, meta: Meta, pace: _Pace, *, hurries: bool) -> Playback:
    headers = _make_headers(response.status, response.headers, hurries=hurries)
    if isinstance(response.body, EventStream):
        return Playback(response.status, headers, _pieces(response, meta, pace))
    return _make_playback(response.status, headers, encode_body(response.body))


def _make_playback(status: int, headers: list[tuple[str, str]], content: bytes) -> Playback:
    headers.append(("content-length", str(len(content))))
    return Playback(status, headers, ((0.0, content),))


def _make_headers(status: int, kept: Mapping[str, str], *, hurries: bool) -> list[tuple[str, str]]:
    headers = list(kept.items())
    if hurries and _is_retried(status, kept):
        # The SDK reads this before retry-after, and sleeps for no longer (anthropic 2.12, _base_client.py).
        headers = [*(pair for pair in headers if pair[0] != "retry-after-ms"), ("retry-after-ms", "1")]
    elif hurries and status < 400 and "retry-after" in kept:
        # What polls reads when to ask again, a batch for example; it need not wait for what is recorded.
        headers = [(name, "0" if name == "retry-after" else value) for name, value in headers]
    return headers


def _reframe(response: Response, *, is_framed: bool) -> Response:
    """The answer for a client of another provider than the one it was recorded from."""
    if not isinstance(response.body, EventStream) or is_framed == (response.body.padding is not None):
        return response
    kind = AWS_EVENT_STREAM if is_framed else "text/event-stream; charset=utf-8"
    headers = {**response.headers, "content-type": kind}
    return replace(response, headers=headers, body=reframe(response.body, aws=is_framed))


def _is_retried(status: int, headers: Mapping[str, str]) -> bool:
    # As the SDK decides (anthropic 2.12, `_base_client._should_retry`).
    asked = headers.get("x-should-retry")
    return asked == "true" or status in _RETRYABLE or status >= 500


def _missing(session: Session, response: Response, patience: float) -> RecordingEnded:
    what = (
        f"cancelled this call, and this run still waits for it ({patience:.0f} s in async code)"
        if response.ended == "cancelled"
        else "stopped reading this answer here, and this run reads on"
    )
    return session.remember(
        RecordingEnded(
            f"claude_replay: the recorded application {what}\n"
            f"  cassette  {session.path}\n"
            f"  record it: {session.command('rewrite')}"
        )
    )


def _pieces(response: Response, meta: Meta, pace: _Pace) -> Iterator[tuple[float, bytes]]:
    body = response.body
    batch = _CHUNK_EVENTS if pace == "instant" else 1
    chunks = encode_chunks(body, batch) if isinstance(body, EventStream) else iter([encode_body(body)])
    if pace == "instant":
        return zip(repeat(0.0), chunks)
    return zip(_pauses(meta, 1.0 if pace == "recorded" else pace), chunks, strict=False)


def _pauses(meta: Meta, factor: float) -> Iterator[float]:
    before = 0
    for now in meta.times:
        yield max(now - before, 0) / 1000 / factor
        before = now
    while True:
        yield 0.0
