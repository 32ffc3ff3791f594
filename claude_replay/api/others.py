"""Requests to others than Claude, which a cassette holds where the user has named their hosts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from claude_replay.api.endpoints import Endpoint, describe_endpoint, is_loopback
from claude_replay.exchange import Request

__all__ = ["AUTHORITY", "describe_other", "endpoint_of", "is_named"]

AUTHORITY = ":authority"
"""
The header, named as in HTTP/2, that says in a cassette that a request was not Claude's, and whose it was.

No client sends a header of that name in HTTP/1, so none can be mistaken for it.
"""


def is_named(host: str, patterns: Iterable[str]) -> bool:
    """Whether a list of hosts names this one: itself, `*.example.com` for what is below, `*` for all."""
    host = host.lower().strip("[]").rstrip(".")
    return any(
        pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))
        for pattern in patterns
    )


@lru_cache(maxsize=256)
def describe_other(method: str, url: str) -> Endpoint:
    """
    What a request asks for that is not Claude's: method, host, path and the whole query.

    Ports are compared but for those of this machine, which tests draw at random; schemes are not.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port and parts.port not in (80, 443) and not is_loopback(host) else ""
    query = tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return Endpoint(f"{method.upper()} {host}{port}{parts.path or '/'}", query, authority=f"{host}{port}")


def endpoint_of(request: Request) -> Endpoint:
    """What a request asks for, of Claude or of another."""
    describe = describe_other if AUTHORITY in request.headers else describe_endpoint
    return describe(request.method, request.url)
