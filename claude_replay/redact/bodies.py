"""Secrets in bodies of every kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import overload

from claude_replay.exchange import Binary, Body, Json, JsonLines, Multipart, Part, Text
from claude_replay.redact.scanner import Scanner
from claude_replay.redact.streams import clean_stream, find_in_stream
from claude_replay.redact.trees import clean_value, find_in_value

__all__ = ["clean_body", "find_in_body"]

_Plain = Json | Text | Binary | None


def clean_body(body: Body, scanner: Scanner) -> Body:
    """The body with a placeholder for each secret; the same object without one. Binary data is not changed."""
    if body is None or isinstance(body, (Json, Text, Binary)):
        return _clean_plain(body, scanner)
    if isinstance(body, JsonLines):
        values = tuple(clean_value(value, scanner) for value in body.values)
        return body if _is_same(values, body.values) else JsonLines(values)
    if isinstance(body, Multipart):
        parts = tuple(_clean_part(part, scanner) for part in body.parts)
        return body if _is_same(parts, body.parts) else Multipart(parts)
    return clean_stream(body, scanner)


@overload
def _clean_plain(body: None, scanner: Scanner) -> None: ...
@overload
def _clean_plain(body: _Plain, scanner: Scanner) -> _Plain: ...
def _clean_plain(body: _Plain, scanner: Scanner) -> _Plain:
    if isinstance(body, Json):
        value = clean_value(body.value, scanner)
        return body if value is body.value else Json(value)
    if isinstance(body, Text):
        text = scanner.clean(body.text)
        return body if text is body.text else Text(text)
    return body


def _clean_part(part: Part, scanner: Scanner) -> Part:
    headers = {name: scanner.clean(value) for name, value in part.headers.items()}
    body = _clean_plain(part.body, scanner)
    return part if body is part.body and headers == part.headers else Part(headers, body)


def _is_same(new: Iterable[object], old: Iterable[object]) -> bool:
    return all(mine is other for mine, other in zip(new, old, strict=True))


def find_in_body(body: Body, scanner: Scanner, path: str) -> str | None:
    """The path, starting with `path`, of the first secret in a body; None without one."""
    if body is None:
        return None
    if isinstance(body, Json):
        return find_in_value(body.value, scanner, path)
    if isinstance(body, Text):
        return path if scanner.spans(body.text) else None
    if isinstance(body, Binary):
        return path if scanner.found_in_data(body.data) else None
    if isinstance(body, JsonLines):
        return find_in_value(list(body.values), scanner, path)
    if isinstance(body, Multipart):
        places = (_find_in_part(part, scanner, f"{path}.parts[{at}]") for at, part in enumerate(body.parts))
        return next((place for place in places if place is not None), None)
    return find_in_stream(body, scanner, path)


def _find_in_part(part: Part, scanner: Scanner, path: str) -> str | None:
    for name, value in part.headers.items():
        if scanner.spans(value):
            return f"{path}.headers.{name}"
    return find_in_body(part.body, scanner, path)
