"""Cassettes of Go's go-vcr: version 1, and version 2 of its releases 3 and 4."""

from __future__ import annotations

import re
from collections.abc import Sequence

from claude_replay.cassette.formats.interactions import Interaction, read_interactions
from claude_replay.cassette.formats.source import find_list, read_document
from claude_replay.cassette.formats.times import read_meta
from claude_replay.exchange import Exchange

__all__ = ["load", "recognize"]

_HEAD = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n|---[^\n]*\n)*+version: ([12])\s*\ninteractions:(?=\s|\Z)")
# The first version is told from vcrpy's by words that only go-vcr has.
_GO_WORDS = (re.compile(rb"^    (?:  )?url:", re.MULTILINE), re.compile(rb"^    (?:  )?form:", re.MULTILINE))


def recognize(head: bytes) -> bool:
    """Whether a file that begins like this was written by go-vcr."""
    found = _HEAD.match(head)
    return bool(found and (found[1] == b"2" or all(word.search(head) for word in _GO_WORDS)))


def load(content: bytes, name: str, hosts: Sequence[str] = ()) -> tuple[list[Exchange], list[str]]:
    """The Claude exchanges and remarks of a cassette; raises CassetteLoadError with file and line."""
    items = find_list(read_document(content, name), "interactions", name)
    return read_interactions((_read(position, item) for position, item in enumerate(items)), hosts)


def _read(position: int, item: object) -> Interaction:
    fields = item if isinstance(item, dict) else {}
    asked, answered = fields.get("request"), fields.get("response")
    duration = None
    if isinstance(asked, dict):
        asked = {**asked, "uri": asked.get("url")}
    if isinstance(answered, dict):
        duration = answered.get("duration")
        answered = {**answered, "status": answered.get("code")}
    return Interaction(f"interactions[{position}]", asked, answered, read_meta(duration=duration))
