"""The parts of a recorded exchange as other tools lay them out, read into ours."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from claude_replay.bodies import decode_body, dump_json, load_json, media_type
from claude_replay.cassette.formats.unpack import Unpacker, is_gzip
from claude_replay.exchange import Body

__all__ = ["is_masked", "read_body", "read_headers", "read_status"]

_NEVER_GZIP = ("", "application/json", "text/event-stream")
_MASKS = ("*", "<", "{", "redacted", "filtered", "masked", "scrubbed")


def is_masked(value: str) -> bool:
    """Whether a value was overwritten by somebody's filter, such as `**REDACTED**` or `<HOST>`."""
    value = value.lower()
    return any(mask in value for mask in _MASKS)


def read_headers(value: object, place: str) -> dict[str, str]:
    """Headers with lower-case names, values joined by commas; raises ValueError where they are no mapping."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{place}: a mapping was expected, not {type(value).__name__}")
    headers: dict[str, str] = {}
    for name, item in value.items():
        key = _read_text(name).lower()
        text = ", ".join(map(_read_text, item if isinstance(item, (list, tuple)) else [item]))
        headers[key] = text if headers.get(key, text) == text else f"{headers[key]}, {text}"
    return headers


def _read_text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return "" if value is None else str(value)


def read_status(fields: Mapping[str, object]) -> int:
    """The status of a response, under `status`, `status.code` or `status_code`; ValueError without one."""
    status = fields.get("status", fields.get("status_code"))
    if isinstance(status, Mapping):
        status = status.get("code")
    if isinstance(status, str) and status.isdecimal() and len(status) == 3:
        status = int(status)
    if type(status) is not int or not 100 <= status <= 599:
        raise ValueError(f"response.status: an HTTP status was expected, not {status!r:.60}")
    return status


def read_body(
    fields: Mapping[str, object], headers: Mapping[str, str], place: str, unpacker: Unpacker
) -> Body:
    """The body of a request or response, unpacked and decoded; raises ValueError that names the place."""
    try:
        if fields.get("parsed_body") is not None:
            return _read_parsed(fields["parsed_body"])
        content = _read_content(fields.get("body", fields.get("content")))
        media = media_type(headers)
        content = unpacker.unpack(content, _find_encoding(headers, content, media))
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    return decode_body(content, media if "/" in media else _guess_media_type(content))


def _read_parsed(value: object) -> Body:
    try:
        parsed = load_json(dump_json(value).decode("utf-8"))
    except (TypeError, RecursionError, ValueError) as error:
        raise ValueError(f"the parsed body is not JSON ({error})") from None
    if parsed is None:
        raise ValueError("the parsed body is nested too deep for JSON")
    return parsed


def _read_content(body: object) -> bytes:
    if isinstance(body, Mapping):
        if "base64_string" in body:
            return base64.b64decode(_read_content(body["base64_string"]))
        if "fields" in body:
            raise ValueError(
                "only the names of the form's fields were recorded, not the bytes that were sent"
            )
        if "string" not in body and body:
            found = ", ".join(map(repr, body))
            raise ValueError(f"'string' or 'base64_string' was expected, not {found:.60}")
        body = body.get("string")
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode("utf-8")
    if isinstance(body, bytes):
        return body
    raise ValueError(f"text or bytes were expected, not {type(body).__name__}")


def _find_encoding(headers: Mapping[str, str], content: bytes, media: str) -> str:
    # A filter may have taken the header away or masked it; these two kinds of text never begin like gzip.
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding and not is_masked(encoding):
        return encoding
    return "gzip" if is_gzip(content) and (media in _NEVER_GZIP or is_masked(media)) else "identity"


def _guess_media_type(content: bytes) -> str:
    return "text/event-stream" if content.startswith((b"event:", b"data:")) else ""
