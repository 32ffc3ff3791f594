"""AWS event streams: binary frames with check sums to the events in them, and back."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator, Mapping
from itertools import chain, repeat

from claude_replay.bodies.eventstream import expand, fold_items
from claude_replay.bodies.jsontext import dump_json, load_json
from claude_replay.exchange import Event, EventStream, Frame, Json, RawEvent, StreamItem, Text

__all__ = ["AWS_EVENT_STREAM", "FrameDecoder", "decode_frames", "encode_frames", "reframe"]

AWS_EVENT_STREAM = "application/vnd.amazon.eventstream"
"""The media type of what Bedrock streams."""

_PRELUDE = struct.Struct(">III")
_SUM = struct.Struct(">I")
_TEXT_HEADER = 7
_MAX_FRAME = 16 * 1024 * 1024 + 16
# What Bedrock pads frames with, so that their length says nothing about the text in them.
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_EVENT_TYPE, _PAD = ":event-type", "p"
_PLAIN = {":content-type": "application/json", ":message-type": "event"}

_Headers = Mapping[str, str]


class _Damaged(ValueError):
    """These bytes are no frames, or frames that could not be rebuilt."""


class FrameDecoder:
    """
    Reads frames as they arrive; pieces may end anywhere.

    `feed` returns how many frames a piece completed, none any more once something is damaged or of a kind
    that could not be rebuilt byte for byte; `finish` gives None then, and the bytes are to be kept as they
    are.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._items: list[StreamItem] = []
        self._padding: list[int] = []
        self._is_damaged = False

    def feed(self, data: bytes) -> int:
        """Take the next piece."""
        before = len(self._items)
        if not self._is_damaged:
            self._rest += data
            try:
                self._split()
            except _Damaged:
                self._is_damaged = True
        return len(self._items) - before

    def _split(self) -> None:
        start = 0
        while len(self._rest) - start >= _PRELUDE.size:
            length, header_length, check = _PRELUDE.unpack_from(self._rest, start)
            if check != zlib.crc32(self._rest[start : start + 8]) or not _can_be(length, header_length):
                raise _Damaged
            if len(self._rest) - start < length:
                break
            item, padding = _parse_frame(self._rest[start : start + length], header_length)
            self._items.append(item)
            self._padding.append(padding)
            start += length
        self._rest = self._rest[start:]

    def finish(self, *, cut: bool = False) -> EventStream | None:
        """The whole stream, runs of deltas folded; `cut` says that it may stop within a frame."""
        if self._is_damaged or (self._rest and not cut):
            return None
        return EventStream(fold_items(self._items), padding=tuple(self._padding))


def _can_be(length: int, header_length: int) -> bool:
    return header_length + _PRELUDE.size + _SUM.size <= length <= _MAX_FRAME


def _parse_frame(frame: bytes, header_length: int) -> tuple[StreamItem, int]:
    """What a frame says and how long its padding is; raises _Damaged unless that gives the same bytes again."""
    headers = _parse_headers(frame[_PRELUDE.size : _PRELUDE.size + header_length])
    payload = frame[_PRELUDE.size + header_length : -_SUM.size]
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise _Damaged from None
    parsed = load_json(text)
    for item, padding in _readings(headers, parsed, text):
        if _encode_item(item, padding) == frame:
            return item, padding
    raise _Damaged


def _readings(headers: _Headers, parsed: Json | None, text: str) -> Iterator[tuple[Event | Frame, int]]:
    """What a frame may say, the most readable first."""
    event = _read_event(headers, parsed)
    if event is not None:
        yield event
    if parsed is not None:
        yield Frame(headers, parsed), 0
    yield Frame(headers, Text(text) if text else None), 0


def _parse_headers(data: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    position = 0
    try:
        while position < len(data):
            name, position = _take(data, position, 1)
            if data[position] != _TEXT_HEADER:
                raise _Damaged
            headers[name], position = _take(data, position + 1, 2)
    except (IndexError, UnicodeDecodeError):
        raise _Damaged from None
    return headers


def _take(data: bytes, position: int, size: int) -> tuple[str, int]:
    """A text behind its length, which takes `size` bytes, and where it ends."""
    start = position + size
    end = start + int.from_bytes(data[position:start], "big")
    return data[start:end].decode("utf-8"), end


def _read_event(headers: _Headers, parsed: Json | None) -> tuple[Event, int] | None:
    kind = headers.get(_EVENT_TYPE)
    fields = parsed.value if parsed is not None else None
    if kind is None or not isinstance(fields, dict):
        return None
    padding = fields.get(_PAD)
    length = len(padding) if isinstance(padding, str) and _PADDING.startswith(padding) else 0
    if kind != "chunk":
        left = {key: value for key, value in fields.items() if key != _PAD or not length}
        return Event(kind, left), length
    inner = _decode_chunk(fields.get("bytes"))
    if inner is None:
        return None
    name = inner.value.get("type") if isinstance(inner.value, dict) else None
    return Event(name if isinstance(name, str) else None, inner.value), length


def _decode_chunk(encoded: object) -> Json | None:
    if not isinstance(encoded, str):
        return None
    try:
        return load_json(base64.b64decode(encoded, validate=True).decode("utf-8"))
    except (binascii.Error, UnicodeDecodeError):
        return None


def decode_frames(content: bytes) -> EventStream | None:
    """The events of a whole AWS event stream; None where they would not give the same bytes again."""
    decoder = FrameDecoder()
    decoder.feed(content)
    return decoder.finish()


def encode_frames(stream: EventStream) -> Iterator[bytes]:
    """The bytes of each frame of an AWS event stream."""
    # A stream edited by hand may have more events than there were; the service does not always pad them.
    lengths = chain(stream.padding or (), repeat(0))
    for item, padding in zip(expand(stream.items), lengths, strict=False):
        yield _encode_item(item, padding)


def _encode_item(item: Event | RawEvent | Frame, padding: int) -> bytes:
    if isinstance(item, Event):
        return _encode_event(item, _PADDING[:padding])
    if isinstance(item, RawEvent):
        return b""
    if isinstance(item.body, Json):
        return _frame(item.headers, dump_json(item.body.value))
    return _frame(item.headers, b"" if item.body is None else item.body.text.encode())


def _encode_event(event: Event, padding: str) -> bytes:
    name, data = event.name, event.data
    fields: object = data
    if name is None or (isinstance(data, dict) and data.get("type") == name):
        # An event of the Messages API, as `invoke-with-response-stream` wraps it.
        fields = {"bytes": base64.b64encode(dump_json(data)).decode()}
        fields, name = ({**fields, _PAD: padding} if padding else fields), "chunk"
    elif padding and isinstance(data, dict):
        # An event of `converse-stream`, whose keys are sorted.
        fields = dict(sorted({**data, _PAD: padding}.items()))
    return _frame({_EVENT_TYPE: name, **_PLAIN}, dump_json(fields))


def _frame(headers: _Headers, payload: bytes) -> bytes:
    packed = b"".join(
        bytes([len(name.encode()), *name.encode(), _TEXT_HEADER])
        + len(value.encode()).to_bytes(2, "big")
        + value.encode()
        for name, value in headers.items()
    )
    lengths = struct.pack(">II", _PRELUDE.size + len(packed) + len(payload) + _SUM.size, len(packed))
    frame = lengths + _SUM.pack(zlib.crc32(lengths)) + packed + payload
    return frame + _SUM.pack(zlib.crc32(frame))


def reframe(stream: EventStream, *, aws: bool) -> EventStream:
    """The same events for a client that reads AWS event streams, or for one that reads server-sent events."""
    if aws == (stream.padding is not None):
        return stream
    # What only the one kind of stream can say is none of the answer's: comments, exceptions of the service.
    items = tuple(item for item in stream.items if not isinstance(item, (RawEvent, Frame)))
    return EventStream(items, padding=() if aws else None)
