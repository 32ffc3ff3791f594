"""Whatever way the SDK is called, the second answer comes from the shelf and equals the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import pydantic
import pytest

from cache.asking import SEATS, ask, make_client, run_both, text_of
from claude_replay import ResponseCache
from sdk_ways import describe, each, enter, settle
from standin import ClaudeServer


class Color(pydantic.BaseModel):
    name: str
    share: int


TOOL = {
    "name": "look_up",
    "description": "Looks a word up.",
    "input_schema": {"type": "object", "properties": {"word": {"type": "string"}}},
}
SAY = "Say it. [ordinal] [words 30]"
USE = 'Use it. [ordinal] [tool look_up {"word": "é", "n": 1.5}]'


async def create(client: Any) -> Any:
    return describe(await settle(client.messages.create(**ask(SAY))))


async def create_thinking(client: Any) -> Any:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    return describe(await settle(client.messages.create(**ask(SAY, max_tokens=3000, thinking=thinking))))


async def use_tool(client: Any) -> Any:
    return describe(await settle(client.messages.create(**ask(USE, tools=[TOOL]))))


async def stream(client: Any) -> Any:
    events = await settle(client.messages.create(**ask(SAY), stream=True))
    return [describe(event) async for event in each(events)]


async def stream_tool(client: Any) -> Any:
    events = await settle(client.messages.create(**ask(USE, tools=[TOOL]), stream=True))
    return [describe(event) async for event in each(events)]


async def stream_helper(client: Any) -> Any:
    async with enter(client.messages.stream(**ask(SAY))) as events:
        texts = [text async for text in each(events.text_stream)]
        return texts, describe(await settle(events.get_final_message()))


async def parse(client: Any) -> Any:
    message = await settle(client.messages.parse(**ask("Say it."), output_format=Color))
    assert isinstance(message.parsed_output, Color)
    return describe(message)


async def raw(client: Any) -> Any:
    response = await settle(client.messages.with_raw_response.create(**ask(SAY)))
    assert response.http_request.method == "POST"
    assert response.elapsed.total_seconds() >= 0
    message = await settle(response.parse())
    return response.status_code, response.headers["content-type"], describe(message)


async def raw_stream(client: Any) -> Any:
    response = await settle(client.messages.with_raw_response.create(**ask(SAY), stream=True))
    events = await settle(response.parse())
    return [describe(event) async for event in each(events)]


async def streaming_response(client: Any) -> Any:
    async with enter(client.messages.with_streaming_response.create(**ask(SAY))) as response:
        return [piece async for piece in each(response.iter_bytes())]


async def beta(client: Any) -> Any:
    return describe(await settle(client.beta.messages.create(**ask(SAY), betas=["a-beta-2026-01-01"])))


async def beta_stream(client: Any) -> Any:
    events = await settle(client.beta.messages.create(**ask(SAY), stream=True))
    return [describe(event) async for event in each(events)]


WAYS: list[Callable[[Any], Any]] = [
    create,
    create_thinking,
    use_tool,
    stream,
    stream_tool,
    stream_helper,
    parse,
    raw,
    raw_stream,
    streaming_response,
    beta,
    beta_stream,
]


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("place", ["memory", "file"])
def test_the_second_answer_comes_from_the_shelf(
    seat: str, way: Callable[[Any], Any], place: str, server: ClaudeServer, tmp_path: Any
) -> None:
    """And is the same in everything an application can see."""

    async def scenario() -> None:
        with ResponseCache(tmp_path / "answers.db" if place == "file" else None) as cache:
            client = make_client(cache, server, seat)
            first = await way(client)
            assert status(cache) == "miss"

            assert join_bytes(await way(client)) == join_bytes(first)
            assert status(cache) == "hit"
            assert server.count == 1
            stats = cache.stats()
            assert (stats.hits, dict(stats.misses), stats.kept) == (1, {"new": 1}, 1)

    run_both(seat, scenario)


def status(cache: ResponseCache) -> str:
    return cache.last.status if cache.last is not None else "none"


def join_bytes(value: Any) -> Any:
    """Where the network cuts a body is not part of the answer."""
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        return b"".join(value)
    return value


def plain(message: Any) -> Any:
    """A message without what the SDK gives to one kind of callers only."""
    message.pop("_request_id")
    for block in message["content"]:
        block.pop("parsed_output", None)
    return message


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize(("content", "options"), [(SAY, {}), (USE, {"tools": [TOOL]})], ids=["text", "tool"])
def test_a_stream_serves_callers_without_one(
    seat: str, content: str, options: dict[str, Any], server: ClaudeServer
) -> None:
    """The message is the one the stream adds up to."""

    async def scenario() -> None:
        client = make_client(ResponseCache(), server, seat)
        async with enter(client.messages.stream(**ask(content, **options))) as events:
            streamed = describe(await settle(events.get_final_message()))

        message = describe(await settle(client.messages.create(**ask(content, **options))))

        assert plain(message) == plain(streamed)
        assert server.count == 1

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize(
    ("content", "options"),
    [
        (SAY, {}),
        (USE, {"tools": [TOOL]}),
        (SAY, {"max_tokens": 3000, "thinking": {"type": "enabled", "budget_tokens": 1024}}),
    ],
    ids=["text", "tool", "thinking"],
)
def test_a_message_serves_callers_with_a_stream(
    seat: str, content: str, options: dict[str, Any], server: ClaudeServer
) -> None:
    """In several pieces, which add up to the message."""

    async def scenario() -> None:
        client = make_client(ResponseCache(), server, seat)
        message = describe(await settle(client.messages.create(**ask(content, **options))))

        async with enter(client.messages.stream(**ask(content, **options))) as events:
            kinds = [event.type async for event in each(events)]
            streamed = describe(await settle(events.get_final_message()))

        assert plain(streamed) == plain(message)
        assert kinds.count("content_block_delta") > 1
        assert server.count == 1

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_a_tool_loop_is_answered_turn_by_turn(seat: str, server: ClaudeServer) -> None:
    """Each turn's answer is the one the next turn's request was made from, so the whole loop comes from the shelf."""

    async def loop(client: Any) -> list[Any]:
        messages: list[Any] = [{"role": "user", "content": USE}]
        seen = []
        for _ in range(3):
            message = await settle(client.messages.create(**ask(messages, tools=[TOOL])))
            seen.append(describe(message))
            uses = [block for block in message.content if block.type == "tool_use"]
            results = [{"type": "tool_result", "tool_use_id": use.id, "content": "a word"} for use in uses]
            # The SDK's own objects, as applications pass them on.
            messages = [*messages, {"role": "assistant", "content": message.content}]
            messages.append({"role": "user", "content": results or "And then?"})
        return seen

    async def scenario() -> None:
        client = make_client(ResponseCache(), server, seat)
        first = await loop(client)
        assert server.count == 3
        assert await loop(client) == first
        assert server.count == 3

    run_both(seat, scenario)


def test_the_tool_runner_is_answered_without_a_thread(server: ClaudeServer) -> None:
    """With its default, a thread on the server, nothing is cached: the request holds only what is new."""

    @anthropic.beta_tool
    def look_up(word: str) -> str:
        """Looks a word up."""
        return f"{word} is a word"

    cache = ResponseCache()
    client = make_client(cache, server)

    def run(**options: Any) -> str:
        runner = client.beta.messages.tool_runner(
            **ask('Use it. [tool look_up {"word": "tree"}]'), tools=[look_up], **options
        )
        return str(runner.until_done().content[0].text)

    assert run(thread=False) == run(thread=False)
    assert (server.count, cache.stats().hits) == (2, 2)

    run()
    assert cache.stats().bypassed == {"server_state": 2}
    assert server.count == 4


def test_sync_and_async_clients_share_entries(server: ClaudeServer) -> None:
    """One object in both."""
    cache = ResponseCache()

    async def scenario() -> str:
        return await text_of(make_client(cache, server, "async"))

    first = run_both("sync", lambda: text_of(make_client(cache, server)))

    assert run_both("async", scenario) == first
    assert server.count == 1


def test_wrapping_a_client_does_the_same(server: ClaudeServer) -> None:
    """The copy has the cache before all other middleware, once."""
    cache = ResponseCache()
    seen = list[str]()

    def watch(request: Any, call_next: Any) -> Any:
        seen.append(request.url)
        return call_next(request)

    plain = make_client(None, server).with_middleware(watch)
    client = cache.wrap(cache.wrap(plain))

    assert client.middleware == (cache, watch)
    for _ in range(2):
        client.messages.create(**ask("Hello"))
    assert (seen, server.count) == (["/v1/messages"], 1)


def test_options_of_a_derived_client_count(server: ClaudeServer) -> None:
    """A client made with `with_options` keeps the cache, and its own headers are part of the key."""
    client = make_client(ResponseCache(), server)
    client.messages.create(**ask("Hello"))
    client.with_options(timeout=3).messages.create(**ask("Hello"))
    assert server.count == 1

    client.with_options(default_headers={"anthropic-workspace": "other"}).messages.create(**ask("Hello"))
    assert server.count == 2


@pytest.mark.parametrize("seat", SEATS)
def test_other_endpoints_pass(seat: str, server: ClaudeServer) -> None:
    """They are neither cached nor counted."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        for _ in range(2):
            count = ask("Hello")
            del count["max_tokens"]
            await settle(client.messages.count_tokens(**count))
            await settle(client.models.retrieve("claude-sonnet-5"))

        assert server.count == 4
        assert cache.stats().bypassed == {}
        assert cache.last is None

    run_both(seat, scenario)


def test_a_hit_is_made_anew_each_time(server: ClaudeServer) -> None:
    """What one caller does to its message, the next one does not see."""
    client = make_client(ResponseCache(), server)
    first = client.messages.create(**ask("Hello"))
    first.content[0].text = "changed"
    second = client.messages.create(**ask("Hello"))
    second.content.clear()

    assert client.messages.create(**ask("Hello")).content[0].text == "You said: Hello"


def test_the_first_call_of_a_process_can_be_a_hit(server: ClaudeServer, tmp_path: Any) -> None:
    """With nobody to reach."""
    with ResponseCache(tmp_path / "answers.db") as cache:
        first = make_client(cache, server).messages.create(**ask("Hello"))
    url = server.url
    server.__exit__(None, None, None)

    with ResponseCache(tmp_path / "answers.db") as cache:
        client = anthropic.Anthropic(base_url=url, api_key="x", middleware=[cache], max_retries=0)
        assert client.messages.create(**ask("Hello")) == first
        with pytest.raises(anthropic.APIConnectionError):
            client.messages.create(**ask("Something else"))
