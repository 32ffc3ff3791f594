"""Event streams: split anywhere, folded for people, and rebuilt to what the SDK read from the original."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from anthropic._streaming import SSEDecoder

from claude_replay.bodies import EventDecoder, decode_body, delta_field, encode_body, encode_chunks, expand
from claude_replay.exchange import Deltas, Event, EventStream, RawEvent
from standin import ClaudeServer
from standin.clients import TOOLS, make_request, send_raw
from traffic import CORPUS, load_corpus

SSE = "text/event-stream"
PROMPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("[pieces Hél|lo 日|本 🎉|\u2028|]", {}),
    "tools": ('[tool weather {"city": "Köln"}][tool clock {}]', {"tools": TOOLS}),
    "thinking": ("Think. [words 9]", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    "error": ("[words 9] [error-after 3]", {}),
}
# Streams as nobody sends them, but may.
ODD_STREAMS = {
    "empty blocks": "\n\n\n\nevent: a\ndata: 1\n\n\n\n",
    "comment": ": keep-alive\n\nevent: a\n: here too\ndata: {}\n\n",
    "id and retry": "id: 7\nevent: a\ndata: {}\n\nretry: 10\ndata: {}\n\nevent: b\ndata: {}\n\n",
    "several data lines": 'event: a\ndata: {"b":\ndata: 1}\n\n',
    "no event name": 'data: {"a":1}\n\ndata: {"b":2}\n\n',
    "no data": "event: ping\n\nevent: b\ndata: {}\n\n",
    "data first": "data: {}\nevent: a\n\n",
    "twice": "event: a\nevent: b\ndata: {}\n\n",
    "no colon": "event\ndata\n\ndata\n\n",
    "no space": 'event:a\ndata:{"b":1}\n\n',
    "two spaces": "event:  a \ndata:  {} \n\n",
    "empty name": "event: \ndata: {}\n\n",
    "byte order mark": "\ufeffevent: a\ndata: {}\n\n",
    "not JSON": "event: a\ndata: [DONE]\n\ndata: [DONE]\n\n",
    "lossy JSON": 'event: a\ndata: {"a":1,"a":2}\n\n',
    "other fields": "foo: bar\nevent: a\ndata: {}\n\n",
    "separators within": 'event: a\ndata: {"a":"\u2028\u2029\u0085\x7f\x0b"}\n\n',
    "mixed ends": "event: a\ndata: {}\n\r\nevent: b\rdata: {}\r\r\nevent: c\r\ndata: {}\r\n\ndata: 1\n\r",
    "tail": 'event: a\ndata: {}\n\nevent: b\ndata: {"half',
    "only a tail": "oops",
    "one end": "event: a\ndata: {}\n",
}
DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
ODD_DELTAS = [
    {"index": 0, "type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}},
    {**DELTA, "more": 1},
    {**DELTA, "type": "other"},
    {**DELTA, "index": "0"},
    {**DELTA, "index": True},
    {**DELTA, "index": 0.0},
    {**DELTA, "delta": "a"},
    {**DELTA, "delta": {}},
    {**DELTA, "delta": {"text": "a", "type": "text_delta"}},
    {**DELTA, "delta": {"type": "text_delta", "thinking": "a"}},
    {**DELTA, "delta": {"type": "text_delta", "text": None}},
    {**DELTA, "delta": {"type": "text_delta", "text": "a", "more": 1}},
    {**DELTA, "delta": {"type": "citations_delta", "citation": {}}},
    {**DELTA, "delta": {"type": ["text_delta"], "text": "a"}},
    [DELTA],
]


def sdk_events(content: bytes) -> list[tuple[object, ...]]:
    """What the SDK's decoder reads, JSON parsed: padding and escapes are nobody's business."""
    return [
        (event.event, _parse(event.data), event.id, event.retry)
        for event in SSEDecoder().iter_bytes(iter([content]))
    ]


def _parse(data: str) -> object:
    try:
        return repr(json.loads(data, object_pairs_hook=tuple))
    except ValueError:
        return data


def decode(pieces: Iterable[bytes]) -> EventStream:
    """The stream as it arrives."""
    decoder, text = EventDecoder(), codecs.getincrementaldecoder("utf-8")()
    for piece in pieces:
        decoder.feed(text.decode(piece))
    return decoder.finish()


def read(content: bytes) -> EventStream:
    """The stream at once."""
    body = decode_body(content, SSE)
    assert isinstance(body, EventStream)
    return body


def write(*events: tuple[str | None, object]) -> bytes:
    """Events as the API sends them."""
    return encode_body(EventStream(tuple(Event(*event) for event in events)))


@pytest.fixture(scope="module")
def answers() -> dict[str, bytes]:
    """Streams of the stand-in server, without the spaces the API pads events with."""
    with ClaudeServer() as server:
        return {
            name: _unpad(
                send_raw(server, "POST", "/v1/messages", make_request(prompt, {**options, "stream": True}))[2]
            )
            for name, (prompt, options) in PROMPTS.items()
        }


def _unpad(content: bytes) -> bytes:
    return re.sub(rb" +}\n\n", b"}\n\n", content).replace(b'{"type": "ping"}', b'{"type":"ping"}')


@pytest.mark.parametrize("name", PROMPTS)
def test_the_streams_of_the_api_come_back_byte_for_byte(answers: dict[str, bytes], name: str) -> None:
    """Streams in the API's own form are rebuilt exactly, as a whole and event by event."""
    stream = read(answers[name])

    assert encode_body(stream) == answers[name]
    assert list(encode_chunks(stream)) == [block + b"\n\n" for block in answers[name].split(b"\n\n")[:-1]]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("name", PROMPTS)
def test_line_ends_make_no_difference(answers: dict[str, bytes], name: str, line_end: str) -> None:
    """The events are the same, whichever of the three line ends the server uses."""
    content = answers[name].decode().replace("\n", line_end).encode()

    assert read(content) == read(answers[name])
    assert sdk_events(encode_body(read(content))) == sdk_events(answers[name])


@pytest.mark.parametrize("name", PROMPTS)
def test_padding_is_not_kept(answers: dict[str, bytes], name: str) -> None:
    """The API pads events with spaces at random; the events are what they are without."""
    padded = answers[name].replace(b"}\n\n", b" " * 17 + b"} \n\n").replace(b'"index":', b'"index" : ')

    assert padded != answers[name]
    assert encode_body(read(padded)) == answers[name]


@pytest.mark.parametrize("name", PROMPTS)
def test_pieces_may_end_at_every_byte(answers: dict[str, bytes], name: str) -> None:
    """Split in two at any place, or into single bytes, a stream has the same events."""
    content = answers[name].replace(b"\n\n", b"\r\n\r\n", 3)
    whole = read(content)

    assert decode(content[place : place + 1] for place in range(len(content))) == whole
    for place in range(len(content)):
        assert decode([content[:place], content[place:]]) == whole


@pytest.mark.parametrize("name", ODD_STREAMS)
def test_odd_streams_mean_the_same_after_rebuilding(name: str) -> None:
    """Comments, ids, broken lines and the like are kept as they stood, and the SDK reads the same events."""
    content = ODD_STREAMS[name].encode()
    stream = read(content)

    rebuilt = encode_body(stream)

    assert sdk_events(rebuilt) == sdk_events(content)
    assert read(rebuilt) == stream
    assert b"".join(encode_chunks(stream)) == rebuilt
    for place in range(len(content)):
        assert decode([content[:place], content[place:]]) == stream


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
@pytest.mark.parametrize(
    "pieces",
    [
        ("a", "", "\n", '"', "\\", "é🎉\u2028"),
        ("", ""),
        ("a\x01b", "\x01", "c"),
        ("\\u00", "01", "\\u0001"),
        ("\x00", "1", "\x000001"),
    ],
)
def test_deltas_are_written_together_as_one_by_one(pieces: tuple[str, ...], batch: int) -> None:
    """Whatever stands in them, in as many chunks as was asked for."""
    stream = EventStream((Event("ping", {"type": "ping"}), Deltas(2, "text_delta", pieces)), "data")
    events = [
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta",'
        b'"text":%b}}\n\n' % json.dumps(piece, ensure_ascii=False).encode()
        for piece in pieces
    ]
    chunks = list(encode_chunks(stream, batch))
    assert b"".join(chunks[1:-1]) == b"".join(events)
    assert len(chunks) == 2 + -(-len(pieces) // batch)
    assert b"".join(chunks) == encode_body(stream)


def test_what_is_no_plain_event_is_kept_as_it_stood() -> None:
    """A block of other lines than one name and JSON data is a RawEvent; what is incomplete is the tail."""
    stream = read(b": hi\n\nevent: a\ndata: {}\n\nevent: b\n\ndata: no\n\nid: 1")

    assert stream == EventStream(
        (RawEvent(": hi"), Event("a", {}), RawEvent("event: b"), RawEvent("data: no")), "id: 1"
    )


def test_feeding_says_how_many_events_are_complete() -> None:
    """Each piece is answered with the number of events it brought to their end."""
    decoder = EventDecoder()

    counts = [decoder.feed(piece) for piece in ("event: a\nda", "ta: 1\n", "\nevent: b\n\n: c\n\nev", "")]

    assert counts == [0, 0, 3, 0]
    assert decoder.events == [Event("a", 1), RawEvent("event: b"), RawEvent(": c")]


def test_runs_of_deltas_are_folded() -> None:
    """Consecutive deltas of one block and kind become one item, with its pieces."""
    text = {"type": "text_delta", "text": "Hé"}
    thought = {"type": "thinking_delta", "thinking": ""}
    given = {"type": "input_json_delta", "partial_json": '{"a'}
    signed = {"type": "signature_delta", "signature": "c2ln"}
    kinds = [text, text, thought, given, given, signed]
    events = [("content_block_delta", {**DELTA, "index": 0, "delta": delta}) for delta in kinds]
    last = ("content_block_delta", {**DELTA, "index": 1, "delta": signed})
    content = write(*events, ("ping", {"type": "ping"}), events[0], last)

    stream = read(content)

    assert stream.items == (
        Deltas(0, "text_delta", ("Hé", "Hé")),
        Deltas(0, "thinking_delta", ("",)),
        Deltas(0, "input_json_delta", ('{"a', '{"a')),
        Deltas(0, "signature_delta", ("c2ln",)),
        Event("ping", {"type": "ping"}),
        Deltas(0, "text_delta", ("Hé",)),
        Deltas(1, "signature_delta", ("c2ln",)),
    )
    assert encode_body(stream) == content
    assert tuple(expand(stream.items)) == tuple(
        Event(*event) for event in [*events, ("ping", {"type": "ping"}), events[0], last]
    )


@pytest.mark.parametrize("data", ODD_DELTAS, ids=str)
def test_unusual_deltas_stay_whole(data: object) -> None:
    """A delta that could not be rebuilt exactly from its text alone is not folded."""
    content = write(("content_block_delta", data), ("content_block_delta", DELTA))

    stream = read(content)

    assert stream.items == (Event("content_block_delta", data), Deltas(0, "text_delta", ("a",)))
    assert encode_body(stream) == content


def test_a_delta_under_another_name_stays_whole() -> None:
    """What the event is called decides, as it does for the SDK."""
    assert read(write((None, DELTA), ("delta", DELTA))).items == (Event(None, DELTA), Event("delta", DELTA))


def test_the_key_of_a_delta_is_known() -> None:
    """Deltas that carry text are told from others."""
    assert delta_field("input_json_delta") == "partial_json"
    assert delta_field("citations_delta") is None


def test_random_streams_mean_the_same() -> None:
    """Lines, blocks and pieces at random: any split gives the same events, and the SDK reads them alike."""
    random = Random(20261122)
    lines = [
        "event: content_block_delta",
        "event: a",
        "data: " + json.dumps(DELTA),
        'data: {"b": "é🎉"}',
        "data: x",
        "data",
        ": c",
        "id: 1",
        "retry: 5",
        "",
        "",
        "",
    ]
    for _ in range(1_500):
        content = "".join(
            random.choice(lines) + random.choice(["\n", "\n", "\r\n", "\r"])
            for _ in range(random.randrange(14))
        ).encode()
        cuts = sorted(random.randrange(len(content) + 1) for _ in range(random.randrange(5)))
        pieces = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]

        stream = decode(pieces)

        assert content == b"" or stream == read(content)
        assert sdk_events(encode_body(stream)) == sdk_events(content)


@pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS names no folder")
def test_the_streams_of_the_corpus_come_back() -> None:
    """Streams that were recorded from the API hold plain events only, and are rebuilt to the same events."""
    streams = [exchange.response.body for _, exchange in load_corpus()]
    count = 0
    for stream in streams:
        if isinstance(stream, EventStream) and stream.padding is None:
            count += 1
            assert read(encode_body(stream)) == stream
            assert all(isinstance(item, (Event, Deltas)) for item in stream.items)
            rebuilt = [
                (event.event, _parse(event.data)) for event in SSEDecoder().iter_bytes(encode_chunks(stream))
            ]
            events = [item for item in expand(stream.items) if isinstance(item, Event)]
            assert rebuilt == [(event.name, _parse(json.dumps(event.data))) for event in events]
    assert count > 100
