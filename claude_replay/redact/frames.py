"""Secrets in frames of AWS event streams that are no plain events."""

from __future__ import annotations

import base64
import binascii

from claude_replay.exchange import Frame, Json, Text
from claude_replay.redact.scanner import Scanner
from claude_replay.redact.trees import clean_value, find_in_value

__all__ = ["clean_frame", "find_in_frame"]

# Where a frame has bytes, they stand in base64, in which no secret looks like one.
_BYTES = "bytes"


def clean_frame(frame: Frame, scanner: Scanner) -> Frame:
    """The frame with a placeholder for each secret, in base64 as well; the same object without one."""
    headers = {name: scanner.clean(value) for name, value in frame.headers.items()}
    body = frame.body
    if isinstance(body, Text):
        text = scanner.clean(body.text)
        body = body if text is body.text else Text(text)
    elif body is not None:
        value = clean_value(_clean_bytes(body.value, scanner), scanner)
        body = body if value is body.value else Json(value)
    return frame if body is frame.body and headers == dict(frame.headers) else Frame(headers, body)


def _clean_bytes(value: object, scanner: Scanner) -> object:
    text = _read_bytes(value)
    cleaned = text if text is None else scanner.clean(text)
    if cleaned is None or cleaned is text or not isinstance(value, dict):
        return value
    return {**value, _BYTES: base64.b64encode(cleaned.encode()).decode()}


def _read_bytes(value: object) -> str | None:
    encoded = value.get(_BYTES) if isinstance(value, dict) else None
    if not isinstance(encoded, str):
        return None
    try:
        return base64.b64decode(encoded).decode("utf-8", "replace")
    except binascii.Error:
        return None


def find_in_frame(frame: Frame, scanner: Scanner, path: str) -> str | None:
    """The path of the first secret in a frame; None without one."""
    for name, value in frame.headers.items():
        if scanner.spans(value):
            return f"{path}.headers.{name}"
    if isinstance(frame.body, Text):
        return f"{path}.text" if scanner.spans(frame.body.text) else None
    if frame.body is None:
        return None
    text = _read_bytes(frame.body.value)
    if text is not None and scanner.spans(text):
        return f"{path}.data.{_BYTES}"
    return find_in_value(frame.body.value, scanner, f"{path}.data")
