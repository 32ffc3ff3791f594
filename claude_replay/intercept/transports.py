"""
The transports of httpx and httpx2, which all of the SDK's clients send through.

Patched on their classes, so clients made before count as well; streams are passed on piece by piece. What is
patched, and in which version it was seen: `httpx2.HTTPTransport.handle_request` and its async twin (httpx2 2.16,
httpx 0.28), `AiohttpTransport.handle_async_request` (httpx-aiohttp, and anthropic 2.12's copy of it).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import wraps
from types import ModuleType
from typing import Any

from claude_replay.api import Endpoint, identify
from claude_replay.bodies import decode_body, decompress, media_type
from claude_replay.exchange import Request
from claude_replay.intercept.imports import ImportWatch, Patches
from claude_replay.intercept.live import LiveAnswer
from claude_replay.intercept.outlets import sending
from claude_replay.intercept.playback import Playback, play
from claude_replay.intercept.scope import current_session
from claude_replay.session import Session, Ticket

__all__ = ["TRANSPORTS", "Transports"]


class Transports:
    """
    Sees every request of the httpx family once installed.

    One for the whole process and for good: two would record each request twice, and without an open cassette it
    only looks and passes on. `refusers` are asked about requests to Claude that no cassette covers; they raise.
    """

    def __init__(self) -> None:
        self.refusers: list[Callable[[str, Endpoint], None]] = []
        self._patches = Patches()
        self._watch = ImportWatch(
            {
                "httpx": self._patch_httpx,
                "httpx2": self._patch_httpx,
                "httpx_aiohttp.transport": self._patch_aiohttp,
                "anthropic._vendor.httpx_aiohttp.transport": self._patch_aiohttp,
            }
        )

    def install(self) -> None:
        """See requests from now on; does nothing when it already does."""
        self._watch.start()

    def _patch_httpx(self, module: ModuleType) -> None:
        streams = make_streams(module)
        self._patches.replace(
            module.HTTPTransport, "handle_request", lambda original: self._sync(original, streams)
        )
        self._patches.replace(
            module.AsyncHTTPTransport, "handle_async_request", lambda original: self._async(original, streams)
        )

    def _patch_aiohttp(self, module: ModuleType) -> None:
        transport = module.AiohttpTransport
        library = next(base.__module__ for base in transport.__mro__ if base.__name__ == "AsyncBaseTransport")
        streams = make_streams(__import__(library.partition(".")[0]))
        self._patches.replace(
            transport, "handle_async_request", lambda original: self._async(original, streams)
        )

    def _sync(self, original: Callable[..., Any], streams: Streams) -> Callable[..., Any]:
        @wraps(original)
        def handle_request(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            target = self._find(request)
            if target is None:
                return original(transport, request)
            session, endpoint = target
            asked = convert(request, request.read())
            outcome = session.begin(asked, endpoint)
            if outcome is None:
                with sending(asked.url):
                    return original(transport, request)
            if not isinstance(outcome, Ticket):
                return streams.replayed(play(session, outcome), request)
            started = time.monotonic()
            try:
                with sending(asked.url):
                    response = original(transport, request)
            except BaseException as error:
                session.abandon(outcome, f"it could not be sent ({type(error).__name__}: {error})")
                raise
            return streams.recorded(
                LiveAnswer(session, outcome, response.status_code, _headers(response), started), response
            )

        return handle_request

    def _async(
        self, original: Callable[..., Awaitable[Any]], streams: Streams
    ) -> Callable[..., Awaitable[Any]]:
        @wraps(original)
        async def handle_async_request(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            target = self._find(request)
            if target is None:
                return await original(transport, request)
            session, endpoint = target
            asked = convert(request, await request.aread())
            outcome = session.begin(asked, endpoint)
            if outcome is None:
                with sending(asked.url):
                    return await original(transport, request)
            if not isinstance(outcome, Ticket):
                return streams.replayed(play(session, outcome), request)
            started = time.monotonic()
            try:
                with sending(asked.url):
                    response = await original(transport, request)
            except BaseException as error:
                session.abandon(outcome, f"it could not be sent ({type(error).__name__}: {error})")
                raise
            return streams.recorded(
                LiveAnswer(session, outcome, response.status_code, _headers(response), started), response
            )

        return handle_async_request

    def _find(self, request: Any) -> tuple[Session, Endpoint] | None:
        __tracebackhide__ = True
        session = current_session()
        if session is None and not self.refusers:
            return None
        endpoint = identify(request.method, str(request.url), request.headers)
        if endpoint is None:
            return None
        if session is not None:
            return session, endpoint
        for refuse in self.refusers:
            refuse(request.url.host, endpoint)
        return None


TRANSPORTS = Transports()


def convert(request: Any, content: bytes) -> Request:
    """A request of either library as a value."""
    headers = dict(request.headers.items())
    if encoding := headers.get("content-encoding"):
        content = decompress(content, encoding)
    return Request(request.method, str(request.url), headers, decode_body(content, media_type(headers)))


def _headers(response: Any) -> dict[str, str]:
    return dict(response.headers.items())


class Streams:
    """Response streams of one library; each library insists on its own base classes."""

    def __init__(self, library: ModuleType, playing: type, recording: type) -> None:
        self._library = library
        self._playing = playing
        self._recording = recording

    def replayed(self, playback: Playback, request: Any) -> Any:
        """A response that plays a recording."""
        response: Callable[..., Any] = self._library.Response
        if playback.content is not None:
            return response(
                playback.status, headers=playback.headers, content=playback.content, request=request
            )
        return response(
            playback.status, headers=playback.headers, stream=self._playing(playback), request=request
        )

    def recorded(self, answer: LiveAnswer, response: Any) -> Any:
        """The live response, with an ear on its stream."""
        response.stream = self._recording(answer, response.stream)
        return response


def make_streams(library: ModuleType) -> Streams:
    """The stream classes for httpx or httpx2."""
    bases: tuple[Any, Any] = (library.SyncByteStream, library.AsyncByteStream)

    class Playing(*bases):  # type: ignore[misc]
        """A replayed body, with its pauses."""

        def __init__(self, playback: Playback) -> None:
            self._pieces = playback.pieces

        def __iter__(self) -> Iterator[bytes]:
            for pause, piece in self._pieces:
                if pause:
                    time.sleep(pause)
                yield piece

        async def __aiter__(self) -> AsyncIterator[bytes]:
            import anyio

            for pause, piece in self._pieces:
                if pause:
                    await anyio.sleep(pause)
                yield piece

    class Recording(*bases):  # type: ignore[misc]
        """A live body on its way to the application."""

        def __init__(self, answer: LiveAnswer, stream: Any) -> None:
            self._answer = answer
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            try:
                for piece in self._stream:
                    self._answer.add(piece)
                    yield piece
            except GeneratorExit:
                raise
            except BaseException as error:
                self._answer.cut(error)
                raise
            self._answer.done()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for piece in self._stream:
                    self._answer.add(piece)
                    yield piece
            except GeneratorExit:
                raise
            except BaseException as error:
                self._answer.cut(error)
                raise
            self._answer.done()

        def close(self) -> None:
            self._stream.close()
            self._answer.closed()

        async def aclose(self) -> None:
            await self._stream.aclose()
            self._answer.closed()

    return Streams(library, Playing, Recording)
