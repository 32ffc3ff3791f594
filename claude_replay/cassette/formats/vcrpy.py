"""Cassettes of Python's vcrpy, pytest-recording and pytest-vcr, with the serializers found in the wild."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from claude_replay.cassette.formats.interactions import Interaction, read_interactions
from claude_replay.cassette.formats.source import read_document, refuse
from claude_replay.exchange import Exchange

__all__ = ["load", "recognize"]

# go-vcr writes the same first key under `version: 2`. langchain keeps two lists, `requests` and `responses`.
_YAML_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb"(?:[ \t]*(?:#[^\n]*)?\r?\n|---[^\n]*\n|version: 1\s*\n|metadata:[^\n]*\n(?:[ \-][^\n]*\n)*+)*+"
    rb"(?:interactions:(?=\s|\Z)|requests:\s*(?:\[\]|\n- ))"
)
_JSON_HEAD = re.compile(rb'\s*\{\s*(?:"version"\s*:\s*1\s*,\s*)?"interactions"\s*:')


def recognize(head: bytes) -> bool:
    """Whether a file that begins like this is one of vcrpy's."""
    return bool(_YAML_HEAD.match(head) or _JSON_HEAD.match(head))


def load(content: bytes, name: str, hosts: Sequence[str] = ()) -> tuple[list[Exchange], list[str]]:
    """
    The Claude exchanges of a cassette in file order, and a line for each interaction left out or guessed at.

    Raises CassetteLoadError with file and line where the file cannot be read.
    """
    document = read_document(content, name)
    if not isinstance(document, dict):
        raise refuse(name, 1, "a mapping with 'interactions' was expected")
    is_json = content.lstrip().startswith(b"{")
    if not is_json and "interactions" in document and document.get("version") != 1:
        # vcrpy writes the version last, so it is the first thing to be missing in a file that was cut.
        found = f"it is {document['version']!r:.60}" if "version" in document else "there is none"
        raise refuse(name, 1, f"'version: 1' was expected at the end, {found}; the file may be cut")
    halves = _find_interactions(document, name)
    return read_interactions(
        (Interaction(f"interactions[{position}]", *half) for position, half in enumerate(halves)), hosts
    )


def _find_interactions(document: Mapping[str, object], name: str) -> list[tuple[object, object]]:
    if "interactions" in document:
        found = document["interactions"]
        if isinstance(found, list):
            items = [item if isinstance(item, dict) else {} for item in found]
            return [(item.get("request"), item.get("response")) for item in items]
    else:
        asked, answered = document.get("requests"), document.get("responses")
        if isinstance(asked, list) and isinstance(answered, list):
            return list(zip_longest(asked, answered))
    lists = "'interactions'" if "interactions" in document else "'requests' and 'responses'"
    raise refuse(name, 1, f"a list was expected under {lists}; the file may be cut")
