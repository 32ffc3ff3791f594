"""Recordings of ddapm-test-agent's proxy: one exchange a file, as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence

from claude_replay.cassette.formats.interactions import Interaction, read_interactions
from claude_replay.cassette.formats.source import read_document
from claude_replay.exchange import Exchange

__all__ = ["load", "recognize"]

_HEAD = re.compile(rb'\s*\{\s*"request"\s*:\s*\{\s*"method"\s*:')
_BASE64 = "base64:"


def recognize(head: bytes) -> bool:
    """Whether a file that begins like this was written by ddapm-test-agent."""
    return bool(_HEAD.match(head))


def load(content: bytes, name: str, hosts: Sequence[str] = ()) -> tuple[list[Exchange], list[str]]:
    """The Claude exchange of a file, or why it is left out; raises CassetteLoadError with file and line."""
    document = read_document(content, name)
    assert isinstance(document, dict)
    asked, answered = _read_half(document.get("request")), _read_half(document.get("response"))
    return read_interactions([Interaction("interactions[0]", asked, answered)], hosts)


def _read_half(half: object) -> object:
    if not isinstance(half, dict):
        return half
    body = half.get("body")
    if isinstance(body, str) and body.startswith(_BASE64):
        body = {"base64_string": body.removeprefix(_BASE64)}
    return {**half, "uri": half.get("url"), "body": body}
