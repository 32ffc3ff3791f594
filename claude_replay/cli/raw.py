"""Exchanges as they went over the wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from claude_replay.bodies import encode_body, reframe
from claude_replay.cli.answers import ENDINGS
from claude_replay.cli.blocks import pretty_json
from claude_replay.exchange import Binary, Body, EventStream, Exchange, Json

__all__ = ["render_raw"]


def render_raw(exchange: Exchange, *, hidden: tuple[int, int]) -> Iterator[str]:
    """
    The lines of both sides: the request's JSON indented, the response's body exactly.

    `hidden` counts the headers of request and response that are in the file and not in `exchange`.
    """
    request, response = exchange.request, exchange.response
    yield f"{request.method} {request.url}"
    yield from _render_headers(request.headers, hidden[0])
    yield ""
    yield pretty_json(request.body.value) if isinstance(request.body, Json) else _encode(request.body)
    yield ""
    yield f"HTTP {response.status or '(no answer)'}"
    yield from _render_headers(response.headers, hidden[1])
    yield ""
    # An event ends with an empty line of its own.
    yield _encode(response.body).removesuffix("\n\n")
    if response.ended != "complete":
        yield f"[{ENDINGS[response.ended]}]"


def _render_headers(headers: Mapping[str, str], hidden: int) -> Iterator[str]:
    yield from (f"{name}: {value}" for name, value in headers.items())
    if hidden:
        yield f"[{hidden} more header{'' if hidden == 1 else 's'}, none that claude_replay keeps]"


def _encode(body: Body) -> str:
    # Bytes cannot be printed, and are not searched for secrets.
    if isinstance(body, Binary):
        return f"[binary, {len(body.data):,} bytes]"
    if isinstance(body, EventStream):
        # Bedrock's frames are binary; what is in them is shown as the events it is.
        body = reframe(body, aws=False)
    # Parts of an upload may be binary.
    return encode_body(body).decode("utf-8", "replace")
