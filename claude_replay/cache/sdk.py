"""
What the cache needs of the anthropic SDK's insides, all in one place.

Seen in anthropic 2.12: `Anthropic(middleware=)`, `Middleware`, `APIRequest` (public); `APIResponse(...)` and its
arguments, `http_response`; the closures of the middleware chain (`_base_client._build_middleware_chain`), in
which the client stands; `default_headers`, `default_query`, `base_url`, `api_key`, `auth_token`.
tests/cache/test_sdk_names.py pins them.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from functools import lru_cache
from types import ModuleType
from typing import Any

import anthropic
from anthropic._constants import RAW_RESPONSE_HEADER
from anthropic._response import APIResponse, AsyncAPIResponse, BaseAPIResponse

from claude_replay.errors import CacheError

__all__ = [
    "MiddlewareBase",
    "find_client",
    "has_middleware",
    "library_of",
    "make_api_response",
    "provider_of",
]

has_middleware = hasattr(anthropic, "Middleware")
MiddlewareBase: Any = getattr(anthropic, "Middleware", object)
_DEEPEST_CHAIN = 64


# By the function a chain goes on with; a client keeps its chain, so neither may be kept alive from here.
_clients: weakref.WeakKeyDictionary[Any, weakref.ref[Any]] = weakref.WeakKeyDictionary()


def find_client(call_next: Callable[..., Any]) -> Any:
    """
    The client whose middleware chain goes on with `call_next`; None where that cannot be told.

    The SDK does not say which client calls. Without knowing it, two clients that send to different places would
    share answers.
    """
    try:
        known = _clients.get(call_next)
    except TypeError:
        # What cannot be referred to weakly is no function of the SDK's.
        return None
    client = known() if known is not None else None
    if client is None:
        client = _search_client(call_next)
        if client is not None:
            _clients[call_next] = weakref.ref(client)
    return client


def _search_client(function: Any) -> Any:
    for _ in range(_DEEPEST_CHAIN):
        code, closure = getattr(function, "__code__", None), getattr(function, "__closure__", None)
        if code is None or closure is None:
            return None
        cells = dict(zip(code.co_freevars, closure, strict=True))
        if "self" in cells:
            client = cells["self"].cell_contents
            return client if hasattr(client, "default_headers") and hasattr(client, "base_url") else None
        if "call_next" not in cells:
            return None
        function = cells["call_next"].cell_contents
    return None


@lru_cache(maxsize=1)
def library() -> ModuleType:
    """What the installed SDK talks through: httpx2, or httpx before 1.0."""
    return library_of(anthropic.DefaultHttpxClient, "Client")


def library_of(thing: Any, base_name: str) -> ModuleType:
    """httpx or httpx2, whichever class of this name `thing` derives from; raises CacheError for neither."""
    kind = thing if isinstance(thing, type) else type(thing)
    for base in kind.__mro__:
        if base.__name__ == base_name and base.__module__.startswith("httpx"):
            return sys.modules[base.__module__.partition(".")[0]]
    raise CacheError(f"transport: {kind.__name__} is no {base_name} of httpx or httpx2")


def provider_of(client: Any) -> str:
    """Anthropic, AnthropicBedrock, ...: the SDK's own class a client is one of, sync and async alike."""
    for base in type(client).__mro__:
        if base.__module__.partition(".")[0] == "anthropic":
            return base.__name__.removeprefix("Async")
    return type(client).__name__


def make_api_response(request: Any, response: Any, client: Any, *, is_async: bool) -> Any:
    """What a middleware gives back for a call it has answered itself."""
    kind: Any = AsyncAPIResponse if is_async else APIResponse
    return kind(
        raw=response,
        cast_to=request.cast_to,
        client=client,
        stream=request.stream,
        stream_cls=request.stream_cls,
        options=request.options,
        retries_taken=request.retries_taken,
    )


def expects_response_class(cast_to: Any) -> bool:
    """Whether the caller gave a class of its own for the raw response, which only the SDK can fill."""
    return isinstance(cast_to, type) and issubclass(cast_to, BaseAPIResponse)


def wants_unread(request: Any) -> bool:
    """Whether the caller reads the body itself: a stream, or `with_streaming_response`."""
    return bool(request.stream) or request.headers.get(RAW_RESPONSE_HEADER) == "stream"
