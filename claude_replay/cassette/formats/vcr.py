"""
Cassettes of Ruby's VCR and of R's vcr, which took its format over.

Ruby keeps headers as lists and bodies with their encoding; what is not ASCII it writes as base64 under the tag
`!binary`. R keeps headers as texts and, over the unpacked body, the `content-encoding` it came with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from claude_replay.cassette.formats.interactions import Interaction, read_interactions
from claude_replay.cassette.formats.source import find_list, read_document
from claude_replay.cassette.formats.times import read_meta
from claude_replay.exchange import Exchange

__all__ = ["load", "recognize"]

_KEY = "http_interactions"
_YAML_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t]*(?:#[^\n]*)?\r?\n|---[^\n]*\n)*+http_interactions:(?=\s|\Z)"
)
_JSON_HEAD = re.compile(rb'\s*\{\s*"http_interactions"\s*:')


def recognize(head: bytes) -> bool:
    """Whether a file that begins like this was written by VCR or vcr."""
    return bool(_YAML_HEAD.match(head) or _JSON_HEAD.match(head))


def load(content: bytes, name: str, hosts: Sequence[str] = ()) -> tuple[list[Exchange], list[str]]:
    """The Claude exchanges and remarks of a cassette; raises CassetteLoadError with file and line."""
    items = find_list(read_document(content, name), _KEY, name)
    return read_interactions((_read(position, item) for position, item in enumerate(items)), hosts)


def _read(position: int, item: object) -> Interaction:
    fields = item if isinstance(item, dict) else {}
    meta = read_meta(fields.get("recorded_at"))
    return Interaction(f"{_KEY}[{position}]", fields.get("request"), fields.get("response"), meta)
