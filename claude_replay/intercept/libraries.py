"""
Where requests of other HTTP libraries than the httpx family are seen.

    http.client   HTTPConnection.request, getresponse   also urllib.request
    urllib3       HTTPConnectionPool.urlopen            also requests and botocore
    aiohttp       ClientSession._request
    httplib2      Http._conn_request
    tornado       fetch_impl of both clients

A request to Claude that belongs to an open cassette goes to vcrpy's stubs; all others pass as they came.
Requests that are put together by hand (`putrequest`, sockets) pass too, and the network guard stops them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial, wraps
from types import ModuleType
from typing import Any

from claude_replay.intercept.asked import (
    Asked,
    find_claude,
    find_vcr_cassette,
    read_aiohttp,
    read_connection,
    read_httplib2,
    read_pool,
    read_tornado,
)
from claude_replay.intercept.imports import ImportWatch, Patches
from claude_replay.intercept.outlets import is_sending
from claude_replay.intercept.scope import current_session
from claude_replay.intercept.vcrpy_async import ask_with_aiohttp, ask_with_tornado
from claude_replay.intercept.vcrpy_connections import ask_with_pool, stand_in_for
from claude_replay.intercept.wanted import is_recorded_host
from claude_replay.session import Session

__all__ = ["LIBRARIES", "Libraries"]

# What vcr's cassettes replace as well, so that the later one has to lie on top.
_SEAMS_OF_VCR = (
    ("aiohttp.client", "ClientSession", "_request", "_wrap_aiohttp"),
    ("tornado.simple_httpclient", "SimpleAsyncHTTPClient", "fetch_impl", "_wrap_tornado"),
    ("tornado.curl_httpclient", "CurlAsyncHTTPClient", "fetch_impl", "_wrap_tornado"),
)
_SEAMS = (
    *_SEAMS_OF_VCR,
    ("http.client", "HTTPConnection", "request", "_wrap_request"),
    ("http.client", "HTTPConnection", "getresponse", "_wrap_getresponse"),
    # Connections that were made while a cassette of vcr's own was open.
    ("vcr.stubs", "VCRConnection", "request", "_wrap_request"),
    ("vcr.stubs", "VCRConnection", "getresponse", "_wrap_getresponse"),
    ("urllib3.connectionpool", "HTTPConnectionPool", "urlopen", "_wrap_urlopen"),
    ("httplib2", "Http", "_conn_request", "_wrap_conn_request"),
)
# Where a connection keeps the stub that has taken its request.
_STUB = "_claude_replay_stub"
# Below a stub of a cassette of vcr's own.
_is_vcrs: ContextVar[bool] = ContextVar("claude_replay_is_vcrs", default=False)


@dataclass(eq=False, slots=True)
class _Served:
    """A session that requests may belong to, and the cassette of vcr's own that it was opened in."""

    session: Session
    outer: object


class Libraries:
    """
    Sees the requests of these libraries while sessions are served.

    One for the whole process, and in place for good after the first session; with none to serve it only
    passes on. Imports nothing: not the libraries, and vcrpy only when there is a request to Claude.
    """

    def __init__(self) -> None:
        self._served: list[_Served] = []
        self._patches = Patches()
        self._watch = ImportWatch({seam[0]: partial(self._patch, self._patches) for seam in _SEAMS})
        # What stood in each place when it was looked at last.
        self._seen: dict[tuple[Any, str], object] = {}

    def serve(self, session: Session) -> Callable[[], None]:
        """Until the returned function is called, requests to Claude may belong to this session."""
        self._watch.start()
        # Whoever was there before this may have put back what he had found.
        if any(vars(owner).get(name) is not seen for (owner, name), seen in self._seen.items()):
            self._patch_imported(self._patches, _SEAMS)
        served, on_top = _Served(session, find_vcr_cassette()), Patches()
        if served.outer is not None:
            self._patch_imported(on_top, _SEAMS_OF_VCR)
        self._served.append(served)

        def end() -> None:
            self._served.remove(served)
            on_top.undo()

        return end

    def _patch_imported(self, patches: Patches, seams: Iterable[tuple[str, str, str, str]]) -> None:
        for name in dict.fromkeys(seam[0] for seam in seams):
            if name in sys.modules:
                self._patch(patches, sys.modules[name])

    def _patch(self, patches: Patches, module: ModuleType) -> None:
        for name, owner, attribute, wrapper in _SEAMS:
            found = getattr(module, owner, None) if name == module.__name__ else None
            if found is not None:
                # A cassette of vcr's own may have put its class there.
                found = getattr(found, "_baseclass", found)
                patches.replace(found, attribute, getattr(self, wrapper))
                self._seen[found, attribute] = vars(found).get(attribute)

    def _find(self, asked: Asked | None) -> Session | None:
        """The session that a request belongs to; None where it is to pass."""
        __tracebackhide__ = True
        # Below a live call of a transport or stub of ours, the request has been seen already.
        if asked is None or is_sending() or _is_vcrs.get():
            return None
        try:
            endpoint = find_claude(asked)
            if endpoint is None and not self._is_recorded(asked.url):
                return None
            session = current_session()
            if session is None or (endpoint is None and not is_recorded_host(session, asked.url)):
                return None
        except ValueError:
            # Not a URL: the library says so in its own way.
            return None
        return None if self._is_taken(session) else session

    def _is_recorded(self, url: str) -> bool:
        return any(is_recorded_host(served.session, url) for served in self._served)

    def _is_taken(self, session: Session) -> bool:
        # What is opened inside comes first, also among a session and a cassette of vcr's own.
        cassette = find_vcr_cassette()
        outer = [served.outer for served in self._served if served.session is session]
        return cassette is not None and cassette not in outer

    # -------------------------------------------------------------- http.client

    def _wrap_request(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def request(connection: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            vars(connection).pop(_STUB, None)
            session = None
            if self._served:
                session = self._find(read_connection(connection, method, url, *args, **options))
            if session is None:
                return original(connection, method, url, *args, **options)
            stub = stand_in_for(connection, session)
            stub.request(method, url, *args, **options)
            # Only now: nothing is to come of a request that has failed.
            vars(connection)[_STUB] = stub
            return None

        return request

    def _wrap_getresponse(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def getresponse(connection: Any, *args: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            stub = vars(connection).pop(_STUB, None)
            if stub is not None:
                return stub.getresponse()
            # What a stub of vcr's own sends from here must not be taken for somebody's own request.
            token = _is_vcrs.set(True)
            try:
                return original(connection, *args, **options)
            finally:
                _is_vcrs.reset(token)

        return getresponse

    # -------------------------------------------------------------- urllib3 and httplib2

    def _wrap_urlopen(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def urlopen(pool: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            session = self._find(read_pool(pool, method, url, *args, **options)) if self._served else None
            if session is None:
                return original(pool, method, url, *args, **options)
            return ask_with_pool(session, original, pool, method, url, *args, **options)

        return urlopen

    def _wrap_conn_request(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def conn_request(client: Any, connection: Any, url: str, method: str, body: Any, headers: Any) -> Any:
            __tracebackhide__ = True
            # It connects before it sends, so the connection's own seam would be too late.
            session = None
            if self._served:
                session = self._find(read_httplib2(client, connection, url, method, body, headers))
            if session is not None:
                connection = stand_in_for(connection, session)
            return original(client, connection, url, method, body, headers)

        return conn_request

    # -------------------------------------------------------------- aiohttp and tornado

    def _wrap_aiohttp(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        async def request(client: Any, method: str, url: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            session = self._find(read_aiohttp(client, method, url, **options)) if self._served else None
            if session is None:
                return await original(client, method, url, **options)
            return await ask_with_aiohttp(session, _below_vcr(original), client, method, url, options)

        return request

    def _wrap_tornado(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def fetch_impl(client: Any, request: Any, callback: Callable[[Any], None]) -> None:
            __tracebackhide__ = True
            session = self._find(read_tornado(client, request, callback)) if self._served else None
            if session is None:
                original(client, request, callback)
            else:
                ask_with_tornado(session, _below_vcr(original), client, request, callback)

        return fetch_impl


def _below_vcr(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a session sends goes past the cassettes of vcr's own that are open around it."""
    return function if find_vcr_cassette() is None else inspect.unwrap(function)


LIBRARIES = Libraries()
