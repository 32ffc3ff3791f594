"""Secrets in AWS event streams: in events, and in frames that are none."""

from __future__ import annotations

import base64

import pytest

from claude_replay.exchange import (
    Event,
    EventStream,
    Exchange,
    Frame,
    Json,
    Request,
    Response,
    StreamItem,
    Text,
)
from claude_replay.redact import PLACEHOLDER, Redactor

KEY = "sk-ant-" + "api03-" + "Ab3" * 31
CLEAN = Frame({":exception-type": "a"}, Json({"message": "Too many requests", "bytes": "e30="}))


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def redact(*items: StreamItem) -> EventStream:
    redactor = Redactor()
    redacted = redactor.response(Response(200, {}, EventStream(items, padding=(1, 0))))
    assert redactor.response(redacted) is redacted
    assert isinstance(redacted.body, EventStream)
    return redacted.body


def find(item: StreamItem) -> str | None:
    request = Request("POST", "https://api.anthropic.com/v1/messages", {}, None)
    return Redactor().find(Exchange(request, Response(200, {}, EventStream((item,), padding=()))))


def test_clean_frames_are_the_same_objects() -> None:
    """What holds no secret is not copied, whatever its bytes are."""
    items = (
        CLEAN,
        Frame({}, None),
        Frame({}, Text("x")),
        Frame({}, Json({"bytes": "A"})),
        Frame({}, Json([1])),
    )

    assert redact(*items).items == items
    assert all(new is old for new, old in zip(redact(*items).items, items, strict=True))
    assert [find(item) for item in items] == [None] * 5


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        (Frame({":error-message": KEY}, None), "headers.:error-message"),
        (Frame({}, Text(f"key {KEY}")), "text"),
        (Frame({}, Json({"message": [f"key {KEY}"]})), "data.message[0]"),
        (Frame({}, Json({"bytes": encode(f'{{"a": "{KEY}"}}')})), "data.bytes"),
    ],
    ids=["header", "text", "data", "base64"],
)
def test_secrets_in_frames_are_found_and_taken_out(frame: Frame, place: str) -> None:
    """Base64 hides nothing; padding stays."""
    redacted = redact(frame)

    assert find(frame) == f"response.body.items[0].{place}"
    assert KEY not in repr(redacted)
    assert encode(KEY)[:40] not in repr(redacted)
    assert redacted.padding == (1, 0)
    assert find(redacted.items[0]) is None


@pytest.mark.parametrize("path", [("text",), ("toolUse", "input"), ("reasoningContent", "text")])
def test_a_key_cut_in_two_by_converse_stream_is_found(path: tuple[str, ...]) -> None:
    """Pieces of one block are searched as one text."""

    def delta(index: int, text: str) -> Event:
        value: object = text
        for key in reversed(path):
            value = {key: value}
        return Event("contentBlockDelta", {"contentBlockIndex": index, "delta": value})

    cleaned = redact(delta(0, f"key {KEY[:30]}"), delta(1, "other"), delta(0, f"{KEY[30:]} end"))

    assert KEY[30:] not in repr(cleaned)
    assert cleaned.items == (delta(0, f"key {PLACEHOLDER}"), delta(1, "other"), delta(0, " end"))
