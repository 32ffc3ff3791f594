"""Response bodies of httpx and httpx2: one that plays a recording, one that listens to a live answer."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

from claude_replay.intercept.live import LiveAnswer
from claude_replay.intercept.playback import Playback

__all__ = ["Streams", "make_streams"]


class Streams:
    """The responses of one library; each library insists on its own classes."""

    def __init__(self, library: Any, playing: type, recording: type) -> None:
        self._response = library.Response
        self._playing = playing
        self._recording = recording

    def play(self, playback: Playback, request: Any) -> Any:
        """A response that plays a recording; raises RecordingEnded where the call was never answered."""
        if not playback.status:
            playback.end()
        return self._respond(playback, request)

    async def aplay(self, playback: Playback, request: Any) -> Any:
        """The same for async code, which waits first, as the recorded one did before it was cancelled."""
        if not playback.status:
            await playback.aend()
        return self._respond(playback, request)

    def _respond(self, playback: Playback, request: Any) -> Any:
        return self._response(
            playback.status, headers=playback.headers, stream=self._playing(playback), request=request
        )

    def record(self, answer: LiveAnswer | None, response: Any) -> Any:
        """The live response, with an ear on its body."""
        if answer is not None:
            response.stream = self._recording(answer, response.stream)
        return response


def make_streams(library: ModuleType) -> Streams:
    """The stream classes for httpx or httpx2."""
    bases: tuple[Any, Any] = (library.SyncByteStream, library.AsyncByteStream)

    class Playing(*bases):  # type: ignore[misc]
        """A replayed body, with its pauses."""

        def __init__(self, playback: Playback) -> None:
            self._playback = playback

        def __iter__(self) -> Iterator[bytes]:
            for pause, piece in self._playback.pieces:
                if pause:
                    time.sleep(pause)
                yield piece
            self._playback.end()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            import anyio

            for pause, piece in self._playback.pieces:
                if pause:
                    await anyio.sleep(pause)
                yield piece
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

    return Streams(library, Playing, Recording)
