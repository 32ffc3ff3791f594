"""The seat below the SDK: a transport of httpx2 or httpx, which sees the request as it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from claude_replay.api import Endpoint, describe_endpoint
from claude_replay.bodies import load_json
from claude_replay.cache.calls import hash_credential
from claude_replay.cache.control import CONTROL_HEADER
from claude_replay.cache.desk import Fetch
from claude_replay.cache.flight import here, here_async
from claude_replay.cache.keys import Sender, Sent
from claude_replay.cache.listening import read_headers
from claude_replay.cache.live import attend, attend_async, fail, renew, renew_async, shielded
from claude_replay.cache.policy import Found
from claude_replay.cache.reply import Outcome, build_response, mark
from claude_replay.cache.sdk import library, library_of
from claude_replay.cache.steps import arun, run
from claude_replay.errors import CacheMiss

if TYPE_CHECKING:
    from claude_replay.cache.response_cache import ResponseCache

__all__ = ["make_async_transport", "make_transport"]

_RETRIES = "x-stainless-retry-count"


def make_transport(cache: ResponseCache, inner: Any) -> Any:
    """A sync transport around `inner`, by default the library's own."""
    module = library() if inner is None else library_of(inner, "BaseTransport")
    return _classes(module)[0](cache, module.HTTPTransport() if inner is None else inner)


def make_async_transport(cache: ResponseCache, inner: Any) -> Any:
    """An async transport around `inner`, by default the library's own."""
    module = library() if inner is None else library_of(inner, "AsyncBaseTransport")
    return _classes(module)[1](cache, module.AsyncHTTPTransport() if inner is None else inner)


@lru_cache(maxsize=4)
def _classes(module: ModuleType) -> tuple[Callable[..., Any], Callable[..., Any]]:
    base: Any = module.BaseTransport
    async_base: Any = module.AsyncBaseTransport

    class CachingTransport(base):  # type: ignore[misc]
        """Asks the cache, then the transport below."""

        def __init__(self, cache: ResponseCache, inner: Any) -> None:
            self._cache, self._inner = cache, inner

        def handle_request(self, request: Any) -> Any:
            sent = _read(self._cache, request, request.read())
            if sent is None:
                return self._inner.handle_request(request)
            return _serve(self._cache, module, self._inner, request, sent)

        def close(self) -> None:
            self._inner.close()

    class AsyncCachingTransport(async_base):  # type: ignore[misc]
        """The same for async clients."""

        def __init__(self, cache: ResponseCache, inner: Any) -> None:
            self._cache, self._inner = cache, inner

        async def handle_async_request(self, request: Any) -> Any:
            sent = _read(self._cache, request, await request.aread())
            if sent is None:
                return await self._inner.handle_async_request(request)
            return await _aserve(self._cache, module, self._inner, request, sent)

        async def aclose(self) -> None:
            await self._inner.aclose()

    return CachingTransport, AsyncCachingTransport


def _serve(cache: ResponseCache, module: ModuleType, inner: Any, request: Any, sent: Sent) -> Any:
    desk = cache.desk
    control = desk.hear(request.headers.pop(CONTROL_HEADER, None))
    try:
        result = run(desk.decide(sent, control, here, first=_is_first(request)), desk.store)
    except CacheMiss as miss:
        return _refuse(module, request, miss)
    if isinstance(result, Found):
        if result.stale:
            renew(desk, sent, control, lambda: inner.handle_request(_copy(module, request)))
        return _answer(cache, module, request, sent, result)
    if isinstance(result, Outcome):
        return _bypass(inner.handle_request(request), result)
    fetch = Fetch(desk, result)
    try:
        response = inner.handle_request(request)
    except BaseException as error:
        fetch.settle(fail(error))
        raise
    attend(fetch, response)
    return response


async def _aserve(cache: ResponseCache, module: ModuleType, inner: Any, request: Any, sent: Sent) -> Any:
    desk = cache.desk
    control = desk.hear(request.headers.pop(CONTROL_HEADER, None))
    try:
        result = await arun(desk.decide(sent, control, here_async, first=_is_first(request)), desk.store)
    except CacheMiss as miss:
        return _refuse(module, request, miss)
    if isinstance(result, Found):
        if result.stale:
            renew_async(desk, sent, control, lambda: inner.handle_async_request(_copy(module, request)))
        return _answer(cache, module, request, sent, result)
    if isinstance(result, Outcome):
        return _bypass(await inner.handle_async_request(request), result)
    fetch = Fetch(desk, result)
    try:
        response = await inner.handle_async_request(request)
    except BaseException as error:
        await shielded(fetch.asettle(fail(error)))
        raise
    await attend_async(fetch, response)
    return response


def _read(cache: ResponseCache, request: Any, content: bytes) -> Sent | None:
    """The request as the cache sees it; None where it is not for the cache."""
    if request.method != "POST":
        return None
    url = str(request.url)
    endpoint = describe_endpoint("POST", url)
    if endpoint.operation != "messages":
        return None
    headers = read_headers(request.headers)
    headers.pop(CONTROL_HEADER, None)
    try:
        parsed = load_json(content.decode())
    except ValueError:
        parsed = None
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}{parts.path.partition('/v1/messages')[0]}"
    credential = hash_credential(headers) if cache.per_credential else ""
    sender = Sender("transport", base, credential=credential)
    return Sent(sender, Endpoint("messages", endpoint.query, True), headers, parsed and parsed.value)


def _copy(module: ModuleType, request: Any) -> Any:
    """The same request once more, for a call of its own."""
    return module.Request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.content,
        extensions=request.extensions,
    )


def _is_first(request: Any) -> bool:
    return bool(request.headers.get(_RETRIES, "0") == "0")


def _answer(cache: ResponseCache, module: ModuleType, request: Any, sent: Sent, found: Found) -> Any:
    stream = isinstance(sent.body, dict) and sent.body.get("stream") is True
    return build_response(
        module,
        found,
        stream=stream,
        unread=True,
        usage=cache.usage_on_hit,
        pace=cache.pace,
        request=lambda: request,
    )


def _bypass(response: Any, outcome: Outcome) -> Any:
    mark(response, outcome)
    return response


def _refuse(module: ModuleType, request: Any, miss: CacheMiss) -> Any:
    """
    What HTTP says where only the cache may answer and cannot (RFC 9111, only-if-cached).

    An exception would reach the application as APIConnectionError, after the SDK's retries.
    """
    error = {"type": "error", "error": {"type": "cache_miss", "message": str(miss)}}
    headers = {
        "content-type": "application/json",
        "x-should-retry": "false",
        CONTROL_HEADER: f"miss; reason={miss.reason}",
    }
    return module.Response(504, headers=headers, content=json.dumps(error).encode(), request=request)
