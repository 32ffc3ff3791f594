"""The content blocks of an answer, each with the deltas that a stream builds it from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from standin.digests import make_signature

_TOOL_INPUT_PIECE = 9


@dataclass(frozen=True, slots=True)
class Block:
    """A finished block, the empty form a stream starts it with, and the deltas between the two."""

    whole: dict[str, Any]
    start: dict[str, Any]
    deltas: tuple[dict[str, Any], ...]


def build_text(pieces: tuple[str, ...]) -> Block:
    """Build a text block that arrives in these pieces."""
    deltas = tuple({"type": "text_delta", "text": piece} for piece in pieces)
    return Block({"type": "text", "text": "".join(pieces)}, {"type": "text", "text": ""}, deltas)


def build_thinking(text: str, seed: str) -> Block:
    """Build a signed thinking block; an empty text is one whose display was omitted."""
    signature = make_signature(seed)
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in split_words(text)]
    return Block(
        {"type": "thinking", "thinking": text, "signature": signature},
        {"type": "thinking", "thinking": "", "signature": ""},
        (*deltas, {"type": "signature_delta", "signature": signature}),
    )


def build_tool_use(tool_id: str, name: str, tool_input: dict[str, Any]) -> Block:
    """Build a tool call; its input arrives as an empty piece and then as short pieces of JSON."""
    start = {"type": "tool_use", "id": tool_id, "name": name, "input": {}}
    text = json.dumps(tool_input, ensure_ascii=False)
    cuts = range(0, len(text), _TOOL_INPUT_PIECE)
    pieces = ["", *(text[cut : cut + _TOOL_INPUT_PIECE] for cut in cuts)]
    deltas = tuple({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
    return Block({**start, "input": tool_input}, start, deltas)


def split_words(text: str) -> tuple[str, ...]:
    """Split a text into words, each with the white space before it; the last one with that after it, too."""
    return tuple(re.findall(r"\s*\S+(?:\s+\Z)?|\s+\Z", text))
