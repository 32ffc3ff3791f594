"""
The transports of httpx and httpx2, which all of the SDK's clients send through.

Patched on their classes, so clients made before count as well. What is patched, and where it was seen:
`HTTPTransport.handle_request` and `AsyncHTTPTransport.handle_async_request` (httpx 0.28, httpx2 2.16), and
`AiohttpTransport.handle_async_request` (httpx-aiohttp 0.1 and 0.2, and anthropic 2.12's copy of it).
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from types import ModuleType
from typing import Any

from claude_replay.intercept.calls import LOOKED_AT, Call, read_headers
from claude_replay.intercept.imports import ImportWatch, Patches
from claude_replay.intercept.scope import current_session
from claude_replay.intercept.streams import make_streams
from claude_replay.intercept.wanted import find_endpoint

__all__ = ["TRANSPORTS", "Transports"]

# Where the class stands that sends through aiohttp: two releases of a package, and the SDK's own copy.
_AIOHTTP_MODULES = (
    "httpx_aiohttp.transport",
    "httpx_aiohttp.httpx2.transport",
    "anthropic._vendor.httpx_aiohttp.transport",
)


class Transports:
    """
    Sees every request of the httpx family once installed.

    One for the whole process and for good: two would record each request twice, and without an open cassette
    it only looks and passes on.
    """

    def __init__(self) -> None:
        self._patches = Patches()
        self._watch = ImportWatch(
            {
                **dict.fromkeys(("httpx", "httpx2"), self._patch_httpx),
                **dict.fromkeys(_AIOHTTP_MODULES, self._patch_aiohttp),
            }
        )

    def install(self) -> None:
        """See requests from now on; does nothing when it already does."""
        self._watch.start()

    def _patch_httpx(self, library: ModuleType) -> None:
        # A library of that name without these classes is not the one the SDK uses.
        sync, twin = getattr(library, "HTTPTransport", None), getattr(library, "AsyncHTTPTransport", None)
        self._patches.replace(sync, "handle_request", partial(self._wrap_sync, library))
        self._patches.replace(twin, "handle_async_request", partial(self._wrap_async, library))

    def _patch_aiohttp(self, module: ModuleType) -> None:
        transport = module.AiohttpTransport
        base = next(base for base in transport.__mro__ if base.__name__ == "AsyncBaseTransport")
        library = sys.modules[base.__module__.partition(".")[0]]
        # What aiohttp says of a broken connection, its transports translate into that.
        wrap = partial(self._wrap_async, library, cut="ReadError")
        self._patches.replace(transport, "handle_async_request", wrap)

    def _wrap_sync(self, library: ModuleType, original: Callable[..., Any]) -> Callable[..., Any]:
        streams = make_streams(library)

        @wraps(original)
        def handle_request(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            call = self._find_call(request)
            if call is None:
                return original(transport, request)
            playback = call.begin(request.read())
            if playback is not None:
                return streams.play(playback, request)
            with call.sending():
                response = original(transport, request)
            response = streams.record(call.answered(response), response)
            if call.is_to_be_spoiled:
                response.request = request
                return streams.spoil(call, response)
            return response

        return handle_request

    def _wrap_async(
        self,
        library: ModuleType,
        original: Callable[..., Awaitable[Any]],
        cut: str = "RemoteProtocolError",
    ) -> Callable[..., Awaitable[Any]]:
        streams = make_streams(library, cut=cut)

        @wraps(original)
        async def handle_async_request(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            call = self._find_call(request)
            if call is None:
                return await original(transport, request)
            playback = call.begin(await request.aread())
            if playback is not None:
                return await streams.aplay(playback, request)
            with call.sending():
                response = await original(transport, request)
            response = streams.record(call.answered(response), response)
            if call.is_to_be_spoiled:
                response.request = request
                return await streams.aspoil(call, response)
            return response

        return handle_async_request

    def _find_call(self, request: Any) -> Call | None:
        """A request that belongs to an open cassette; None for others."""
        __tracebackhide__ = True
        session = current_session()
        if session is None:
            return None
        url, headers = str(request.url), read_headers(request.headers, LOOKED_AT)
        endpoint = find_endpoint(session, request.method, url, headers)
        return Call(session, endpoint, request, url, headers) if endpoint is not None else None


TRANSPORTS = Transports()
