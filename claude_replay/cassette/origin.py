"""Where a recording comes from: when it was made, by which SDK, for which version of the API."""

from __future__ import annotations

import re
from dataclasses import dataclass

from claude_replay.exchange import Exchange

__all__ = ["Origin", "find_origin", "origin_of"]

_META = re.compile(rb"^  meta: {([^\n]*)}$", re.MULTILINE)
_HEADERS = re.compile(rb"^    headers: {([^\n]*)}$", re.MULTILINE)
_VALUE = rb"%s: '?([0-9A-Za-z.:+-]+)"
_RECORDED, _SDK, _API = (re.compile(_VALUE % name) for name in (b"recorded_at", b"sdk", b"anthropic-version"))


@dataclass(frozen=True, slots=True)
class Origin:
    """`recorded_at` is ISO 8601 in UTC; all are None where that is not known."""

    recorded_at: str | None = None
    sdk: str | None = None
    api_version: str | None = None


def find_origin(data: bytes) -> Origin:
    """What the first lines of an exchange say, in our own layout."""
    head = data[: data.find(b"\n    body:") + 1]
    meta, headers = _META.search(head), _HEADERS.search(head)
    return Origin(
        _read(_RECORDED, meta[1]) if meta else None,
        _read(_SDK, meta[1]) if meta else None,
        _read(_API, headers[1]) if headers else None,
    )


def _read(value: re.Pattern[bytes], line: bytes) -> str | None:
    found = value.search(line)
    return found[1].decode("ascii") if found else None


def origin_of(exchange: Exchange) -> Origin:
    """The same of an exchange that is parsed."""
    meta = exchange.meta
    return Origin(meta.recorded_at, meta.sdk, exchange.request.headers.get("anthropic-version"))
