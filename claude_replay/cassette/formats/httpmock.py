"""Recordings of Rust's httpmock: YAML documents that say `when` a request comes, and `then` what is answered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from claude_replay.cassette.formats.interactions import Interaction, read_interactions
from claude_replay.cassette.formats.source import read_documents
from claude_replay.exchange import Exchange

__all__ = ["load", "recognize"]

_HEAD = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n|---[^\n]*\n)*+when:\s*\n(?:  [^\n]*\n)*?  path:")
_API, _BEDROCK = "https://api.anthropic.com", "https://bedrock-runtime.us-east-1.amazonaws.com"


def recognize(head: bytes) -> bool:
    """Whether a file that begins like this was written by httpmock."""
    return bool(_HEAD.match(head))


def load(content: bytes, name: str, hosts: Sequence[str] = ()) -> tuple[list[Exchange], list[str]]:
    """The Claude exchanges and remarks of a recording; raises CassetteLoadError with file and line."""
    documents = read_documents(content, name)
    return read_interactions((_read(position, item) for position, item in enumerate(documents)), hosts)


def _read(position: int, item: object) -> Interaction:
    fields = item if isinstance(item, dict) else {}
    asked, answered = fields.get("when"), fields.get("then")
    if isinstance(asked, dict):
        headers = _read_pairs(asked.get("header"))
        asked = {**asked, "uri": _find_address(asked, headers), "headers": headers}
    if isinstance(answered, dict):
        answered = {**answered, "headers": _read_pairs(answered.get("header"))}
    return Interaction(f"when[{position}]", asked, answered)


def _read_pairs(value: object) -> dict[str, str]:
    pairs = value if isinstance(value, list) else []
    return {
        str(pair["name"]): str(pair.get("value", ""))
        for pair in pairs
        if isinstance(pair, dict) and "name" in pair
    }


def _find_address(asked: dict[str, object], headers: dict[str, str]) -> object:
    # No host is kept: the server that recorded stood in its place. Headers and path say whose it was.
    path = asked.get("path")
    if not isinstance(path, str):
        return None
    query = urlencode(_read_pairs(asked.get("query_param")))
    address = f"{path}?{query}" if query else path
    if path.startswith("/model/") and ("anthropic" in path or "claude" in path):
        return _BEDROCK + address
    return _API + address if "anthropic-version" in {name.lower() for name in headers} else address
