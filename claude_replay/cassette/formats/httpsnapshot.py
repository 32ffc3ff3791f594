"""
Snapshots of http-snapshot: a JSON list of requests and responses.

A body is JSON, text, or base64, as the content type says; without `include_request` there is nothing to find
an answer by, and such an exchange is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from claude_replay.bodies import media_type
from claude_replay.cassette.formats.interactions import Interaction, read_interactions
from claude_replay.cassette.formats.recorded import read_headers
from claude_replay.cassette.formats.source import read_document
from claude_replay.exchange import Exchange

__all__ = ["load", "recognize"]

_HEAD = re.compile(rb'\s*\[\s*\{\s*"(?:request"\s*:\s*\{\s*"method|response"\s*:\s*\{\s*"status_code)"')


def recognize(head: bytes) -> bool:
    """Whether a file that begins like this was written by http-snapshot."""
    return bool(_HEAD.match(head))


def load(content: bytes, name: str, hosts: Sequence[str] = ()) -> tuple[list[Exchange], list[str]]:
    """The Claude exchanges and remarks of a snapshot; raises CassetteLoadError with file and line."""
    document = read_document(content, name)
    assert isinstance(document, list)
    return read_interactions((_read(position, item) for position, item in enumerate(document)), hosts)


def _read(position: int, item: object) -> Interaction:
    fields = item if isinstance(item, dict) else {}
    asked, answered = fields.get("request"), fields.get("response")
    if isinstance(asked, dict):
        asked = {**_read_half(asked), "method": asked.get("method"), "uri": asked.get("url")}
    if isinstance(answered, dict):
        answered = {**_read_half(answered), "status": answered.get("status_code")}
    return Interaction(f"[{position}]", asked, answered)


def _read_half(fields: Mapping[str, object]) -> dict[str, object]:
    headers, body = fields.get("headers"), fields.get("body")
    try:
        media = media_type(read_headers(headers, ""))
    except ValueError:
        # Said where the headers are read again, with the place.
        media = ""
    if body in (None, ""):
        return {"headers": headers}
    if "application/json" in media:
        return {"headers": headers, "parsed_body": body}
    return {"headers": headers, "body": body if media.startswith("text/") else {"base64_string": body}}
