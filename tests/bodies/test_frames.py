"""AWS event streams: readable events, and the same bytes again, headers and check sums included."""

from __future__ import annotations

import base64
import json
import zlib
from random import Random
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from claude_replay.bodies import (
    AWS_EVENT_STREAM,
    FrameDecoder,
    decode_body,
    encode_body,
    encode_chunks,
    reframe,
)
from claude_replay.exchange import Binary, Deltas, Event, EventStream, Frame, Json, RawEvent, Text
from standin.frames import (
    compact,
    make_chunk,
    make_converse_event,
    make_event_frame,
    make_exception,
    make_frame,
)
from traffic import CORPUS, load_corpus

START = {
    "type": "message_start",
    "message": {"id": "msg_bdrk_1", "content": [], "usage": {"input_tokens": 3}},
}
STOP = {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3}}


def delta(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


MESSAGE = b"".join(map(make_chunk, [START, delta("Hél"), delta("lo 日"), delta(""), STOP]))
CONVERSATION = b"".join(
    make_converse_event(kind, payload)
    for kind, payload in (
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        (
            "contentBlockStart",
            {"contentBlockIndex": 1, "start": {"toolUse": {"name": "a", "toolUseId": "t"}}},
        ),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": {"inputTokens": 1}, "metrics": {"latencyMs": 5}}),
    )
)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# Frames as the service does not send them, but could.
ODD_FRAMES = {
    "exception": make_exception("throttlingException", "Too many requests"),
    "no JSON": make_event_frame("chunk", {}).replace(b"{}", b"{}")
    + make_frame({":event-type": "chunk", ":content-type": "text/plain"}, b"Hello"),
    "no payload": make_frame({":event-type": "initial-response"}, b""),
    "no headers": make_frame({}, b'{"a":1}'),
    "spaces in the JSON": make_frame({":event-type": "chunk"}, b'{"bytes": "e30="}'),
    "spaces in the event": make_event_frame("chunk", {"bytes": encoded('{"type": "ping"}')}),
    "an event in escapes": make_event_frame("chunk", {"bytes": encoded('{"type":"\\u0061"}')}),
    "an event that is no JSON": make_event_frame("chunk", {"bytes": encoded("Hello")}),
    "an event that is no text": make_event_frame("chunk", {"bytes": "/w=="}),
    "no base64": make_event_frame("chunk", {"bytes": "?"}),
    "no bytes": make_event_frame("chunk", {"bytes": 1}),
    "other padding": make_event_frame("chunk", {"bytes": encoded('{"type":"ping"}'), "p": "xyz"}),
    "no padding text": make_event_frame("chunk", {"bytes": encoded('{"type":"ping"}'), "p": 3}),
    "empty padding": make_event_frame("chunk", {"bytes": encoded('{"type":"ping"}'), "p": ""}),
    "padding first": make_event_frame("chunk", {"p": "abc", "bytes": encoded('{"type":"ping"}')}),
    "more beside the bytes": make_event_frame("chunk", {"bytes": encoded('{"type":"ping"}'), "q": 1}),
    "a converse event in other order": make_event_frame("messageStop", {"stopReason": "x", "p": "abc"}),
    "a converse event with odd padding": make_event_frame("messageStop", {"p": "ab9", "stopReason": "x"}),
    "a converse event of that type": make_event_frame("a", {"type": "a"}),
    "a list": make_frame({":event-type": "chunk"}, b"[1]"),
    "headers in other order": make_frame(
        {":message-type": "event", ":event-type": "chunk", ":content-type": "application/json"},
        b'{"bytes":"e30="}',
    ),
    "a list as event": make_event_frame("chunk", {"bytes": encoded("[1]")}),
    "a completion": make_event_frame("chunk", {"bytes": encoded('{"completion":" Hi","stop_reason":null}')}),
    "a type that is no text": make_event_frame("chunk", {"bytes": encoded('{"type":1}')}),
    "duplicate keys": make_event_frame("chunk", {"bytes": encoded('{"type":"a","type":"b"}')}),
}


def _with_sums(prelude_and_headers: bytes, payload: bytes) -> bytes:
    frame = prelude_and_headers[:8] + zlib.crc32(prelude_and_headers[:8]).to_bytes(4, "big")
    frame += prelude_and_headers[8:] + payload
    return frame + zlib.crc32(frame).to_bytes(4, "big")


def _frame_with_headers(headers: bytes, payload: bytes = b"{}") -> bytes:
    lengths = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    return _with_sums(lengths + headers, payload)


# What cannot be rebuilt from events and text headers.
RAW = {
    "not frames at all": b"data: {}\n\n",
    "a wrong sum of the prelude": MESSAGE[:8] + b"\0\0\0\0" + MESSAGE[12:],
    "a wrong sum of the frame": MESSAGE[:-1] + bytes([MESSAGE[-1] ^ 1]),
    "cut within a frame": MESSAGE[:-5],
    "cut within a prelude": MESSAGE + MESSAGE[:7],
    "a header that is no text": _frame_with_headers(b"\x01a\x04\x00\x00\x00\x01"),
    "a header twice": _frame_with_headers(b"\x01a\x07\x00\x01x\x01a\x07\x00\x01x"),
    "a header that is cut": _frame_with_headers(b"\x01a\x07\x00\x09x"),
    "a header without a type": _frame_with_headers(b"\x01a"),
    "a header that is not UTF-8": _frame_with_headers(b"\x01a\x07\x00\x01\xff"),
    "a payload that is not UTF-8": _frame_with_headers(b"", b"\xff"),
    "headers longer than the frame": _with_sums(b"\0\0\0\x10\0\0\0\x09", b""),
    "a frame too large": _with_sums(b"\x7f\0\0\0\0\0\0\0", b""),
}


def read(content: bytes) -> EventStream:
    body = decode_body(content, AWS_EVENT_STREAM)
    assert isinstance(body, EventStream)
    return body


def read_as_aws(content: bytes) -> list[tuple[dict[str, Any], bytes]]:
    """What botocore reads, which checks both sums of each frame."""
    buffer = EventStreamBuffer()
    buffer.add_data(content)
    return [(dict(message.headers), bytes(message.payload)) for message in buffer]


def test_a_streamed_message_is_read_as_the_events_of_the_messages_api() -> None:
    """Names, data and deltas are the same as in server-sent events."""
    stream = read(MESSAGE)

    assert stream.items == (
        Event("message_start", START),
        Deltas(0, "text_delta", ("Hél", "lo 日", "")),
        Event("message_stop", STOP),
    )
    assert stream.padding is not None
    assert len(stream.padding) == 5


def test_events_of_converse_stream_are_read_by_their_names_without_the_padding() -> None:
    """Each is named by the frame's header; the padding is not part of what it says."""
    first, second, *_, last = read(CONVERSATION).items

    assert first == Event("messageStart", {"role": "assistant"})
    assert second == Event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}})
    assert last == Event("metadata", {"metrics": {"latencyMs": 5}, "usage": {"inputTokens": 1}})


def test_exceptions_keep_their_headers() -> None:
    """What is no event says so by its headers."""
    (frame,) = read(ODD_FRAMES["exception"]).items

    assert isinstance(frame, Frame)
    assert frame.headers[":exception-type"] == "throttlingException"
    assert frame.body == Json({"message": "Too many requests"})


@pytest.mark.parametrize("content", [MESSAGE, CONVERSATION, *ODD_FRAMES.values()], ids=repr)
def test_the_bytes_are_rebuilt_exactly(content: bytes) -> None:
    """Headers, padding and sums come back, one chunk for each frame, and AWS's own reader takes them."""
    stream = read(content)

    assert encode_body(stream) == content
    assert b"".join(encode_chunks(stream)) == content
    assert len(read_as_aws(content)) == len(list(encode_chunks(stream)))


@pytest.mark.parametrize("name", RAW)
def test_what_cannot_be_rebuilt_is_kept_as_bytes(name: str) -> None:
    """Nothing is guessed: damaged and foreign content stays as it is."""
    assert decode_body(RAW[name], AWS_EVENT_STREAM) == Binary(RAW[name])


def test_frames_are_read_wherever_the_pieces_end() -> None:
    """Each piece says how many frames it completed; together they are the whole stream."""
    random = Random(7)
    for _ in range(50):
        decoder, counts, rest = FrameDecoder(), 0, MESSAGE + CONVERSATION
        while rest:
            size = random.choice((1, 5, 13, 200))
            counts += decoder.feed(rest[:size])
            rest = rest[size:]

        assert counts == 11
        assert decoder.finish() == read(MESSAGE + CONVERSATION)


def test_a_stream_that_was_closed_early_keeps_its_whole_frames() -> None:
    """The frame that was cut is left out, as the client never saw it."""
    decoder = FrameDecoder()
    decoder.feed(MESSAGE[:-5])

    stream = decoder.finish(cut=True)

    assert stream is not None
    assert MESSAGE.startswith(encode_body(stream))
    assert stream.items[-1] == Deltas(0, "text_delta", ("Hél", "lo 日", ""))


def test_after_damage_nothing_is_read_any_more() -> None:
    """Frames behind a damaged one count for nothing, cut or not."""
    decoder = FrameDecoder()

    assert decoder.feed(MESSAGE[:-1] + b"?") == 4
    assert decoder.feed(MESSAGE) == 0
    assert decoder.finish(cut=True) is None


def test_a_stream_changed_by_hand_is_framed_with_new_sums() -> None:
    """More events than there were frames, comments and bare values do no harm."""
    stream = EventStream(
        (RawEvent(": hello"), Event(None, [1]), Event("messageStop", 2), Event("message_stop", STOP)),
        padding=(0, 0, 3),
    )

    frames = read_as_aws(encode_body(stream))

    assert [headers[":event-type"] for headers, _ in frames] == ["chunk", "messageStop", "chunk"]
    assert frames[1][1] == b"2"
    assert json.loads(frames[2][1]) == {"bytes": base64.b64encode(compact(STOP)).decode()}


def test_the_same_events_in_either_framing() -> None:
    """A recording of one provider can be played to the client of another."""
    plain = reframe(read(MESSAGE), aws=False)

    assert encode_body(plain).startswith(b"event: message_start\ndata: {")
    assert decode_body(encode_body(plain), "text/event-stream") == plain
    assert read(encode_body(reframe(plain, aws=True))).items == plain.items
    assert reframe(plain, aws=False) is plain
    odd = EventStream((RawEvent(": x"), Event("a", {"type": "a"})))
    assert reframe(odd, aws=True).items == (Event("a", {"type": "a"}),)
    assert reframe(read(ODD_FRAMES["exception"]), aws=False).items == ()
    assert encode_body(EventStream((Frame({"a": "b"}, Text("x")), Event("a", 1)))) == b"event: a\ndata: 1\n\n"


@pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS is not set")
def test_every_stream_bedrock_ever_sent_to_the_corpus_is_rebuilt() -> None:
    """Recorded frames of the real service are read as events, and give the same bytes again."""
    streams = [
        exchange.response.body
        for _, exchange in load_corpus()
        if exchange.response.headers.get("content-type") == AWS_EVENT_STREAM
    ]
    read_as_events = [body for body in streams if isinstance(body, EventStream)]

    assert len(read_as_events) == len(streams) >= 10
    for body in read_as_events:
        assert not [item for item in body.items if isinstance(item, (Frame, RawEvent))]
        content = encode_body(body)
        assert len(read_as_aws(content)) == len(body.padding or ())
        assert read(content) == body
