"""
Bytes to structure and back, by content type.

Decoding then encoding gives an equal parsed object always, and the same bytes whenever the original was in
the serializer's own form (compact JSON; `event:` and `data:` lines). Whatever is not what its content type
says is kept as text or bytes, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from claude_replay.bodies.compression import Decoder, decompress, decompressor
from claude_replay.bodies.eventstream import (
    EventDecoder,
    delta_field,
    encode_item,
    encode_stream,
    expand,
    fold_items,
)
from claude_replay.bodies.jsontext import dump_json, load_json
from claude_replay.exchange import Binary, Body, EventStream, Json, Text

__all__ = [
    "Decoder",
    "EventDecoder",
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
]


def media_type(headers: Mapping[str, str]) -> str:
    """The media type without parameters, lower case; empty where the headers name none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def decode_body(content: bytes, content_type: str) -> Body:
    """
    Read uncompressed `content` as what `content_type` (a bare media type) says.

    Empty content is None. JSON that a plain object cannot hold without loss (duplicate keys, NaN, lone
    surrogates, nesting beyond 190 levels) becomes Text; bytes that are not UTF-8 become Binary.
    """
    if not content:
        return None
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
    return encode_stream(body)


def encode_chunks(stream: EventStream) -> Iterator[bytes]:
    """The bytes of an event stream, one chunk per event, then the tail if there is one."""
    for item in stream.items:
        yield from encode_item(item)
    if stream.tail:
        yield stream.tail.encode("utf-8")
