"""Secrets in event streams, whole or spread over many events."""

from __future__ import annotations

import pytest

from claude_replay.exchange import (
    Deltas,
    Event,
    EventStream,
    Exchange,
    RawEvent,
    Request,
    Response,
    StreamItem,
)
from claude_replay.redact import PLACEHOLDER, Redactor

KEY = "sk-ant-" + "api03-" + "Ab3" * 31
PING = Event("ping", {"type": "ping"})
START = Event("message_start", {"type": "message_start", "message": {"id": "msg_1", "content": []}})
STOP = Event("message_stop", {"type": "message_stop"})


def _redact(*items: StreamItem, tail: str = "", redactor: Redactor | None = None) -> EventStream:
    redactor = redactor or Redactor()
    stream = EventStream(items, tail)
    response = Response(200, {}, stream)
    redacted = redactor.response(response)
    assert redactor.response(redacted) is redacted
    assert isinstance(redacted.body, EventStream)
    return redacted.body


def _find(*items: StreamItem, tail: str = "", redactor: Redactor | None = None) -> str | None:
    request = Request("POST", "https://api.anthropic.com/v1/messages", {}, None)
    return (redactor or Redactor()).find(Exchange(request, Response(200, {}, EventStream(items, tail))))


def _delta(index: int, delta: dict[str, object], **more: object) -> Event:
    return Event(
        "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta, **more}
    )


def _raw(index: int, text: str) -> RawEvent:
    return RawEvent(
        f'id: 7\nevent: content_block_delta\ndata: {{"type":"content_block_delta","index":{index},'
        f'"delta":{{"type":"text_delta","text":"{text}"}}}}'
    )


def test_a_clean_stream_is_the_same_object() -> None:
    """A stream without secrets is not copied."""
    items = (
        START,
        PING,
        Deltas(0, "text_delta", ("Hel", "lo")),
        RawEvent(": comment"),
        Event(None, [1]),
        STOP,
    )
    stream = EventStream(items, "event: x")
    response = Response(200, {}, stream)
    assert Redactor().response(response).body is stream
    assert _find(*items, tail="event: x") is None


@pytest.mark.parametrize("kind", ["text_delta", "input_json_delta", "thinking_delta", "signature_delta"])
@pytest.mark.parametrize("cut", [1, 5, 20, 50, 98])
def test_a_secret_split_in_two(kind: str, cut: int) -> None:
    """The placeholder stands in the piece where the secret begins; the pieces stay as many as they were."""
    pieces = ("The key is ", f"'{KEY[:cut]}", f"{KEY[cut:]}'", ", keep it.")
    assert _redact(START, Deltas(0, kind, pieces), STOP).items == (
        START,
        Deltas(0, kind, ("The key is ", f"'{PLACEHOLDER}", "'", ", keep it.")),
        STOP,
    )
    assert _find(START, Deltas(0, kind, pieces), STOP) == "response.body.items[1].pieces[1]"


def test_a_secret_in_single_characters() -> None:
    """A secret that comes letter by letter, with empty pieces in between, is found as a whole."""
    pieces = [piece for letter in f"<{KEY}>" for piece in (letter, "")]
    (item,) = _redact(Deltas(0, "text_delta", tuple(pieces))).items
    assert isinstance(item, Deltas)
    assert len(item.pieces) == len(pieces)
    assert "".join(item.pieces) == f"<{PLACEHOLDER}>"
    assert item.pieces[2] == PLACEHOLDER


def test_other_events_stand_in_between() -> None:
    """Pings and the pieces of other blocks do not hide a secret that runs on behind them."""
    items = (
        Deltas(0, "text_delta", ("a ", KEY[:9])),
        PING,
        Deltas(1, "text_delta", ("other",)),
        Deltas(0, "thinking_delta", ("thought",)),
        Deltas(0, "text_delta", (KEY[9:30],)),
        RawEvent(": keep-alive"),
        Deltas(0, "text_delta", (KEY[30:], " b")),
    )
    assert _find(*items) == "response.body.items[0].pieces[1]"
    assert _redact(*items).items == (
        Deltas(0, "text_delta", ("a ", PLACEHOLDER)),
        PING,
        Deltas(1, "text_delta", ("other",)),
        Deltas(0, "thinking_delta", ("thought",)),
        Deltas(0, "text_delta", ("",)),
        RawEvent(": keep-alive"),
        Deltas(0, "text_delta", ("", " b")),
    )


def test_blocks_are_not_joined() -> None:
    """What two blocks spell together was never one text."""
    items = (Deltas(0, "text_delta", (KEY[:20],)), Deltas(1, "text_delta", (KEY[20:],)))
    assert _redact(*items).items == items


def test_several_secrets_in_one_piece_and_across() -> None:
    """Secrets that end and begin in the same piece are replaced one by one."""
    pieces = (f"{KEY} {KEY[:8]}", KEY[8:40], f"{KEY[40:]} {KEY} {KEY[:3]}", KEY[3:])
    assert _redact(Deltas(0, "text_delta", pieces)).items == (
        Deltas(0, "text_delta", (f"{PLACEHOLDER} {PLACEHOLDER}", "", f" {PLACEHOLDER} {PLACEHOLDER}", "")),
    )


def test_the_arguments_of_a_tool() -> None:
    """In the pieces of a tool's arguments a secret is recognized by its key, too."""
    pieces = ('{"auth', 'orization_token": "hun', 'ter2-hunter2", "x"', ": 1}")
    assert _redact(Deltas(1, "input_json_delta", pieces)).items == (
        Deltas(1, "input_json_delta", ('{"auth', f'orization_token": "{PLACEHOLDER}', '", "x"', ": 1}")),
    )


def test_a_known_value_is_split() -> None:
    """A value known from the environment is found across pieces as well."""
    redactor = Redactor(literals=["swordfish"])
    assert _redact(Deltas(0, "text_delta", ("a sword", "fish b")), redactor=redactor).items == (
        Deltas(0, "text_delta", (f"a {PLACEHOLDER}", " b")),
    )


def test_a_piece_that_looks_like_a_secret_alone() -> None:
    """What looks like a secret in its own piece is one, even if the piece before makes it part of a word."""
    key_id = "AK" + "IA" + "IOSFODNN7" + "ABCDEF1"
    pieces = ("PRE", key_id)
    assert _find(Deltas(0, "text_delta", pieces)) == "response.body.items[0].pieces[1]"
    assert _redact(Deltas(0, "text_delta", pieces)).items == (Deltas(0, "text_delta", ("PRE", PLACEHOLDER)),)


@pytest.mark.parametrize(
    ("event", "expected", "place"),
    [
        (
            Event("message_start", {"type": "message_start", "message": {"id": KEY}}),
            Event("message_start", {"type": "message_start", "message": {"id": PLACEHOLDER}}),
            "data.message.id",
        ),
        (Event(KEY, {"a": 1}), Event(PLACEHOLDER, {"a": 1}), "name"),
        (Event(None, [KEY]), Event(None, [PLACEHOLDER]), "data[0]"),
        (
            _delta(0, {"type": "citations_delta", "citation": {"cited_text": KEY}}),
            _delta(0, {"type": "citations_delta", "citation": {"cited_text": PLACEHOLDER}}),
            "data.delta.citation.cited_text",
        ),
        (RawEvent(f"data: {KEY}"), RawEvent(f"data: {PLACEHOLDER}"), "text"),
        (
            _delta(0, {"type": "text_delta", "text": KEY}, seq=1),
            _delta(0, {"type": "text_delta", "text": PLACEHOLDER}, seq=1),
            "data.delta.text",
        ),
    ],
)
def test_a_secret_in_a_single_event(event: StreamItem, expected: StreamItem, place: str) -> None:
    """Every kind of event is searched, in its name and its data."""
    assert _redact(START, event, STOP).items == (START, expected, STOP)
    assert _find(START, event, STOP) == f"response.body.items[1].{place}"


def test_events_of_an_unusual_form_belong_together() -> None:
    """Pieces that could not be folded, and the text a block starts with, are joined with those that could."""
    items = (
        Event("content_block_start", {"index": 2, "content_block": {"type": "text", "text": KEY[:10]}}),
        _delta(2, {"type": "text_delta", "text": ""}, seq=0),
        _delta(2, {"type": "text_delta", "text": KEY[10:20]}, seq=1),
        Deltas(2, "text_delta", (KEY[20:30], KEY[30:40])),
        _raw(2, KEY[40:50]),
        _delta(2, {"type": "text_delta", "text": f"{KEY[50:]} end"}, seq=2),
    )
    assert _find(*items) == "response.body.items[0].data.content_block.text"
    assert _redact(*items).items == (
        Event("content_block_start", {"index": 2, "content_block": {"type": "text", "text": PLACEHOLDER}}),
        _delta(2, {"type": "text_delta", "text": ""}, seq=0),
        _delta(2, {"type": "text_delta", "text": ""}, seq=1),
        Deltas(2, "text_delta", ("", "")),
        _raw(2, ""),
        _delta(2, {"type": "text_delta", "text": " end"}, seq=2),
    )


def test_raw_events_and_the_tail_belong_together() -> None:
    """Events with ids are kept as text, and so is a last one that was cut: a secret runs through them."""
    tail = _raw(0, f"{KEY[60:90]}").text.removesuffix('"}}')
    items = (_raw(0, f'say \\"{KEY[:30]}'), _raw(0, KEY[30:60]))
    redacted = _redact(*items, tail=tail)
    assert redacted.items == (_raw(0, f'say \\"{PLACEHOLDER}'), _raw(0, ""))
    assert redacted.tail == _raw(0, "").text.removesuffix('"}}')
    assert _find(*items, tail=tail) == "response.body.items[0].text"


def test_a_secret_in_the_tail() -> None:
    """What follows the last complete event is searched like the rest."""
    assert _redact(START, tail=f"event: {KEY}").tail == f"event: {PLACEHOLDER}"
    assert _find(START, tail=f"event: {KEY}") == "response.body.tail"


def test_the_older_completion_stream() -> None:
    """The pieces of the older text completion endpoint are joined, too."""

    def completion(text: str) -> Event:
        return Event("completion", {"type": "completion", "completion": text, "stop_reason": None})

    items = (completion(f"a {KEY[:25]}"), PING, completion(f"{KEY[25:]} b"))
    assert _redact(*items).items == (completion(f"a {PLACEHOLDER}"), PING, completion(" b"))
    assert _find(*items) == "response.body.items[0].data.completion"


def test_an_unknown_kind_of_delta() -> None:
    """Pieces of a kind that is not known yet are searched as well, and ones without an index do not fail."""
    items = (
        Deltas(0, "future_delta", (KEY[:30], KEY[30:])),
        Event("content_block_delta", {"delta": {"type": "text_delta", "text": "x"}}),
        Event("content_block_delta", {"delta": "x", "content_block": None}),
    )
    assert _redact(*items).items == (Deltas(0, "future_delta", (PLACEHOLDER, "")), *items[1:])


def test_the_first_place_is_named() -> None:
    """Of several secrets in a stream the place of the first is reported."""
    split = Deltas(0, "text_delta", ("x", KEY[:30], KEY[30:]))
    whole = Event("error", {"error": KEY})
    assert _find(PING, whole, split) == "response.body.items[1].data.error"
    assert _find(PING, split, whole) == "response.body.items[1].pieces[1]"
