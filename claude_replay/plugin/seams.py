"""
Refuses what the guard cannot know by its host: Claude on Bedrock, on Vertex, and behind a gateway.

Requests are read where HTTP libraries send them, before they connect. The seams of urllib3 are botocore's, too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from claude_replay.intercept.imports import Patches
from claude_replay.plugin.network import find_scopes

if TYPE_CHECKING:
    from types import ModuleType

    from claude_replay.plugin.state import State

__all__ = ["WATCHED", "Seams"]

_TRANSPORTS = (
    ("HTTPTransport", "handle_request"),
    ("AsyncHTTPTransport", "handle_async_request"),
    ("AiohttpTransport", "handle_async_request"),
)
_MODULES = (
    "httpx",
    "httpx2",
    "httpx_aiohttp.transport",
    "httpx_aiohttp.httpx2.transport",
    "anthropic._vendor.httpx_aiohttp.transport",
)
# Each with what reads it in claude_replay.intercept.asked.
_SEAMS = (
    ("http.client", "HTTPConnection", "request", "read_connection"),
    # What is put together by hand, and what vcr's stubs send.
    ("http.client", "HTTPConnection", "putrequest", "read_line"),
    ("urllib3.connectionpool", "HTTPConnectionPool", "urlopen", "read_pool"),
    ("httplib2", "Http", "_conn_request", "read_httplib2"),
    ("aiohttp.client", "ClientSession", "_request", "read_aiohttp"),
    ("tornado.simple_httpclient", "SimpleAsyncHTTPClient", "fetch_impl", "read_tornado"),
    ("tornado.curl_httpclient", "CurlAsyncHTTPClient", "fetch_impl", "read_tornado"),
)
WATCHED = (*_MODULES, *(seam[0] for seam in _SEAMS))
"""All modules that are changed."""
# Above a cassette of vcr's own, which may hold the answer; what it sends itself passes a seam below.
_ABOVE_VCR = ("read_pool", "read_httplib2")


class Seams:
    """Refuses there what no cassette covers: in the modules it is told to patch, until `uninstall`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._is_on = True
        self._patches = Patches()

    def uninstall(self) -> None:
        """Put back what was there."""
        # What lies below somebody else's patch stays, and passes everything from now on.
        self._is_on = False
        self._patches.undo()

    def patch(self, module: ModuleType) -> None:
        """Refuse in this module, one of WATCHED, from now on."""
        if module.__name__ in _MODULES:
            self._patch_transports(module)
        else:
            self._patch_library(module)

    def _patch_transports(self, module: ModuleType) -> None:
        for name, method in _TRANSPORTS:
            if transport := getattr(module, name, None):
                self._patches.replace(transport, method, self._check_transport)

    def _patch_library(self, module: ModuleType) -> None:
        for name, owner, attribute, reader in _SEAMS:
            if name == module.__name__:
                found = getattr(module, owner)
                # A cassette of vcr's own may have put its class there.
                found = getattr(found, "_baseclass", found)
                self._patches.replace(found, attribute, functools.partial(self._check_library, reader))

    def _check_transport(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def handle(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            from claude_replay.api.endpoints import identify

            endpoint = identify(request.method, str(request.url), request.headers)
            if endpoint is not None and not self._is_free(request.url.host):
                raise self._state.refuse(request.url.host, endpoint)
            return original(transport, request)

        return handle

    def _check_library(self, reader: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def send(*args: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            refusal = self._judge(reader, args, options) if self._is_on else None
            if refusal is not None:
                raise refusal
            return original(*args, **options)

        return send

    def _judge(self, reader: str, args: tuple[Any, ...], options: dict[str, Any]) -> BaseException | None:
        from claude_replay.api.endpoints import is_claude_host
        from claude_replay.intercept import asked

        # What is no request, or no URL, the library says in its own way.
        with suppress(TypeError, ValueError):
            request = getattr(asked, reader)(*args, **options)
            endpoint = asked.find_claude(request) if request is not None else None
            if endpoint is None or (reader in _ABOVE_VCR and asked.find_vcr_cassette() is not None):
                return None
            host = asked.host_of(request)
            # Claude's own hosts are the guard's, which stands further down.
            return None if is_claude_host(host) or self._is_free(host) else self._state.refuse(host, endpoint)
        return None

    def _is_free(self, host: str) -> bool:
        from claude_replay.api.endpoints import is_loopback

        # Stand-ins and proxies on this machine are nobody's bill.
        return not self._is_on or bool(self._state.recorders) or is_loopback(host) or _is_covered()


def _is_covered() -> bool:
    scopes = find_scopes()
    return scopes is not None and scopes.current_session() is not None
