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
from claude_replay.bodies.jsontext import (
    dump_json,
    dump_json_lines,
    format_json,
    load_json,
    load_json_lines,
)
from claude_replay.bodies.multipart import (
    MULTIPART,
    MULTIPART_BOUNDARY,
    decode_multipart,
    describe_part,
    encode_multipart,
    part_headers,
)
from claude_replay.exchange import Binary, Body, EventStream, Json, JsonLines, Multipart, Text

__all__ = [
    "AWS_EVENT_STREAM",
    "MULTIPART",
    "MULTIPART_BOUNDARY",
    "Decoder",
    "EventDecoder",
    "FrameDecoder",
    "decode_body",
    "decode_multipart",
    "decompress",
    "decompressor",
    "delta_field",
    "describe_part",
    "dump_json",
    "encode_body",
    "encode_chunks",
    "encode_item",
    "expand",
    "fold_items",
    "format_json",
    "load_json",
    "media_type",
    "part_headers",
    "reframe",
]

_MANY = 1000
_JSON_LINES = ("application/x-jsonl", "application/jsonl", "application/x-ndjson", "application/ndjson")


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
    if content_type == MULTIPART and (upload := decode_multipart(content)) is not None:
        return upload
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
    if content_type in _JSON_LINES and (lines := load_json_lines(text)) is not None:
        return lines
    return Text(text)


def encode_body(body: Body) -> bytes:
    """The bytes of a body, uncompressed."""
    if body is None:
        return b""
    if isinstance(body, Json):
        return dump_json(body.value)
    if isinstance(body, JsonLines):
        return dump_json_lines(body)
    if isinstance(body, Text):
        return body.text.encode("utf-8")
    if isinstance(body, Binary):
        return body.data
    if isinstance(body, Multipart):
        return b"".join(encode_multipart(body))
    return b"".join(encode_chunks(body, _MANY))


def encode_chunks(stream: EventStream, batch: int = 1) -> Iterator[bytes]:
    """
    The bytes of an event stream, one chunk per event, then the tail if there is one.

    Where `batch` is more than 1, so many deltas that follow each other may be one chunk.
    """
    if stream.padding is not None:
        yield from encode_frames(stream)
        return
    for item in stream.items:
        yield from encode_item(item, batch)
    if stream.tail:
        yield stream.tail.encode("utf-8")
