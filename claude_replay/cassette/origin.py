"""Where a recording comes from: when it was made, by which SDK, for which version of the API."""

from __future__ import annotations

import re
from typing import NamedTuple

from claude_replay.exchange import Exchange

__all__ = ["Origin", "find_origin", "origin_of"]

# As nearly every exchange of ours begins.
_OWN = re.compile(
    rb"- id: \S+\n  meta: {recorded_at: '([0-9TZ:-]+)'(?:, duration: [0-9.]+)?(?:, sdk: '?([0-9A-Za-z.+-]+)'?)?}\n"
    rb"  request:\n    url: [!-~]+\n    headers: {anthropic-version: '([0-9-]+)'}\n    body:\n"
)
_META, _HEADERS = b"\n  meta: {", b"\n    headers: {"
_VALUE = rb"%s: '?([0-9A-Za-z.:+-]+)"
_RECORDED, _SDK, _API = (re.compile(_VALUE % name) for name in (b"recorded_at", b"sdk", b"anthropic-version"))


class Origin(NamedTuple):
    """`recorded_at` is ISO 8601 in UTC; all are None where that is not known."""

    recorded_at: str | None = None
    sdk: str | None = None
    api_version: str | None = None


def find_origin(data: bytes) -> Origin:
    """What the first lines of an exchange say, in our own layout."""
    if found := _OWN.match(data):
        recorded_at, sdk, api_version = found.groups()
        return Origin(recorded_at.decode(), sdk.decode() if sdk else None, api_version.decode())
    end = data.find(b"\n    body:") + 1
    meta, headers = _find_line(_META, data, end), _find_line(_HEADERS, data, end)
    return Origin(_read(_RECORDED, meta), _read(_SDK, meta), _read(_API, headers))


def _find_line(start: bytes, data: bytes, end: int) -> bytes:
    """The first line before `end` that begins so and is closed on itself; empty where there is none."""
    at = data.find(start, 0, end)
    line = data[at + len(start) : data.find(b"\n", at + 1, end)] if at >= 0 else b""
    return line if line.endswith(b"}") else b""


def _read(value: re.Pattern[bytes], line: bytes) -> str | None:
    found = value.search(line)
    return found[1].decode("ascii") if found else None


def origin_of(exchange: Exchange) -> Origin:
    """The same of an exchange that is parsed."""
    meta = exchange.meta
    return Origin(meta.recorded_at, meta.sdk, exchange.request.headers.get("anthropic-version"))
