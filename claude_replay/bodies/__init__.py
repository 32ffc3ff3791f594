"""
Bytes to structure and back, by content type.

Decoding then encoding gives an equal parsed object always, and the same bytes whenever the original was in
the serializer's own form (compact JSON; `event:` and `data:` lines), of AWS event streams always. Whatever is
not what its content type says is kept as text or bytes, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from claude_replay.bodies.compression import Decoder, decompress, decompressor
from claude_replay.bodies.eventstream import (
    EventDecoder,
    delta_field,
    encode_item,
    expand,
    fold_items,
)
from claude_replay.bodies.frames import (
    AWS_EVENT_STREAM,
    FrameDecoder,
    decode_frames,
    encode_frames,
    reframe,
)
from claude_replay.bodies.jsontext import dump_json, load_json
from claude_replay.exchange import Binary, Body, EventStream, Json, Text

__all__ = [
    "AWS_EVENT_STREAM",
    "Decoder",
    "EventDecoder",
    "FrameDecoder",
    "decode_body",
    "decompress",
    "decompressor",
    "delta_field",
    "dump_json",
    "encode_body",
    "encode_chunks",
    "encode_item",
    "expand",
    "fold_items",
    "load_json",
    "media_type",
    "reframe",
]


def media_type(headers: Mapping[str, str]) -> str:
    """The media type without parameters, lower case; empty where the headers name none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def decode_body(content: bytes, content_type: str) -> Body:
    """
    Read uncompressed `content` as what `content_type` (a bare media type) says.

    Empty content is None. JSON that a plain object cannot hold without loss (duplicate keys, NaN, lone
    surrogates, nesting beyond 190 levels) becomes Text; bytes that are not UTF-8 become Binary, and so does an
    AWS event stream that could not be rebuilt byte for byte.
    """
    if not content:
        return None
    if content_type == AWS_EVENT_STREAM:
        return decode_frames(content) or Binary(content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return Binary(content)
    if content_type == "text/event-stream":
        decoder = EventDecoder()
        decoder.feed(text)
        return decoder.finish()
    if content_type in ("application/json", "") or content_type.endswith("+json"):
        parsed = load_json(text)
        if parsed is not None:
            return parsed
    return Text(text)


def encode_body(body: Body) -> bytes:
    """The bytes of a body, uncompressed."""
    if body is None:
        return b""
    if isinstance(body, Json):
        return dump_json(body.value)
    if isinstance(body, Text):
        return body.text.encode("utf-8")
    if isinstance(body, Binary):
        return body.data
    return b"".join(encode_chunks(body))


def encode_chunks(stream: EventStream) -> Iterator[bytes]:
    """The bytes of an event stream, one chunk per event, then the tail if there is one."""
    if stream.padding is not None:
        yield from encode_frames(stream)
        return
    for item in stream.items:
        yield from encode_item(item)
    if stream.tail:
        yield stream.tail.encode("utf-8")
