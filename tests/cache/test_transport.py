"""The seat below the SDK, for SDKs without middleware and other clients of the Messages API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from cache.asking import SEATS, ask, run_both, text_of
from claude_replay import CacheError, MemoryStore, ResponseCache
from sdk_ways import KEY, describe, drive, each, enter, settle
from standin import ClaudeServer

SAY = "Say it. [ordinal] [words 30]"


@pytest.fixture
def clients() -> Iterator[list[Any]]:
    clients: list[Any] = []
    yield clients
    for client in clients:
        if isinstance(client, anthropic.Anthropic):
            client.close()


def make_client(
    cache: ResponseCache, server: ClaudeServer, seat: str, clients: list[Any], **options: Any
) -> Any:
    """A client whose transport asks the cache."""
    given = {"base_url": server.url, "api_key": KEY, "max_retries": 0, **options}
    client: Any
    if seat == "async":
        http = anthropic.DefaultAsyncHttpxClient(transport=cache.async_transport())
        client = anthropic.AsyncAnthropic(http_client=http, **given)
    else:
        client = anthropic.Anthropic(
            http_client=anthropic.DefaultHttpxClient(transport=cache.transport()), **given
        )
    clients.append(client)
    return client


async def create(client: Any) -> Any:
    return describe(await settle(client.messages.create(**ask(SAY))))


async def stream(client: Any) -> Any:
    events = await settle(client.messages.create(**ask(SAY), stream=True))
    return [describe(event) async for event in each(events)]


async def streaming_response(client: Any) -> Any:
    async with enter(client.messages.with_streaming_response.create(**ask(SAY))) as response:
        return b"".join([piece async for piece in each(response.iter_bytes())])


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("way", [create, stream, streaming_response], ids=lambda way: way.__name__)
def test_the_second_answer_comes_from_the_shelf(
    seat: str, way: Any, server: ClaudeServer, clients: list[Any]
) -> None:
    """As in the other seat."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat, clients)
        first = await way(client)
        assert await way(client) == first
        assert (server.count, cache.stats().hits, cache.stats().kept) == (1, 1, 1)
        if seat == "async":
            await client.close()

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_one_entry_serves_both_kinds_of_callers(seat: str, server: ClaudeServer, clients: list[Any]) -> None:
    """With and without a stream."""

    async def scenario() -> None:
        client = make_client(ResponseCache(), server, seat, clients)
        events = await stream(client)
        assert (await create(client))["stop_reason"] == "end_turn"
        assert (events[0]["type"], server.count) == ("message_start", 1)
        if seat == "async":
            await client.close()

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_errors_and_other_endpoints_pass(seat: str, server: ClaudeServer, clients: list[Any]) -> None:
    """Nothing of them is kept."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat, clients)
        for _ in range(2):
            with pytest.raises(anthropic.APIStatusError):
                await settle(client.messages.create(**ask("[status 400]")))
            with pytest.raises(anthropic.APIConnectionError):
                await settle(client.messages.create(**ask("[cut-after 1]")))
            await settle(client.models.retrieve("claude-sonnet-5"))
            count = ask("Hello")
            del count["max_tokens"]
            await settle(client.messages.count_tokens(**count))
            file = [{"type": "document", "source": {"type": "file", "file_id": "f"}}]
            await settle(client.messages.create(**ask([{"role": "user", "content": file}])))
        stats = cache.stats()
        assert (stats.hits, dict(stats.bypassed), server.count) == (0, {"file_source": 2}, 10)
        assert set(stats.not_kept) == {"status_400", "failed_RemoteProtocolError"}
        if seat == "async":
            await client.close()

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_only_answers_with_504(seat: str, server: ClaudeServer, clients: list[Any]) -> None:
    """As HTTP does; an exception would be retried, and reach the application as a connection error."""

    async def scenario() -> None:
        cache = ResponseCache(mode="only")
        client = make_client(cache, server, seat, clients, max_retries=4)
        with pytest.raises(anthropic.APIStatusError) as caught:
            await settle(client.messages.create(**ask("Hello")))
        assert caught.value.status_code == 504
        assert "the response cache holds no answer to this request" in caught.value.message
        assert server.count == 0
        if seat == "async":
            await client.close()

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_a_header_steers_it_and_is_not_sent(seat: str, server: ClaudeServer, clients: list[Any]) -> None:
    """As in the other seat."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat, clients)
        for header in ("bypass", "tags=a"):
            headers = {"x-claude-replay-cache": header}
            raw = client.messages.with_raw_response.create(**ask("Hello"), extra_headers=headers)
            response = await settle(raw)
        assert response.headers["x-claude-replay-cache"] == "miss; reason=new"
        assert next(cache.store.listed()).tags == ("a",)
        assert not [each for each in server.requests if "x-claude-replay-cache" in each.headers]
        if seat == "async":
            await client.close()

    run_both(seat, scenario)


def test_what_a_client_sends_with_every_request_counts(server: ClaudeServer, clients: list[Any]) -> None:
    """Address, headers, query; credentials only where asked for."""
    with ClaudeServer() as other:
        cache = ResponseCache()
        for _ in range(2):
            for client in (
                make_client(cache, server, "sync", clients),
                make_client(cache, server, "sync", clients, api_key="another"),
                make_client(cache, other, "sync", clients),
                make_client(cache, server, "sync", clients, default_headers={"x-tenant": "a"}),
                make_client(cache, server, "sync", clients, default_query={"tenant": "a"}),
            ):
                drive(text_of(client))
        assert (server.count, other.count) == (3, 1)

    apart = ResponseCache(per_credential=True)
    for key in ("one", "two", "one"):
        drive(text_of(make_client(apart, server, "sync", clients, api_key=key)))
    assert server.count == 5


def test_threads_make_one_call(server: ClaudeServer, clients: list[Any]) -> None:
    """And tasks."""

    async def scenario() -> None:
        client = make_client(ResponseCache(), server, "async", clients)
        texts = await asyncio.gather(*(text_of(client, f"{SAY} [slow 20]") for _ in range(20)))
        assert len(set(texts)) == 1
        await client.close()

    asyncio.run(scenario())
    assert server.count == 1


def test_retries_are_one_miss(
    server: ClaudeServer, clients: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK says in a header which attempt it is."""
    monkeypatch.setattr("anthropic._base_client.BaseClient._calculate_retry_timeout", lambda *_, **__: 0.0)
    cache = ResponseCache()
    client = make_client(cache, server, "sync", clients, max_retries=3)
    server.script("[status 529]", "[status 529]")
    drive(text_of(client))
    assert dict(cache.stats().misses) == {"new": 1}


def test_it_wraps_any_transport(clients: list[Any]) -> None:
    """One of the user's own, which it closes with itself; what is none is refused."""
    seen = list[str]()

    class Mine(httpx2.MockTransport):
        def close(self) -> None:
            seen.append("closed")

        async def aclose(self) -> None:
            seen.append("closed too")

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.method)
        return httpx2.Response(200, json={"type": "error"})

    cache = ResponseCache()
    with httpx2.Client(transport=cache.transport(Mine(answer))) as http:
        http.get("https://api.anthropic.com/v1/models")
        http.post("https://api.anthropic.com/v1/messages", content=b"\xff")
        http.post("https://api.anthropic.com/v1/messages", content=b"{}")

    async def scenario() -> None:
        async with httpx2.AsyncClient(transport=cache.async_transport(Mine(answer))) as http:
            await http.get("https://api.anthropic.com/v1/models")

    asyncio.run(scenario())
    assert seen == ["GET", "POST", "POST", "closed", "GET", "closed too"]
    assert dict(cache.stats().bypassed) == {"uncanonical": 2}
    with pytest.raises(CacheError, match="transport: MemoryStore is no BaseTransport of httpx or httpx2"):
        cache.transport(MemoryStore())


def test_httpx_has_its_own_classes() -> None:
    """SDKs before 1.0 talk through it, and other clients still do."""
    httpx = pytest.importorskip("httpx")
    body = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    message = {"type": "message", "model": "claude-sonnet-5", "content": [], "stop_reason": "end_turn"}
    sent = list[str]()

    def answer(request: Any) -> Any:
        sent.append(str(request.url))
        return httpx.Response(200, json=message)

    cache = ResponseCache()
    with httpx.Client(transport=cache.transport(httpx.MockTransport(answer))) as http:
        for _ in range(2):
            response = http.post("https://api.anthropic.com/v1/messages", json=body)
            assert response.json() == message
            assert response.request.method == "POST"
    assert response.headers["x-claude-replay-cache"] == "hit"
    assert len(sent) == 1
