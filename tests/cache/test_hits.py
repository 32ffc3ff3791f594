"""A hit says that it is one, and what the cache did can be told."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cache.asking import SEATS, ask, make_client, run_both, text_of
from claude_replay import MemoryStore, ResponseCache
from claude_replay.api import assemble_message, cost_usd
from claude_replay.bodies import decode_body, encode_body
from claude_replay.cache.crossing import content_for, unfold, without_usage
from claude_replay.cache.entry import Listed
from claude_replay.cache.envelope import Answer, dump_answer, load_answer
from claude_replay.cache.lineage import Lineage, Why, explain
from claude_replay.cache.statistics import CacheStats
from claude_replay.exchange import EventStream, Json, Usage
from sdk_ways import describe, drive, each, settle
from standin import ClaudeServer


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("stream", [False, True])
def test_answers_say_where_they_come_from(seat: str, stream: bool, server: ClaudeServer) -> None:
    """In a header: hit with its age, miss and bypass with the reason."""

    async def scenario() -> None:
        now = [1000.0]
        client = make_client(ResponseCache(clock=lambda: now[0]), server, seat)

        async def headers(text: str, **options: Any) -> dict[str, str]:
            options = {**ask(text, **options), "stream": stream}
            response = await settle(client.messages.with_raw_response.create(**options))
            if stream:
                async for _ in each(await settle(response.parse())):
                    pass
            kept = ("x-claude-replay-cache", "age")
            return {name: value for name, value in response.headers.items() if name in kept}

        assert await headers("Hello") == {"x-claude-replay-cache": "miss; reason=new"}
        now[0] += 61.7
        assert await headers("Hello") == {"x-claude-replay-cache": "hit", "age": "61"}
        assert await headers("Hello", max_tokens=5, stop_sequences=["x"]) == {
            "x-claude-replay-cache": "miss; reason=parameters_changed; detail=max_tokens, stop_sequences"
        }
        file = [{"type": "document", "source": {"type": "file", "file_id": "f"}}]
        asked = [{"role": "user", "content": file}]
        assert await headers(asked) == {"x-claude-replay-cache": "bypass; reason=file_source"}  # type: ignore[arg-type]

    run_both(seat, scenario)


@pytest.mark.parametrize("stream", [False, True])
def test_usage_can_be_zero(stream: bool, server: ClaudeServer) -> None:
    """What a hit did not spend is then not counted; the rest of the answer is as it was."""
    cache = ResponseCache(usage_on_hit="zero")
    client = make_client(cache, server)

    def say() -> Any:
        if not stream:
            return client.messages.create(**ask("Hello", cache_control={"type": "ephemeral"}))
        with client.messages.stream(**ask("Hello", cache_control={"type": "ephemeral"})) as events:
            return events.get_final_message()

    first, second = say(), say()

    assert first.usage.output_tokens > 0
    counts = second.usage.model_dump()
    assert {value for value in counts.values() if isinstance(value, int)} == {0}
    assert second.content == first.content
    assert cache.stats().saved_tokens > 0


def test_usage_of_odd_answers_can_be_zero() -> None:
    """Texts within usage stay, and what has none."""
    usage = {"output_tokens": 5, "service_tier": "standard", "iterations": [{"input_tokens": 3}], "ok": True}
    assert without_usage(b'{"type":"message"}', stream=False) == b'{"type":"message"}'
    assert (
        b'"usage":{"output_tokens":0,"service_tier":"standard","iterations":[{"input_tokens":0}],"ok":true}'
        in (
            without_usage(
                b'{"usage":' + repr(usage).replace("'", '"').replace("True", "true").encode() + b"}",
                stream=False,
            )
        )
    )
    assert (
        without_usage(b": ping\n\nevent: x\ndata: 1\n\n", stream=True) == b": ping\n\nevent: x\ndata: 1\n\n"
    )


def test_the_last_outcome_is_that_of_this_thread_or_task(server: ClaudeServer) -> None:
    """With reason and age."""
    cache = ResponseCache()
    assert cache.last is None
    drive(text_of(make_client(cache, server)))
    assert cache.last is not None
    assert (cache.last.status, cache.last.why, cache.last.age) == ("miss", Why("new"), None)


TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": "One"},
    {"role": "assistant", "content": "Two"},
    {"role": "user", "content": "Three"},
    {"role": "assistant", "content": "Four"},
    {"role": "user", "content": "Five"},
]
TOOL = {"name": "f", "input_schema": {"type": "object"}}


@pytest.mark.parametrize("place", ["memory", "file"])
def test_misses_are_explained(place: str, server: ClaudeServer, tmp_path: Any) -> None:
    """In the words of Anthropic's own diagnosis, by the entry with the longest common conversation."""
    cache = ResponseCache(tmp_path / "a.db" if place == "file" else None)
    client = make_client(cache, server)
    client.messages.create(**ask("Something else altogether", model="claude-opus-5", max_tokens=1))
    client.messages.create(**ask(TURNS, system="Be terse.", tools=[TOOL]))

    def why(**changes: Any) -> Why | None:
        options = {**ask(TURNS, system="Be terse.", tools=[TOOL]), **changes}
        with cache.options(mode="read"):
            client.messages.create(**options)
        assert cache.last is not None
        return cache.last.why

    assert why(model="claude-haiku-4-5") == Why("model_changed", "", 5)
    assert why(system="Be verbose.") == Why("system_changed", "", 5)
    assert why(tools=[{**TOOL, "name": "g"}]) == Why("tools_changed", "", 5)
    assert why(max_tokens=9) == Why("parameters_changed", "max_tokens", 5)
    assert why(extra_headers={"x-tenant": "a"}) == Why("scope_changed", "", 5)
    assert why(messages=[*TURNS, {"role": "assistant", "content": "Six"}]) == Why(
        "new_turn", "messages[5]", 5
    )
    for index in range(5):
        changed = [*TURNS]
        changed[index] = {**TURNS[index], "content": "Changed"}
        assert why(messages=changed) == Why("messages_changed", f"messages[{index}]", index)
    assert why(messages=TURNS[:3]) == Why("messages_changed", "messages[3]", 3)
    assert why(messages=TURNS[:1], system="No", max_tokens=7) == Why("system_changed", "", 1)
    assert why(messages=[{"role": "user", "content": "?"}], system="No", max_tokens=7) == Why("new")
    assert str(Why("new")) == "new"
    assert dict(cache.stats().misses)["messages_changed"] == 6
    cache.close()


def test_each_turn_of_a_conversation_is_a_new_turn(server: ClaudeServer) -> None:
    """It is the turn before that comes nearest, not an old one."""
    cache = ResponseCache()
    client = make_client(cache, server)
    messages: list[Any] = []
    for number in range(12):
        messages.append({"role": "user", "content": f"Question {number}"})
        message = client.messages.create(**ask(messages))
        messages.append({"role": "assistant", "content": message.content})
        assert cache.last is not None
        assert str(cache.last.why) == (f"new_turn (messages[{2 * number - 1}])" if number else "new")


def test_an_unreadable_lineage_has_nothing_in_common() -> None:
    """Of another version, or damaged."""
    lineage = Lineage("a", "b", "c", "d", {"e": "f"}, ("g",))

    def listed(text: str) -> Listed:
        return Listed("0" * 64, "", "m", (), 0.0, None, 1, 1, text)

    for text in ("", "{}", "[1, 2, 3]", "[[1,2,3,4],{},5]", lineage.dump()[:-1]):
        assert explain(lineage, [listed(text)]).reason == "model_changed"


def test_statistics_tell_what_was_saved(server: ClaudeServer) -> None:
    """Tokens, dollars, seconds."""
    cache = ResponseCache()
    client = make_client(cache, server)
    for _ in range(3):
        message = client.messages.create(**ask("Hello [words 50] [slow 20]"))
    client.messages.create(**ask("Hello [stop refusal]"))
    with cache.options(mode="bypass"):
        client.messages.create(**ask("Hello"))
    stats = cache.stats()

    tokens = message.usage.input_tokens + message.usage.output_tokens
    assert (stats.hits, stats.kept, stats.saved_tokens) == (2, 1, 2 * tokens)
    price = cost_usd(message.model, Usage(message.usage.input_tokens, message.usage.output_tokens))
    assert price
    assert stats.saved_usd == pytest.approx(2 * price)
    assert stats.saved_seconds >= 0.04
    assert stats.hit_rate == pytest.approx(2 / 4)
    assert stats.store is not None
    assert str(stats) == (
        "2 hits · 2 misses (messages_changed 1, new 1) · 1 bypassed (asked_for 1) · 1 not kept (stop_refusal 1)\n"
        f"{2 * tokens} tokens · $0.00 and {stats.saved_seconds:.0f} s not spent\n"
        f"1 entries · {stats.store.bytes:,} bytes"
    )
    assert ResponseCache().stats().hit_rate == 0


def test_the_store_counts_over_processes(server: ClaudeServer, tmp_path: Any) -> None:
    """What several caches did adds up there."""
    for _ in range(2):
        with ResponseCache(tmp_path / "a.db") as cache:
            for _ in range(2):
                drive(text_of(make_client(cache, server)))
    with ResponseCache(tmp_path / "a.db") as cache:
        stats = cache.stats()

    assert (stats.hits, stats.store is not None) == (0, True)
    counters = stats.store.counters  # type: ignore[union-attr]
    assert (counters["hits"], counters["misses.new"], counters["kept"]) == (3, 1, 1)


def test_many_hits_are_told_to_the_store_now_and_then(server: ClaudeServer) -> None:
    """Not with each hit, and not only at the end."""
    store = MemoryStore()
    client = make_client(ResponseCache(store), server)
    for _ in range(150):
        client.messages.create(**ask("Hello"))

    assert 100 <= store.stats().counters["hits"] < 150


# ------------------------------------------------------------------ one entry for both kinds of callers


CITATION = {"type": "char_location", "cited_text": "x", "document_index": 0, "start_char_index": 0}
MESSAGES: list[dict[str, Any]] = [
    {"content": []},
    {"content": [{"type": "text", "text": ""}]},
    {"content": [{"type": "text", "text": "  Two words\n\n and é日本 more, quite a lot of them in fact.  "}]},
    {"content": [{"type": "text", "text": "x" * 500}]},
    {"content": [{"type": "text", "text": "Cited.", "citations": [CITATION, CITATION]}]},
    {"content": [{"type": "text", "text": "Not.", "citations": None}]},
    {"content": [{"type": "thinking", "thinking": "Hm. " * 20, "signature": "c2ln"}]},
    {"content": [{"type": "thinking", "thinking": "", "signature": ""}, {"type": "redacted_thinking", "data": "x"}]},
    {"content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
    {"content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": [1, 2.5, None], "b": "x" * 99}}]},
    {"content": [{"type": "a_block_of_the_future", "data": {"a": 1}}]},
    {"content": [{"type": "thinking", "thinking": "Unsigned."}]},
    {"content": [{"type": "thinking", "thinking": None}], "container": {"id": "c"}, "stop_details": None},
]  # fmt: skip
FRAME = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 7, "cache_creation": {"ephemeral_5m_input_tokens": 0}},
}


@pytest.mark.parametrize("parts", MESSAGES, ids=range(len(MESSAGES)))
def test_a_message_unfolds_and_folds_again(parts: dict[str, Any]) -> None:
    """Into the events it would have come in, of which each could be one of Claude's."""
    message = {**FRAME, **parts}
    stream = unfold(message)
    text = encode_body(stream)

    assert assemble_message(stream) == message
    assert decode_body(text, "text/event-stream") == EventStream(stream_items(text))
    names = [line for line in text.decode().splitlines() if line.startswith("event: ")]
    assert names[0] == "event: message_start"
    assert names[-2:] == ["event: message_delta", "event: message_stop"]
    assert content_for(answer("json", dump(message)), stream=True) == text
    assert content_for(answer("sse", text), stream=False) == dump(message_in_order(text))


def stream_items(text: bytes) -> Any:
    body = decode_body(text, "text/event-stream")
    assert isinstance(body, EventStream)
    return body.items


def message_in_order(text: bytes) -> Any:
    return assemble_message(decode_body(text, "text/event-stream"))


def dump(value: Any) -> bytes:
    return encode_body(Json(value))


def answer(kind: Any, body: bytes) -> Answer:
    return Answer(kind, body, {}, "claude-sonnet-5", "end_turn", Usage())


@pytest.mark.parametrize("kind", ["json", "sse"])
def test_what_is_no_message_cannot_cross(kind: str) -> None:
    """It is asked anew."""
    for body in (b"[]", b"{", b'{"content":1}', b": x\n\n"):
        with pytest.raises((ValueError, LookupError)):
            content_for(answer(kind, body), stream=kind == "json")


@pytest.mark.parametrize("body", [b"", b"{}", b"line\nline\n", "é".encode(), b"x" * 100_000])
def test_an_envelope_gives_back_what_was_put_in(body: bytes) -> None:
    """Whatever the body is."""
    full = Answer(
        "sse", body, {"request-id": "r"}, "m", "end_turn", Usage(1, 2, 3, 4), 0.5, 1.5, 99.0, (1, 2, 3)
    )
    assert load_answer(dump_answer(full)) == full


@pytest.mark.parametrize(
    "envelope",
    [b"", b"x", b"[]\n", b"{}\n", b"null\n", b'{"v":1}\n', b'{"v":2}\n', b"[" * 100_000, b"\x80\x04]\n"],
    ids=range(9),
)
def test_what_is_no_envelope_is_refused(envelope: bytes) -> None:
    """Nothing in a store is ever executed."""
    with pytest.raises(ValueError, match="not an entry of this version"):
        load_answer(envelope)


# ------------------------------------------------------------------ OpenTelemetry


def test_spans_of_hits_are_marked(server: ClaudeServer) -> None:
    """The SDK makes a span for each call; one that sent nothing says so, without tokens where asked."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    cache = ResponseCache(usage_on_hit="zero")
    client = make_client(cache, server, open_telemetry={"tracer_provider": provider})
    for _ in range(2):
        client.messages.create(**ask("Hello"))

    live, hit = (dict(span.attributes or {}) for span in exporter.get_finished_spans())
    assert "claude_replay.cache" not in live
    assert live["gen_ai.usage.output_tokens"] != 0
    assert hit["claude_replay.cache"] == "hit"
    assert hit["gen_ai.usage.output_tokens"] == 0


def test_nothing_is_logged_when_all_is_well(server: ClaudeServer, caplog: pytest.LogCaptureFixture) -> None:
    """Warnings are for what goes wrong."""
    caplog.set_level(logging.WARNING, "claude_replay")
    client = make_client(ResponseCache(), server)
    for _ in range(2):
        describe(client.messages.create(**ask("Hello")))
    assert caplog.records == []


def test_without_opentelemetry_nothing_is_marked(
    server: ClaudeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older SDKs do not bring it."""
    monkeypatch.delitem(sys.modules, "opentelemetry.trace", raising=False)
    client = make_client(ResponseCache(), server)
    for _ in range(2):
        client.messages.create(**ask("Hello"))
    assert server.count == 1


def test_statistics_name_what_went_wrong() -> None:
    """And leave out what they do not know."""
    stats = CacheStats(hits=1, failures=2)
    assert str(stats).splitlines()[-1] == "the store failed 2 times"


@pytest.mark.parametrize("seat", SEATS)
def test_a_call_that_passes_is_counted_once(
    seat: str, server: ClaudeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the SDK tries, and for whatever reason it passes."""
    monkeypatch.setattr("anthropic._base_client.BaseClient._calculate_retry_timeout", lambda *_, **__: 0.0)

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat, max_retries=2)
        server.script("[status 529]", "[status 529]")
        with cache.options(mode="bypass"):
            await text_of(client)
        assert dict(cache.stats().bypassed) == {"asked_for": 1}

    run_both(seat, scenario)


def test_what_is_asked_with_a_lone_surrogate_is_kept_without_it(server: ClaudeServer) -> None:
    """Where something below the cache makes it fit to be sent."""
    cache = ResponseCache()

    def mend(request: Any, call_next: Any) -> Any:
        return call_next(request.copy(body=ask("mended")))

    client = cache.wrap(make_client(None, server).with_middleware(mend))
    for _ in range(2):
        client.messages.create(**ask("\ud800"))
    (listed,) = cache.store.listed()
    entry = cache.store.load(listed.key)
    assert entry is not None
    assert (entry.request, cache.stats().hits) == (b"", 1)
