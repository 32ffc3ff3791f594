"""AWS event stream framing, as Bedrock sends it."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from standin.digests import make_number

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def make_frame(headers: dict[str, str], payload: bytes) -> bytes:
    """Make a frame with text headers: prelude, its sum, headers, payload, the sum of it all."""
    packed = bytearray()
    for name, value in headers.items():
        packed += bytes([len(name)]) + name.encode() + b"\x07" + len(value.encode()).to_bytes(2, "big")
        packed += value.encode()
    prelude = (16 + len(packed) + len(payload)).to_bytes(4, "big") + len(packed).to_bytes(4, "big")
    frame = prelude + zlib.crc32(prelude).to_bytes(4, "big") + bytes(packed) + payload
    return frame + zlib.crc32(frame).to_bytes(4, "big")


def make_event_frame(kind: str, payload: dict[str, Any]) -> bytes:
    """Make the frame of an event."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return make_frame(headers, compact(payload))


def make_chunk(event: dict[str, Any]) -> bytes:
    """Make the frame in which `invoke-with-response-stream` sends an event of the Messages API, padded."""
    inner = compact(event)
    return make_event_frame("chunk", {"bytes": base64.b64encode(inner).decode(), "p": make_padding(inner)})


def make_converse_event(kind: str, payload: dict[str, Any]) -> bytes:
    """Make the frame of an event of `converse-stream`: keys sorted, padding among them."""
    return make_event_frame(kind, dict(sorted({**payload, "p": make_padding(compact(payload))}.items())))


def make_exception(kind: str, message: str) -> bytes:
    """Make the frame that ends a stream which went wrong."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return make_frame(headers, compact({"message": message}))


def make_padding(payload: bytes) -> str:
    """Make the padding of a frame, of 1 to 62 characters."""
    return _ALPHABET[: make_number(payload.hex(), len(_ALPHABET)) + 1]


def compact(value: object) -> bytes:
    """Give the compact JSON of a value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
