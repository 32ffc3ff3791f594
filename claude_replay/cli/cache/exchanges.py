"""Entries of a store as the exchanges they were."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime

from claude_replay.bodies import decode_body, media_type
from claude_replay.cache.crossing import content_for
from claude_replay.cache.entry import Entry
from claude_replay.cache.envelope import load_answer
from claude_replay.errors import StoreError
from claude_replay.exchange import EventStream, Exchange, Json, Meta, Request, Response

__all__ = ["format_day", "read_request", "to_exchange"]

_LARGEST = 256 * 1024 * 1024  # a store may be a stranger's, and a little data unpack to a lot


def read_request(entry: Entry) -> Request | None:
    """What was asked; None where the entry does not hold it. Raises StoreError for what cannot be read."""
    if not entry.request:
        return None
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(entry.request, _LARGEST)
        if not unpacker.eof:
            raise ValueError("it is cut, or unpacks to more than 256 MiB")
        data = json.loads(text)
        headers = {str(name): str(value) for name, value in data["headers"].items()}
        return Request("POST", str(data["url"]), headers, Json(data["body"]))
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreError(f"the request of answer {entry.key[:12]} cannot be read: {error}") from None


def to_exchange(entry: Entry, *, stream: bool | None = None) -> Exchange:
    """
    The exchange an entry was made of; `stream` says how it is to be asked for and answered, None as it was.

    Raises StoreError where the entry cannot be read or does not hold what was asked.
    """
    request = read_request(entry)
    if request is None:
        raise StoreError(
            f"answer {entry.key[:12]} does not hold what was asked, so no cassette can be made of it"
        )
    body = dict(request.json)
    wanted = body.get("stream") is True if stream is None else stream
    body.pop("stream", None)
    if wanted:
        body["stream"] = True
    try:
        answer = load_answer(entry.envelope)
        content = content_for(answer, stream=wanted)
    except ValueError as error:
        raise StoreError(f"answer {entry.key[:12]} cannot be read: {error}") from None
    kind = "text/event-stream; charset=utf-8" if wanted else "application/json"
    headers = {**answer.headers, "content-type": kind}
    decoded = decode_body(content, media_type(headers))
    as_it_came = wanted == (answer.kind == "sse")
    times = answer.times if as_it_came and isinstance(decoded, EventStream) else ()
    meta = Meta(format_time(entry.created), answer.seconds, times)
    return Exchange(
        Request(request.method, request.url, request.headers, Json(body)),
        Response(200, headers, decoded),
        meta,
    )


def format_time(seconds: float) -> str:
    """Unix seconds as ISO 8601 in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def format_day(seconds: float) -> str:
    """Unix seconds as day and minute in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
