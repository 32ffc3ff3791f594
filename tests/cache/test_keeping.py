"""Only whole good answers are kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import anthropic
import pytest

from cache.asking import SEATS, ask, make_client, run_both, text_of
from claude_replay import ResponseCache
from claude_replay.bodies import decode_body, encode_body
from claude_replay.cache.judge import Good, judge, serves
from claude_replay.exchange import EventStream, Json
from sdk_ways import KEY, each, enter, settle
from standin import ClaudeServer

TOOL = {"name": "look_up", "input_schema": {"type": "object"}}


async def read(client: Any, text: str, *, stream: bool, **options: Any) -> str:
    """Ask and read to the end; the name of the error where there is one."""
    try:
        if not stream:
            return str((await settle(client.messages.create(**ask(text, **options)))).stop_reason)
        events = await settle(client.messages.create(**ask(text, **options), stream=True))
        return str([event.type async for event in each(events)][-1])
    except Exception as error:
        return type(error).__name__


KEPT = [
    ("Hello", "end_turn"),
    ("Hello [stop stop_sequence]", "stop_sequence"),
    ("[tool look_up {}]", "tool_use"),
]
NOT_KEPT = [
    ("Hello [stop max_tokens]", "stop_max_tokens"),
    ("Hello [stop refusal]", "stop_refusal"),
    ("Hello [stop pause_turn]", "stop_pause_turn"),
    ("Hello [stop model_context_window_exceeded]", "stop_model_context_window_exceeded"),
    ("Hello [status 400]", "status_400"),
    ("Hello [status 404]", "status_404"),
    ("Hello [status 529]", "status_529"),
]
BROKEN_STREAMS = [
    ("Hello [words 9] [error-after 3]", "error_event"),
    ("Hello [words 9] [cut-after 3]", "cut"),
    ("Hello [words 9] [cut-after 0]", "cut"),
]


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("stream", [False, True], ids=["message", "stream"])
@pytest.mark.parametrize(("text", "stop_reason"), KEPT)
def test_a_whole_answer_is_kept(
    seat: str, stream: bool, text: str, stop_reason: str, server: ClaudeServer
) -> None:
    """Whose stop reason says that nothing is missing."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        for _ in range(2):
            await read(client, text, stream=stream, tools=[TOOL])

        assert (cache.stats().kept, cache.stats().hits, server.count) == (1, 1, 1)

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("stream", [False, True], ids=["message", "stream"])
@pytest.mark.parametrize(("text", "reason"), NOT_KEPT)
def test_no_other_answer_is_kept(
    seat: str, stream: bool, text: str, reason: str, server: ClaudeServer
) -> None:
    """Truncated, refused, to be continued, errors: asked again each time."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        first = await read(client, text, stream=stream)
        assert await read(client, text, stream=stream) == first

        assert dict(cache.stats().not_kept) == {reason: 2}
        assert (cache.stats().hits, server.count) == (0, 2)

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize(("text", "reason"), BROKEN_STREAMS)
def test_no_broken_stream_is_kept(seat: str, text: str, reason: str, server: ClaudeServer) -> None:
    """HTTP says 200 for all of them."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        for _ in range(2):
            assert (await read(client, text, stream=True)).endswith("Error")

        assert dict(cache.stats().not_kept) == {reason: 2}
        assert server.count == 2

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_a_connection_that_breaks_brings_nothing(seat: str, server: ClaudeServer) -> None:
    """Before the answer, or in the middle of one that is no stream."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        for text in ("Hello [cut-after 1]", "Hello [cut-json]"):
            assert await read(client, text, stream=False) == "APIConnectionError"

        assert dict(cache.stats().not_kept) == {"failed_APIConnectionError": 2}

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("events", [0, 1, 4])
def test_a_stream_closed_early_is_not_kept(seat: str, events: int, server: ClaudeServer) -> None:
    """However far it was read."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        for _ in range(2):
            async with enter(client.messages.stream(**ask("Hello [words 500]"))) as stream:
                async for number, _event in enumerate_each(stream):
                    if number >= events:
                        break

        assert dict(cache.stats().not_kept) == {"closed": 2}

    run_both(seat, scenario)


async def enumerate_each(items: Any) -> Any:
    number = 0
    async for item in each(items):
        yield number, item
        number += 1


@pytest.mark.parametrize("seat", SEATS)
def test_a_stream_left_at_its_last_event_is_kept(seat: str, server: ClaudeServer) -> None:
    """Applications stop there without waiting for the end of the connection."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        async with enter(await settle(client.messages.create(**ask("Hello"), stream=True))) as stream:
            async for event in each(stream):
                if event.type == "message_stop":
                    break

        assert cache.stats().kept == 1

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_a_streaming_response_left_unread_is_not_kept(seat: str, server: ClaudeServer) -> None:
    """Nor one that is read in part; one that is read is."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        async with enter(client.messages.with_streaming_response.create(**ask("Hello"))):
            pass
        assert dict(cache.stats().not_kept) == {"closed": 1}

        async with enter(client.messages.with_streaming_response.create(**ask("Hello"))) as response:
            await settle(response.read())
        assert cache.stats().kept == 1

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_what_retries_overcame_is_one_miss_and_one_entry(
    seat: str, server: ClaudeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK asks the cache again with each attempt."""
    monkeypatch.setattr("anthropic._base_client.BaseClient._calculate_retry_timeout", lambda *_, **__: 0.0)

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat, max_retries=3)
        server.script("[status 529]", "[status 500]")
        first = await text_of(client)

        stats = cache.stats()
        assert (dict(stats.misses), stats.kept) == ({"new": 1}, 1)
        assert dict(stats.not_kept) == {"status_500": 1, "status_529": 1}
        assert await text_of(client) == first
        assert server.count == 3

    run_both(seat, scenario)


def test_more_stop_reasons_can_be_kept(server: ClaudeServer) -> None:
    """By name."""
    client = make_client(ResponseCache(stop_reasons=["max_tokens"]), server)
    for _ in range(2):
        assert client.messages.create(**ask("Hello [stop max_tokens]")).stop_reason == "max_tokens"
        client.messages.create(**ask("Hello [stop refusal]"))

    assert server.count == 3


def rewrite(server: ClaudeServer, cache: ResponseCache, change: Callable[[Any], Any]) -> Any:
    """A client whose server's answers come out changed."""

    def middleware(request: Any, call_next: Any) -> Any:
        response = call_next(request)
        http = response.http_response
        message = change(http.json())
        kind = type(http)
        raw = kind(200, headers={"content-type": "application/json"}, json=message, request=http.request)
        response.http_response = raw
        return response

    return make_client(cache, server).with_middleware(middleware)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda message: {**message, "model": "claude-opus-5"}, "other_model"),
        (lambda message: {**message, "model": None}, "other_model"),
        (lambda message: {**message, "content": [{"type": "fallback"}]}, "other_model"),
        (lambda message: {**message, "content": [{"type": "tool_use", "input": "{"}]}, "broken_tool_input"),
        (lambda message: {**message, "content": None}, "broken_tool_input"),
        (lambda message: {"type": "error"}, "no_message"),
        (lambda message: ["x"], "no_message"),
    ],
    ids=["other", "none", "fallback", "half", "nothing", "error", "list"],
)
def test_an_odd_answer_is_not_kept(change: Callable[[Any], Any], reason: str, server: ClaudeServer) -> None:
    """Another model has answered, or what came is no message."""
    cache = ResponseCache()
    rewrite(server, cache, change).messages.with_raw_response.create(**ask("Hello"))

    assert dict(cache.stats().not_kept) == {reason: 1}


@pytest.mark.parametrize(
    ("asked", "model", "same"),
    [
        ("claude-sonnet-5", "claude-sonnet-5", True),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", True),
        ("claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219", True),
        ("claude-sonnet-4-0", "claude-sonnet-4-20250514", True),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929", True),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/x", "claude-sonnet-5", True),
        ("claude-sonnet-4-5", "claude-sonnet-4-6", False),
        ("claude-opus-5", "claude-sonnet-5", False),
        ("claude-opus-4", "claude-opus-4-1", False),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20251101", False),
    ],
)
def test_an_alias_is_served_by_its_snapshot(asked: str, model: str, same: bool) -> None:
    """And by no other model."""
    assert serves(model, asked) is same


def stream_of(text: str) -> EventStream:
    body = decode_body(text.encode(), "text/event-stream")
    assert isinstance(body, EventStream)
    return body


START = 'event: message_start\ndata: {"type":"message_start","message":{"type":"message","model":"m","content":[]}}\n\n'
BLOCK = 'event: content_block_start\ndata: {"index":0,"content_block":{"type":"text","text":""}}\n\n'
DELTA = 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}\n\n'  # noqa: E501
BLOCK_END = 'event: content_block_stop\ndata: {"index":0}\n\n'
END = 'event: message_delta\ndata: {"delta":{"stop_reason":"end_turn"}}\n\n'
STOP = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def test_a_stream_is_judged_by_its_events() -> None:
    """Every block must be closed, the end be there, and nothing stand after it that is not a whole event."""
    whole = START + BLOCK + DELTA + BLOCK_END + END + STOP
    assert isinstance(judge(stream_of(whole), "m"), Good)
    assert isinstance(judge(stream_of(": a comment\n\n" + whole), "m"), Good)
    assert judge(stream_of(whole + "event: mess"), "m") == "cut"
    assert judge(stream_of(START + BLOCK + DELTA + END + STOP), "m") == "cut"
    assert judge(stream_of(START + DELTA + END + STOP), "m") == "cut"
    assert judge(stream_of(START + BLOCK + BLOCK_END + END), "m") == "cut"
    assert judge(stream_of(START + BLOCK + BLOCK_END + STOP), "m") == "stop_None"
    assert judge(stream_of("id: 1\ndata: {}\n\n" + whole), "m") == "unreadable"
    assert judge(stream_of("event: ping\ndata: 1\n\n" + STOP), "m") == "no_message"
    assert judge(Json({"type": "error"}), "m") == "no_message"


def test_a_folded_stream_is_judged_by_its_deltas() -> None:
    """A run of deltas without its block, as it stands in a body."""
    assert encode_body(stream_of(START + DELTA + DELTA)) == (START + DELTA + DELTA).encode()
    assert judge(stream_of(START + DELTA + DELTA + END + STOP), "m") == "cut"


def test_no_secret_is_kept(server: ClaudeServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that quotes one is not kept at all; in what was asked it is taken out."""
    secret = "tok-" + "9f8e7d6c5b4a" * 3
    monkeypatch.setenv("ACME_API_KEY", secret)
    with ResponseCache(tmp_path / "answers.db") as cache:
        client = make_client(cache, server)
        client.messages.create(**ask(f"[echo my key is {secret}]"))
        assert dict(cache.stats().not_kept) == {"secret": 1}

        client.messages.create(**ask(f"[pieces no|thing] {secret}"))
        assert cache.stats().kept == 1
        (listed,) = cache.store.listed()
        assert cache.store.load(listed.key) is not None

    text = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in text
    assert KEY.encode() not in text


def test_headers_of_a_transfer_or_an_account_are_not_kept(server: ClaudeServer) -> None:
    """Only what the answer's type and id are."""
    cache = ResponseCache()
    client = make_client(cache, server)
    live = client.messages.with_raw_response.create(**ask("Hello"))
    hit = client.messages.with_raw_response.create(**ask("Hello"))

    assert len(live.headers) > 6
    assert set(hit.headers) == {"content-type", "request-id", "x-claude-replay-cache", "age"}
    assert hit.request_id == live.request_id


def test_packed_answers_are_kept_unpacked(server: ClaudeServer) -> None:
    """Whatever encoding the wire has."""
    import gzip

    import httpx2

    body = b'{"type":"message","id":"msg_1","role":"assistant","model":"claude-sonnet-5","content":[],'
    body += b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}'
    sent = list[str]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(str(request.url))
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        return httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(gzip.compress(body)))

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = anthropic.Anthropic(api_key=KEY, http_client=http, middleware=[ResponseCache()])
        for _ in range(2):
            with client.messages.with_streaming_response.create(**ask("Hello")) as response:
                assert response.read() == body
        assert client.messages.create(**ask("Hello")).id == "msg_1"
        client.messages.create(**ask("Hello again"))
        assert client.messages.create(**ask("Hello again")).id == "msg_1"
    assert len(sent) == 2


def test_a_broken_encoding_is_not_kept(server: ClaudeServer, caplog: pytest.LogCaptureFixture) -> None:
    """It reaches the application as it is."""
    import httpx2

    def answer(request: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": "application/json"}
        return httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(b"\xff\xfe"))

    cache = ResponseCache()
    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = anthropic.Anthropic(api_key=KEY, http_client=http, middleware=[cache])
        with client.messages.with_streaming_response.create(**ask("Hello")) as response:
            assert response.read() == b"\xff\xfe"
    assert dict(cache.stats().not_kept) == {"unreadable": 1}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
