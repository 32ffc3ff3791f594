"""The message that a stream adds up to is the one the SDK makes of it."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import pytest

from claude_replay.api import assemble_message
from claude_replay.bodies import decode_body, encode_body, reframe
from claude_replay.exchange import Body, Deltas, Event, EventStream, Json, RawEvent, Text
from standin import ClaudeServer
from standin.clients import TOOLS, make_request, send_raw
from traffic import CORPUS, load_corpus

PROMPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("[lines 3]", {}),
    "empty": ("[pieces ]", {}),
    "tools": ('[tool weather {"city": "Köln", "days": [1, 2.5]}][tool clock {}]', {"tools": TOOLS}),
    "thinking": ("Think. [words 9]", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    "cached": ("Hello", {"cache_control": {"type": "ephemeral"}}),
    "refusal": ("[words 2] [stop refusal]", {}),
}
USAGE = {"input_tokens": 9, "cache_read_input_tokens": 5, "output_tokens": 1, "service_tier": "standard"}
START: dict[str, object] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "container": {"id": "container_0", "expires_at": "2026-11-22T00:00:00Z"},
    "usage": USAGE,
}
CITATION = {
    "type": "page_location",
    "cited_text": "a",
    "document_index": 0,
    "start_page_number": 1,
    "end_page_number": 2,
}
CALL: dict[str, object] = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
FOUND = {
    "type": "web_search_result",
    "title": "T",
    "url": "https://a.example",
    "encrypted_content": "e",
    "page_age": None,
}
FALLBACK: dict[str, object] = {
    "type": "fallback",
    "from": {"model": "claude-x"},
    "to": {"model": "claude-y"},
    "trigger": {"type": "refusal", "category": None},
}
Blocks = list[tuple[dict[str, object], list[dict[str, object]]]]
# Blocks as they start, and the deltas that follow.
BLOCKS: dict[str, Blocks] = {
    "citations": [
        (
            {"type": "text", "text": "", "citations": []},
            [
                {"type": "citations_delta", "citation": CITATION},
                {"type": "text_delta", "text": "So "},
                {"type": "citations_delta", "citation": {**CITATION, "cited_text": "b"}},
                {"type": "text_delta", "text": "be it."},
            ],
        ),
        ({"type": "text", "text": ""}, [{"type": "citations_delta", "citation": CITATION}]),
    ],
    "server tools": [
        (CALL, [{"type": "input_json_delta", "partial_json": piece} for piece in ("", '{"query": ', '"q"}')]),
        ({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [FOUND]}, []),
    ],
    "tool without input": [
        (
            {"type": "tool_use", "id": "toolu_1", "name": "t", "input": {}},
            [{"type": "input_json_delta", "partial_json": ""}],
        )
    ],
    "thinking": [
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [
                {"type": "thinking_delta", "thinking": "Hm"},
                {"type": "thinking_delta", "thinking": "."},
                {"type": "signature_delta", "signature": "first"},
                {"type": "signature_delta", "signature": "c2ln"},
            ],
        ),
        ({"type": "redacted_thinking", "data": "cmVk"}, []),
    ],
    "compaction": [
        (
            {"type": "compaction", "content": None},
            [{"type": "compaction_delta", "content": "All in all.", "encrypted_content": "e"}],
        )
    ],
    "fallback": [(FALLBACK, []), ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "Hi"}])],
    "nothing": [],
}
DELTA = {"stop_reason": "end_turn", "stop_sequence": None, "container": None}


def make_stream(blocks: Blocks, **last: object) -> EventStream:
    """A whole stream; `last` is more of what `message_delta` says."""
    events = [Event("message_start", {"type": "message_start", "message": START})]
    for index, (block, deltas) in enumerate(blocks):
        place = {"index": index}
        events.append(
            Event("content_block_start", {"type": "content_block_start", **place, "content_block": block})
        )
        events += [
            Event("content_block_delta", {"type": "content_block_delta", **place, "delta": delta})
            for delta in deltas
        ]
        events.append(Event("content_block_stop", {"type": "content_block_stop", **place}))
    usage = {"output_tokens": 15, "input_tokens": None, "server_tool_use": {"web_search_requests": 1}}
    events.append(Event("message_delta", {"type": "message_delta", "delta": DELTA, "usage": usage, **last}))
    return read(encode_body(EventStream((*events, Event("message_stop", {"type": "message_stop"})))))


def read(content: bytes) -> EventStream:
    """A stream from its bytes."""
    body = decode_body(content, "text/event-stream")
    assert isinstance(body, EventStream)
    return body


def ask_sdk(content: bytes) -> object:
    """What the SDK's stream helper makes of these bytes."""
    reply = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=content)
    with (
        httpx2.Client(transport=httpx2.MockTransport(lambda _: reply)) as http_client,
        anthropic.Anthropic(api_key="k", http_client=http_client) as client,
        client.beta.messages.stream(
            model="claude-x", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
        ) as stream,
    ):
        return json.loads(stream.get_final_message().to_json(exclude_unset=True))


def drop_null(value: object) -> object:
    """Without fields that are null: the SDK writes some that nobody sent."""
    if isinstance(value, dict):
        return {key: drop_null(item) for key, item in value.items() if item is not None}
    return [drop_null(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def server() -> Any:
    """A stand-in server."""
    with ClaudeServer() as running:
        yield running


@pytest.mark.parametrize("name", PROMPTS)
def test_streams_add_up_to_what_the_sdk_assembles(server: ClaudeServer, name: str) -> None:
    """Content, stop reason and usage are those of the SDK's own final message."""
    prompt, options = PROMPTS[name]
    content = send_raw(server, "POST", "/v1/messages", make_request(prompt, {**options, "stream": True}))[2]

    assert drop_null(assemble_message(read(content))) == drop_null(ask_sdk(content))


@pytest.mark.parametrize("name", BLOCKS)
def test_every_kind_of_block_is_assembled_as_the_sdk_does(name: str) -> None:
    """Citations, server tools, signatures, compactions, a model that took over."""
    stream = make_stream(BLOCKS[name], context_management={"applied_edits": []})

    message = assemble_message(stream)

    assert drop_null(message) == drop_null(ask_sdk(encode_body(stream)))
    assert message is not None
    assert message["container"] == START["container"]
    assert message["usage"] == {**USAGE, "output_tokens": 15, "server_tool_use": {"web_search_requests": 1}}


def test_the_stream_itself_is_not_changed() -> None:
    """A body is a value: assembling it twice gives the same."""
    stream = make_stream([*BLOCKS["citations"], *BLOCKS["fallback"]])
    before = repr(stream)

    first = assemble_message(stream)

    assert assemble_message(stream) == first
    assert repr(stream) == before


def test_input_that_broke_off_stays_text() -> None:
    """Half of a tool's input is no object, and is not made one."""
    block: dict[str, object] = {"type": "tool_use", "id": "toolu_1", "name": "t", "input": {}}
    start = make_stream([(block, [])]).items[:2]

    message = assemble_message(EventStream((*start, Deltas(0, "input_json_delta", ('{"city": "K', "öl")))))

    assert message is not None
    assert message["content"] == [{**block, "input": '{"city": "Köl'}]


@pytest.mark.parametrize(
    "item",
    [
        Deltas(7, "text_delta", ("lost",)),
        Deltas(-1, "text_delta", ("lost",)),
        Event("content_block_delta", {"index": "0", "delta": {"type": "text_delta", "text": "lost"}}),
        Event("content_block_delta", {"index": [0], "delta": None}),
        Event("content_block_delta", {"index": 0, "delta": "lost"}),
        Event("content_block_delta", []),
        Event("message_delta", {"delta": None, "usage": 5}),
        Event("ping", {"type": "ping"}),
        Event(None, {"type": "message_start", "message": {}}),
        RawEvent(": comment"),
        Deltas(0, "signature_delta", ()),
    ],
    ids=str,
)
def test_what_belongs_to_nothing_is_left_out(item: Deltas | Event | RawEvent) -> None:
    """Cassettes are edited by hand: a delta without its block, or of another shape, breaks nothing."""
    stream = make_stream([({"type": "text", "text": "kept"}, [])])
    around = EventStream((*stream.items[:2], item, *stream.items[2:]))

    message = assemble_message(around)

    assert message is not None
    content = message["content"]
    assert isinstance(content, list)
    assert content[0]["text"] == "kept"
    assert message["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    "body",
    [
        None,
        Text("oops"),
        Json([]),
        Json({"type": "error", "error": {"type": "overloaded_error"}}),
        Json({"content": [{"id": 1}], "pageable": {}}),
        Json({"type": "other", "content": []}),
        Json({"input_tokens": 3}),
        EventStream(()),
        EventStream((), "tail"),
        EventStream(
            (
                Event("error", {"type": "error"}),
                Event("message_delta", {"delta": {"stop_reason": "end_turn"}}),
            )
        ),
    ],
    ids=str,
)
def test_other_answers_hold_no_message(body: Body) -> None:
    """Errors, other endpoints, and streams that never started a message give None."""
    assert assemble_message(body) is None


def test_a_message_without_a_type_is_one() -> None:
    """Written by hand, it need not say what it is; the SDK takes it as well."""
    value = {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}

    assert assemble_message(Json(value)) == value


def test_a_message_without_streaming_is_itself() -> None:
    """A JSON answer is the message; what is done to the result is not done to the body."""
    body = Json({**START})

    message = assemble_message(body)

    assert message == START
    assert message is not body.value


@pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS names no folder")
def test_the_streams_of_the_corpus_add_up() -> None:
    """All that was recorded from the API is assembled as the SDK does."""
    bodies = [exchange.response.body for _, exchange in load_corpus()]
    # Bedrock's frames hold the same events, but for those of converse-stream, which is another API.
    streams = [
        reframe(body, aws=False)
        for body in bodies
        if isinstance(body, EventStream) and (body.padding is None or assemble_message(body))
    ]
    different = [
        stream
        for stream in streams
        if drop_null(assemble_message(stream)) != drop_null(ask_sdk(encode_body(stream)))
    ]

    assert different == []
    assert len(streams) > 100
