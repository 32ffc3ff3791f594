"""A request taken apart into the one text that may differ a little, and the rest, which may not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Prompt", "split_prompt"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """The last user text, and everything else of the last message as text to compare."""

    text: str
    rest: str


def split_prompt(body: object) -> Prompt | None:
    """
    The last text of a request's last message, if that is the user's.

    None where the conversation ends otherwise, or with the results of tools: those are data, of which a little
    difference may be all that matters.
    """
    messages = body.get("messages") if isinstance(body, dict) else None
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict) or last.get("role") != "user":
        return None
    content = last.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
        return None
    *others, end = [_without_mark(block) for block in blocks]
    text = end.pop("text", None)
    if end != {"type": "text"} or not isinstance(text, str) or not text.strip():
        return None
    if any(block.get("type") == "tool_result" for block in others):
        return None
    beside = {name: value for name, value in last.items() if name != "content"}
    return Prompt(text, json.dumps([beside, others], sort_keys=True))


def _without_mark(block: Mapping[str, object]) -> dict[str, object]:
    # What is billed how, not what is asked.
    return {name: value for name, value in block.items() if name != "cache_control"}
