"""
Cassettes of cassetter, in YAML and in TOML.

A body is JSON, text, hexadecimal digits, or nothing, as its `type` says. Both are YAML 1.2 and TOML as Rust's
libraries write them: `1:30` without quotes is text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence

from claude_replay.cassette.formats.interactions import Interaction, read_interactions
from claude_replay.cassette.formats.source import find_list, read_document, read_source, refuse
from claude_replay.cassette.formats.times import read_meta
from claude_replay.exchange import Exchange

__all__ = ["load", "recognize"]

_YAML_HEAD = re.compile(rb"version: 1\s*\ninteractions:\s*\n- request:\s*\n    method: ")
_TYPED_BODY = re.compile(rb"^    body:\n      type: (?:json|text|binary|none)$", re.MULTILINE)
_TOML_HEAD = re.compile(rb"version = 1\s*\n\s*\[\[interactions\]\]")
_OTHERS = ("ws_interactions", "grpc_interactions")


def recognize(head: bytes) -> bool:
    """Whether a file that begins like this was written by cassetter."""
    return bool((_YAML_HEAD.match(head) and _TYPED_BODY.search(head)) or _TOML_HEAD.match(head))


def load(content: bytes, name: str, hosts: Sequence[str] = ()) -> tuple[list[Exchange], list[str]]:
    """The Claude exchanges and remarks of a cassette; raises CassetteLoadError with file and line."""
    document = (
        _read_toml(content, name) if _TOML_HEAD.match(content) else read_document(content, name, core=True)
    )
    items = find_list(document, "interactions", name)
    exchanges, remarks = read_interactions(
        (_read(position, item) for position, item in enumerate(items)), hosts
    )
    return exchanges, [*remarks, *_name_others(document)]


def _read_toml(content: bytes, name: str) -> object:
    text = read_source(content, name)
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        raise refuse(name, int(line[1]) if line else 1, f"not TOML: {error}") from None


def _name_others(document: object) -> Iterator[str]:
    assert isinstance(document, dict)
    for key in _OTHERS:
        if others := document.get(key):
            count = len(others) if isinstance(others, list) else 1
            yield f"{key}: {count} left out: not a Claude exchange (Claude's API is plain HTTP)"


def _read(position: int, item: object) -> Interaction:
    fields = item if isinstance(item, dict) else {}
    asked, answered = _read_half(fields.get("request")), _read_half(fields.get("response"))
    meta = read_meta(fields.get("recorded_at"))
    return Interaction(f"interactions[{position}]", asked, answered, meta)


def _read_half(half: object) -> object:
    if not isinstance(half, dict):
        return half
    body = half.get("body")
    typed: Mapping[str, object] = (
        body
        if isinstance(body, dict)
        else {"type": half.get("body_type"), "content": half.get("body_content")}
    )
    kind, content = typed.get("type"), typed.get("content")
    plain = {key: value for key, value in half.items() if key != "body"}
    if kind == "json":
        # TOML has no null, so there JSON is text; and here `None` would be no body at all.
        is_text = "body_type" in half or content is None
        return {**plain, "body": content or "null"} if is_text else {**plain, "parsed_body": content}
    if kind == "binary" and isinstance(content, str):
        return {**plain, "body": _read_digits(content)}
    return {**plain, "body": content}


def _read_digits(content: str) -> object:
    try:
        return bytes.fromhex(content)
    except ValueError:
        # No body has this type, which is said together with the place.
        return ["not hexadecimal"]
