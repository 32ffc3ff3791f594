"""Exchanges of every kind a cassette can hold."""

from __future__ import annotations

from typing import Any

from claude_replay.bodies import AWS_EVENT_STREAM
from claude_replay.exchange import (
    Binary,
    Body,
    Deltas,
    Ended,
    Event,
    EventStream,
    Exchange,
    Frame,
    Json,
    JsonLines,
    Meta,
    Multipart,
    Part,
    RawEvent,
    Request,
    Response,
    StreamItem,
    Text,
)

__all__ = ["EXCHANGES", "STREAM", "answer", "asked", "exchange"]

URL = "https://api.anthropic.com/v1/messages"
VERSION = {"anthropic-version": "2026-10-21"}
JSON = {"content-type": "application/json", "request-id": "req_01"}
SSE = {"content-type": "text/event-stream; charset=utf-8", "request-id": "req_02"}


def asked(prompt: str, **options: Any) -> Request:
    """A request for a message."""
    body = {"max_tokens": 100, "messages": [{"role": "user", "content": prompt}], "model": "claude-sonnet-5"}
    return Request("POST", URL, VERSION, Json({**body, **options}))


def answer(text: str, **fields: Any) -> Response:
    """A message as the answer."""
    message = {
        "model": "claude-sonnet-5",
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 12, "output_tokens": 3, "service_tier": "standard"},
    }
    return Response(200, JSON, Json({**message, **fields}))


def exchange(prompt: str, text: str) -> Exchange:
    """A question and its answer."""
    return Exchange(asked(prompt), answer(text), Meta("2026-11-22T20:40:16Z", 1.25))


_START = Event(
    "message_start",
    {
        "type": "message_start",
        "message": {"id": "msg_02", "type": "message", "role": "assistant", "content": [], "usage": {}},
    },
)
_ITEMS: tuple[StreamItem, ...] = (
    _START,
    Event(
        "content_block_start", {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}
    ),
    Event("ping", {"type": "ping"}),
    Deltas(0, "text_delta", ("One line\n", "and ", "and ", "", "another.")),
    Deltas(1, "thinking_delta", ("Hm.",)),
    Deltas(1, "signature_delta", ("c2lnbmVk",)),
    Deltas(2, "input_json_delta", ('{"city": ', '"Paris"}')),
    Event("content_block_stop", {"type": "content_block_stop", "index": 0}),
    RawEvent(": a comment\nretry: 100"),
    RawEvent("data: [DONE]"),
    Event(None, {"type": "no_name"}),
    Event("renamed", {"type": "something_else", "index": 0}),
    Event("list", [1, "two", None]),
    Event("late_type", {"index": 0, "type": "late_type"}),
    Event("event", {"type": "event"}),
    Event("raw", {"type": "raw"}),
    Event("text_delta", {"type": "text_delta"}),
    Deltas(3, "text_delta", ()),
    Event("message_delta", {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}}),
    Event("message_stop", {"type": "message_stop"}),
)
STREAM = EventStream(_ITEMS, 'event: torn\ndata: {"ty')

BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com"
FRAMES = EventStream(
    (
        *(item for item in _ITEMS if not isinstance(item, RawEvent)),
        Event("messageStart", {"role": "assistant"}),
        Frame({":event-type": "chunk"}, Json({"bytes": "e30=", "frame": {}})),
        Frame({":exception-type": "throttlingException"}, Text("Too many\nrequests")),
        Frame({}, None),
    ),
    padding=(3, 0, 0, 62),
)


def _respond(
    body: Body, ended: Ended = "complete", *, status: int = 200, kind: str = "text/html"
) -> Response:
    headers = SSE if isinstance(body, EventStream) else {"content-type": kind}
    return Response(status, headers, body, ended)


_ODD = {
    "empty": "",
    "words": [
        "yes",
        "No",
        "null",
        "~",
        "1e5",
        "0x1F",
        "12:30:00",
        "2026-11-22",
        "-",
        "=",
        "!tag",
        "&a",
        "*a",
    ],
    "spaces": "trailing \nand\ttabs\n\n\n  indented\n",
    "breaks": "cr\r\nlf\nnel\u0085ls\u2028ps\u2029bom\ufeff",
    "control": "\x00\x07\x1b[31m\x7f",
    "scripts": "Grüße, мир, 日本語, 🎉👩‍👩‍👧, \U0010ffff",
    "quotes": "'single' \"double\" \\ : # {} [] , % @ `",
    "numbers": [0, -0.0, 1.0, 1e300, 10**30, -1, 0.1],
    "constants": [None, True, False],
    "nothing": [{}, [], [[]], [{}], {"": ""}],
    "key: with\nbreak": {"- dash": {"? mark": 1}},
    "...": "...",
    "fake": "  request:\n  response:\n- id: 0\n# end 0\n...\n<<<<<<< ours\n=======\n>>>>>>> theirs\n",
}

_NAMED = 'form-data; name="file"; filename="a.txt"'
UPLOAD = Multipart(
    (
        Part({"content-disposition": 'form-data; name="purpose"'}, Text("agents")),
        Part({"content-disposition": _NAMED, "content-type": "text/plain"}, Text("One line\nand another.\n")),
        Part({"content-disposition": _NAMED, "content-type": "image/png"}, Binary(b"\x89PNG\r\n\xff")),
        Part({"content-disposition": _NAMED, "content-type": "application/json"}, Json(_ODD)),
        Part({"content-disposition": "form-data", "x-more": "1"}, None),
    )
)

EXCHANGES: tuple[Exchange, ...] = (
    exchange("Hi", "You said: Hi"),
    Exchange(
        asked("Go on", stream=True), _respond(STREAM), Meta("2026-11-22T20:40:18Z", 2.5, (3, 3, 40, 900))
    ),
    Exchange(asked("Stop", stream=True), _respond(EventStream(_ITEMS[:4]), "closed")),
    Exchange(asked("Cancel"), Response(0, {}, None, "cancelled"), Meta(duration=0.5)),
    Exchange(
        asked("Cancel late", stream=True), _respond(EventStream(_ITEMS[:2]), "cancelled"), Meta(times=(0, 9))
    ),
    Exchange(Request("GET", f"{URL}?limit=2&after=x%20y", {}, None), Response(204, {}, None)),
    Exchange(
        Request("POST", URL, {"content-type": "text/plain"}, Text("no JSON:\n\tbut text\r\n")),
        _respond(Text("upstream said: no"), status=502),
    ),
    Exchange(
        Request("PUT", URL, {}, Binary(b"\x00\xff\xfe" * 40)),
        _respond(Binary(b"\x89PNG\r\n"), kind="image/png"),
    ),
    Exchange(Request("POST", URL, VERSION, Json(_ODD)), Response(200, JSON, Json([_ODD, "x"]))),
    Exchange(Request("POST", URL, VERSION, Json("text")), Response(200, JSON, Json(None))),
    Exchange(
        Request("POST", URL, VERSION, Json(7)),
        Response(429, {"retry-after": "1", **JSON}, Json({"error": {}})),
    ),
    Exchange(
        Request(
            "POST", f"{BEDROCK}/model/anthropic.claude-sonnet-5/invoke-with-response-stream", {}, Json({})
        ),
        Response(200, {"content-type": AWS_EVENT_STREAM}, FRAMES),
        Meta(times=(1, 2)),
    ),
    Exchange(
        Request(
            "POST", "https://api.anthropic.com/v1/files", {"content-type": "multipart/form-data"}, UPLOAD
        ),
        Response(200, JSON, Json({"id": "file_01", "type": "file"})),
    ),
    Exchange(
        Request("GET", f"{URL}/batches/msgbatch_01/results", {}, None),
        Response(200, {"content-type": "application/x-jsonl"}, JsonLines(({"custom_id": "a"}, [_ODD], "x"))),
    ),
)
"""One of each kind, with whatever YAML could trip over."""
