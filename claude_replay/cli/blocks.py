"""The content of messages as lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

__all__ = ["WIDTH", "compact_json", "pretty_json", "render_content", "tool_names"]

WIDTH = 100
"""How long JSON on one line may be."""

_LONGEST_TEXT = 80

_Block = Mapping[str, object]
_Names = Mapping[str, str]


def tool_names(content: object) -> dict[str, str]:
    """The names of the tools that a message's content calls, by the id of the call."""
    blocks = content if isinstance(content, list) else []
    return {
        str(block["id"]): str(block.get("name", ""))
        for block in blocks
        if isinstance(block, dict) and "id" in block and str(block.get("type", "")).endswith("tool_use")
    }


def render_content(content: object, names: _Names) -> Iterator[str]:
    """The lines of a message's content, a system prompt or a tool's result; `names` as in `tool_names`."""
    if isinstance(content, str):
        yield from content.split("\n")
    elif isinstance(content, list):
        for block in content:
            yield from _render_block(block, names)
    elif content is not None:
        yield from _render_block(content, names)


def _render_block(block: object, names: _Names) -> Iterator[str]:
    if not isinstance(block, dict):
        yield _show_other("block", block)
        return
    kind = str(block.get("type"))
    if kind == "text" and isinstance(block.get("text"), str):
        yield from _render_text(block)
    elif kind in ("thinking", "redacted_thinking"):
        yield from _render_thinking(block)
    elif kind.endswith("tool_use"):
        yield from _render_call(block)
    elif kind.endswith("tool_result"):
        yield from _render_result(block, names)
    elif kind in ("image", "document"):
        yield _describe_media(kind, block)
    else:
        yield _show_other(kind, {key: value for key, value in block.items() if key != "type"})


def _render_text(block: _Block) -> Iterator[str]:
    yield from str(block["text"]).split("\n")
    citations = block.get("citations")
    if isinstance(citations, list) and citations:
        yield f"[{len(citations)} citation{'' if len(citations) == 1 else 's'}]"


def _render_thinking(block: _Block) -> Iterator[str]:
    if block.get("type") == "redacted_thinking":
        yield f"[redacted thinking, {len(str(block.get('data', ''))):,} characters]"
        return
    text = str(block.get("thinking") or "")
    yield "[thinking]" if text else "[thinking, its text left out]"
    if text:
        yield from (f"  {line}" for line in text.split("\n"))


def _render_call(block: _Block) -> Iterator[str]:
    server = "" if block.get("type") == "tool_use" else " [on the server]"
    name, given = block.get("name", "?"), block.get("input")
    line = f"{name}({compact_json(given)}){server}"
    yield from (line if len(line) <= WIDTH else f"{name}({pretty_json(given)}){server}").split("\n")


def _render_result(block: _Block, names: _Names) -> Iterator[str]:
    call = str(block.get("tool_use_id", "?"))
    head = f"{'error' if block.get('is_error') is True else 'result'} of {names.get(call) or call}"
    lines = list(render_content(block.get("content"), names))
    if len(lines) > 1:
        yield f"{head}:"
        yield from (f"  {line}" for line in lines)
    else:
        yield f"{head}: {lines[0] if lines else '(nothing)'}"


def _describe_media(kind: str, block: _Block) -> str:
    source = block.get("source")
    fields: _Block = source if isinstance(source, dict) else {}
    data, title = fields.get("data"), block.get("title")
    named = f", {compact_json(title)}" if isinstance(title, str) and title else ""
    media = str(fields.get("media_type", kind))
    if fields.get("type") == "base64" and isinstance(data, str):
        return f"[{media}, {_count_bytes(data):,} bytes{named}]"
    if isinstance(data, str):
        return f"[{media}, {len(data):,} characters{named}]"
    place = fields.get("url") or fields.get("file_id")
    return f"[{kind} {place}{named}]" if place else _show_other(kind, fields)


def _count_bytes(base64_text: str) -> int:
    digits = sum(not char.isspace() for char in base64_text.rstrip("=\n "))
    return digits * 3 // 4


def _show_other(kind: str, value: object) -> str:
    return f"[{kind}] {compact_json(_shorten(value))}"


def _shorten(value: object) -> object:
    # What Claude encrypts for itself is long and says nothing to a person.
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value):,} characters)"
    if isinstance(value, dict):
        return {key: _shorten(item) for key, item in value.items()}
    return [_shorten(item) for item in value] if isinstance(value, list) else value


def compact_json(value: object) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def pretty_json(value: object) -> str:
    """JSON over several lines."""
    return json.dumps(value, ensure_ascii=False, indent=2)
