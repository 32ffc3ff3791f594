"""Writing a cassette that vcrpy replays: the way back."""

from __future__ import annotations

import http
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from claude_replay.api import AUTHORITY
from claude_replay.bodies import MULTIPART, MULTIPART_BOUNDARY, encode_body
from claude_replay.exchange import Body, Exchange, Json, Multipart

__all__ = ["dump_vcrpy"]


def dump_vcrpy(exchanges: Iterable[Exchange]) -> bytes:
    """
    The bytes of a cassette in vcrpy's YAML, which its releases from 1 to 9 read.

    Bodies are text where they are UTF-8 and `!!binary` where not; streams are their whole text. An exchange
    whose call was cancelled before an answer came has no place in it: leave it out.
    """
    interactions = [
        {
            "request": {
                "body": _as_text(exchange.request.body),
                "headers": _lists(_with_type(exchange.request.headers, exchange.request.body)),
                "method": exchange.request.method,
                "uri": exchange.request.url,
            },
            "response": {
                "body": {"string": _as_text(exchange.response.body)},
                "headers": _lists(exchange.response.headers),
                "status": {"code": exchange.response.status, "message": _phrase(exchange.response.status)},
            },
        }
        for exchange in exchanges
    ]
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    document = {"interactions": interactions, "version": 1}
    text: str = yaml.dump(document, Dumper=dumper, allow_unicode=True, width=1_000_000)
    return text.encode("utf-8")


def _as_text(body: Body) -> str | bytes:
    content = encode_body(body)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content


def _with_type(headers: Mapping[str, str], body: Body) -> Mapping[str, str]:
    # JSON goes without saying in our cassettes; vcrpy compares bodies as JSON only where it is said.
    if isinstance(body, Json) and "content-type" not in headers:
        return {**headers, "content-type": "application/json"}
    if isinstance(body, Multipart):
        return {**headers, "content-type": f"{MULTIPART}; boundary={MULTIPART_BOUNDARY}"}
    return headers


def _lists(headers: Mapping[str, str]) -> dict[str, list[str]]:
    return {name: [value] for name, value in headers.items() if name != AUTHORITY}


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        # 529, for one, is Claude's own.
        return ""
