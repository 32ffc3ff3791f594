"""What the cache relies on in the SDK, enumerated; a new SDK that changes it fails here first."""

from __future__ import annotations

import functools
import gc
import inspect
import weakref
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import _response
from anthropic._constants import RAW_RESPONSE_HEADER

from cache.asking import ask, make_client
from claude_replay import CacheError, ResponseCache
from claude_replay.cache import sdk
from standin import ClaudeServer


def test_the_public_names_are_there() -> None:
    """Middleware since 0.108."""
    assert issubclass(ResponseCache, anthropic.Middleware)
    for name in (
        "middleware",
        "with_middleware",
        "with_options",
        "default_headers",
        "default_query",
        "base_url",
    ):
        assert hasattr(anthropic.Anthropic, name), name
        assert hasattr(anthropic.AsyncAnthropic, name), name


def test_requests_have_what_is_read() -> None:
    """Of `APIRequest`."""
    given = inspect.signature(anthropic.APIRequest.__init__).parameters
    assert {"options", "cast_to", "stream", "stream_cls", "retries_taken"} <= set(given)
    for name in ("method", "url", "headers", "query_params", "json", "copy"):
        assert hasattr(anthropic.APIRequest, name), name


@pytest.mark.parametrize("kind", [_response.APIResponse, _response.AsyncAPIResponse])
def test_responses_take_what_they_are_given(kind: Any) -> None:
    """Of `APIResponse` and its twin."""
    assert list(inspect.signature(kind.__init__).parameters) == [
        "self", "raw", "cast_to", "client", "stream", "stream_cls", "options", "retries_taken",
    ]  # fmt: skip
    assert "http_response" in inspect.get_annotations(_response.BaseAPIResponse)
    assert RAW_RESPONSE_HEADER == "X-Stainless-Raw-Response"


def test_the_client_can_be_found_from_within_its_chain(server: ClaudeServer) -> None:
    """Through other middleware, in sync and async clients."""
    found = list[Any]()

    class Look(anthropic.Middleware):
        def handle(self, request: Any, call_next: Any) -> Any:
            found.append(sdk.find_client(call_next))
            return call_next(request)

    def between(request: Any, call_next: Any) -> Any:
        return call_next(request)

    client = make_client(None, server).with_options(middleware=[between, Look(), between, Look()])
    client.messages.create(**ask("Hello"))
    assert found == [client, client]


def test_a_client_that_cannot_be_found_is_not_answered(
    server: ClaudeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two clients that send to different places would share answers."""
    cache = ResponseCache()

    def own(request: Any, call_next: Any) -> Any:
        return cache.handle(request, functools.partial(call_next))

    monkeypatch.setattr("anthropic._base_client.BaseClient._calculate_retry_timeout", lambda *_, **__: 0.0)
    client = make_client(None, server, max_retries=1).with_middleware(own)
    server.script("[status 529]")
    for _ in range(2):
        client.messages.create(**ask("Hello"), extra_headers={"x-claude-replay-cache": "read"})
    assert (server.count, dict(cache.stats().bypassed)) == (3, {"client_unknown": 2})
    assert not [each for each in server.requests if "x-claude-replay-cache" in each.headers]


def test_closures_that_lead_nowhere() -> None:
    """Whatever they hold."""

    def ring(request: Any) -> Any:
        return call_next(request)

    call_next = ring

    class Other:
        def method(self) -> Any:
            return lambda request: (self, request)

    held = 1
    assert sdk.find_client(ring) is None
    assert sdk.find_client(len) is None
    assert sdk.find_client("call_next") is None  # type: ignore[arg-type]
    assert sdk.find_client(lambda request: held) is None
    assert sdk.find_client(Other().method()) is None


def test_providers_are_named_by_the_sdks_own_classes() -> None:
    """Sync and async alike, and those derived from them."""

    class Mine(anthropic.AsyncAnthropic):
        pass

    clients = [Mine.__new__(Mine), anthropic.Anthropic.__new__(anthropic.Anthropic)]
    bedrock = anthropic.AsyncAnthropicBedrock.__new__(anthropic.AsyncAnthropicBedrock)

    assert [sdk.provider_of(client) for client in clients] == ["Anthropic", "Anthropic"]
    assert sdk.provider_of(bedrock) == "AnthropicBedrock"
    assert sdk.provider_of(object()) == "object"
    assert sdk.library() is httpx2


def test_an_sdk_without_middleware_is_told_of_the_transport(
    server: ClaudeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `wrap`."""
    monkeypatch.setattr("claude_replay.cache.response_cache.has_middleware", False)
    with pytest.raises(CacheError, match=r"http_client=DefaultHttpxClient\(transport=cache.transport\(\)\)"):
        ResponseCache().wrap(make_client(None, server))


def test_a_callers_own_response_class_is_left_to_the_sdk(server: ClaudeServer) -> None:
    """Only the SDK can fill it."""

    class Mine(_response.APIResponse[anthropic.types.Message]):
        pass

    cache = ResponseCache()
    client = make_client(cache, server)
    for _ in range(2):
        response = client.post("/v1/messages", body=ask("Hello"), cast_to=Mine)
        assert isinstance(response, Mine)
    assert dict(cache.stats().bypassed) == {"response_class": 2}


def test_httpx_keeps_a_read_body_where_the_cache_puts_it() -> None:
    """A stored answer is not read a second time."""
    response = httpx2.Response(200, content=b"x")
    assert response._content == b"x"
    assert (response.is_closed, response.is_stream_consumed) == (True, True)
    fresh = httpx2.Response(200, stream=httpx2.ByteStream(b"x"))
    assert (fresh.is_closed, fresh.is_stream_consumed, hasattr(fresh, "_content")) == (False, False, False)
    assert fresh._request is None


def test_looking_for_a_client_keeps_none_alive(server: ClaudeServer) -> None:
    """Applications make them by the thousand."""
    cache = ResponseCache()
    client = anthropic.Anthropic(base_url=server.url, api_key="x", middleware=[cache])
    client.messages.create(**ask("Hello"))
    client.close()
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None
