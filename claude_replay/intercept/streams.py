"""Response bodies of httpx and httpx2: one that plays a recording, one that listens to a live answer."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from claude_replay.intercept.calls import Call
from claude_replay.intercept.live import LiveAnswer
from claude_replay.intercept.playback import Playback

__all__ = ["Streams", "make_streams"]

_Break = Callable[[Playback, Any], None]


class Streams:
    """The responses of one library; each library insists on its own classes."""

    def __init__(self, library: Any, breaking: _Break, playing: type, recording: type) -> None:
        self._break = breaking
        self._response = library.Response
        self._playing = playing
        self._recording = recording

    def play(self, playback: Playback, request: Any) -> Any:
        """A response that plays a recording; raises RecordingEnded where the call was never answered."""
        if playback.wait:
            time.sleep(playback.wait)
        if not playback.status:
            self._break(playback, request)
            playback.end()
        return self._respond(playback, request)

    async def aplay(self, playback: Playback, request: Any) -> Any:
        """The same for async code, which waits first, as the recorded one did before it was cancelled."""
        if playback.wait:
            import anyio

            await anyio.sleep(playback.wait)
        if not playback.status:
            self._break(playback, request)
            await playback.aend()
        return self._respond(playback, request)

    def _respond(self, playback: Playback, request: Any) -> Any:
        stream = self._playing(playback, request)
        return self._response(playback.status, headers=playback.headers, stream=stream, request=request)

    def spoil(self, call: Call, response: Any) -> Any:
        """The live response, or what a fault makes of it once all of it has been read and recorded."""
        response.read()
        playback = call.spoil()
        return self.play(playback, response.request) if playback is not None else response

    async def aspoil(self, call: Call, response: Any) -> Any:
        """The same for async code."""
        await response.aread()
        playback = call.spoil()
        return await self.aplay(playback, response.request) if playback is not None else response

    def record(self, answer: LiveAnswer | None, response: Any) -> Any:
        """The live response, with an ear on its body."""
        if answer is not None:
            response.stream = self._recording(answer, response.stream)
        return response


def make_streams(library: ModuleType, *, cut: str = "RemoteProtocolError") -> Streams:
    """The stream classes for httpx or httpx2; `cut` names its error where a connection ends too early."""
    breaking = partial(_break_connection, library, cut)
    bases: tuple[Any, Any] = (library.SyncByteStream, library.AsyncByteStream)

    class Playing(*bases):  # type: ignore[misc]
        """A replayed body, with its pauses."""

        def __init__(self, playback: Playback, request: Any) -> None:
            self._playback = playback
            self._request = request

        def __iter__(self) -> Iterator[bytes]:
            for pause, piece in self._playback.pieces:
                if pause:
                    time.sleep(pause)
                yield piece
            breaking(self._playback, self._request)
            self._playback.end()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            import anyio

            for pause, piece in self._playback.pieces:
                if pause:
                    await anyio.sleep(pause)
                yield piece
            breaking(self._playback, self._request)
            await self._playback.aend()

    class Recording(*bases):  # type: ignore[misc]
        """A live body on its way to the application."""

        def __init__(self, answer: LiveAnswer, stream: Any) -> None:
            self._answer = answer
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            with self._answer.reading():
                for piece in self._stream:
                    self._answer.add(piece)
                    yield piece
            self._answer.done()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            with self._answer.reading():
                async for piece in self._stream:
                    self._answer.add(piece)
                    yield piece
            self._answer.done()

        def close(self) -> None:
            with self._answer.closing():
                self._stream.close()

        async def aclose(self) -> None:
            with self._answer.closing():
                await self._stream.aclose()

    return Streams(library, breaking, Playing, Recording)


def _break_connection(library: Any, cut: str, playback: Playback, request: Any) -> None:
    """Raise the library's own error where the connection shall break; the words are httpcore's."""
    if playback.breaks == "connect":
        raise library.ConnectError("All connection attempts failed", request=request)
    if playback.breaks == "timeout":
        raise library.ReadTimeout("The read operation timed out", request=request)
    if playback.breaks == "cut":
        words = "peer closed connection without sending complete message body (incomplete chunked read)"
        raise getattr(library, cut)(words, request=request)
