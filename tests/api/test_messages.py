"""What requests and answers of the Messages API say."""

from __future__ import annotations

from typing import Any

import pytest

from claude_replay.api import (
    ToolCall,
    is_finished,
    last_user_text,
    message_text,
    message_usage,
    model_of,
    tool_calls,
    wants_stream,
)
from claude_replay.exchange import (
    Binary,
    Body,
    Deltas,
    Event,
    EventStream,
    Json,
    RawEvent,
    StreamItem,
    Text,
    Usage,
)
from traffic import MODEL, make_body, make_full_body

OTHER_BODIES: list[Body] = [
    None,
    Text("{}"),
    Binary(b"\xff"),
    EventStream(()),
    Json([]),
    Json("x"),
    Json(None),
]
ONE = {"type": "text", "text": "one"}
STOP = Event("message_stop", {"type": "message_stop"})


@pytest.mark.parametrize("body", OTHER_BODIES, ids=repr)
def test_bodies_without_fields_say_nothing(body: Body) -> None:
    """What is not a JSON object names no model, no text, no stream."""
    assert (model_of(body), last_user_text(body), wants_stream(body)) == (None, "", False)


def test_a_request_names_its_model_and_whether_it_streams() -> None:
    """A model is a text, and only `true` asks for a stream."""
    assert model_of(Json(make_body())) == MODEL
    assert model_of(Json(make_body(model=5))) is None
    assert wants_stream(Json(make_body(stream=True)))
    assert not wants_stream(Json(make_body(stream=1)))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([{"role": "user", "content": "one"}, {"role": "user", "content": "two"}], "two"),
        ([{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}], "one"),
        (
            [{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}],
            "two",
        ),
        ([{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "image"}]}], "one"),
        ([{"role": "user", "content": "one"}, {"role": "user", "content": [{"type": "image"}]}], "one"),
        ([{"role": "user", "content": [{"type": "tool_result", "content": "result"}]}], "result"),
        (
            [
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "content": [{"type": "text", "text": "in"}]}],
                }
            ],
            "in",
        ),
        ([{"role": "user", "content": [{"type": "text", "text": 5}, "bare", None]}], ""),
        ([{"role": "user", "content": {"type": "text", "text": "no list"}}], ""),
        ([{"role": "user"}, "no message"], ""),
        ({"role": "user", "content": "no list"}, ""),
        ([], ""),
    ],
)
def test_the_last_thing_a_user_said_is_found(messages: object, expected: str) -> None:
    """The last text of the last user message that has one, results of tools included."""
    assert last_user_text(Json({"messages": messages})) == expected


def test_the_last_thing_said_in_a_long_request() -> None:
    """Among every kind of block, the text of the last tool result is found."""
    assert last_user_text(Json(make_full_body())) == "It failed."


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([STOP], True),
        ([Event("error", {"type": "error"})], True),
        ([STOP, RawEvent(""), RawEvent(": bye")], True),
        ([STOP, Event("ping", {})], False),
        ([STOP, Deltas(0, "text_delta", ("a",))], False),
        ([Event("message_delta", {}), RawEvent("event: message_stop")], False),
        ([RawEvent(": hi")], False),
        ([], False),
    ],
)
def test_a_stream_says_when_it_has_ended(items: list[StreamItem], expected: bool) -> None:
    """The last event decides; comments and the like after it do not."""
    assert is_finished(items) is expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "input_tokens": 1,
                "output_tokens": 2,
                "cache_creation_input_tokens": 3,
                "cache_read_input_tokens": 4,
                "server_tool_use": {"web_search_requests": 1},
            },
            Usage(1, 2, 3, 4),
        ),
        ({"input_tokens": 1, "cache_read_input_tokens": None}, Usage(1, 0, 0, 0)),
        ({"input_tokens": True, "output_tokens": "2"}, Usage()),
        (None, Usage()),
    ],
)
def test_usage_is_read_from_a_message(usage: object, expected: Usage) -> None:
    """What is not mentioned, or no number, is zero."""
    assert message_usage({"usage": usage}) == expected


def test_usage_adds_up() -> None:
    """The four kinds of tokens do not overlap, so each is added for itself."""
    total = Usage(1, 2, 3, 4) + Usage(10, 20, 30, 40)

    assert total == Usage(11, 22, 33, 44)
    assert total.total_tokens == 110
    assert Usage().total_tokens == 0


def test_text_and_tools_are_read_from_a_message() -> None:
    """Texts are joined, tools are listed in order; other blocks are neither."""
    blocks: list[Any] = [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "text", "text": "Let me "},
        {"type": "tool_use", "id": "toolu_1", "name": "lookup", "input": {"q": 1}},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "text", "text": "see."},
        {"type": "tool_use"},
        {"type": "text"},
        "no block",
    ]

    assert message_text({"content": blocks}) == "Let me see."
    assert tool_calls({"content": blocks}) == [
        ToolCall("lookup", {"q": 1}, "toolu_1"),
        ToolCall("", None, ""),
    ]
    assert (message_text({}), tool_calls({"content": "text"})) == ("", [])


def test_a_request_gives_its_json() -> None:
    """`json` is the plain object of a JSON body, and None for any other."""
    from traffic import make_request

    assert make_request({"a": 1}).json == {"a": 1}
    assert make_request(None).json is None
