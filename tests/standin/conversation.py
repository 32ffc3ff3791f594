"""Reads what an answer depends on out of the body of a messages request."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]


def find_problem(body: Any, required: tuple[str, ...]) -> str | None:
    """Say what is wrong with the body of a request, in the way the API does, or None."""
    if not isinstance(body, dict):
        return "The request body is not valid JSON."
    missing = next((name for name in required if name not in body), None)
    if missing is not None:
        return f"{missing}: Field required"
    messages = body["messages"]
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        return "messages: Input should be a list of at least one message"
    return None


def read_user_text(body: Json) -> str:
    """Read the text blocks and tool results of the last user message, joined by line breaks."""
    return "\n".join(text for _, text in _read_last_turn(body))


def read_tool_results(body: Json) -> list[str]:
    """Read the text of each tool result in the last message; images and the like appear as their type."""
    return [text for kind, text in _read_last_turn(body) if kind == "tool_result"]


def _read_last_turn(body: Json) -> list[tuple[str, str]]:
    last: Json = next((one for one in reversed(body["messages"]) if one.get("role") == "user"), {})
    return [
        (block["type"], _read_block(block))
        for block in _list_blocks(last.get("content"))
        if block["type"] in ("text", "tool_result")
    ]


def _read_block(block: Json) -> str:
    if block["type"] == "text":
        return str(block.get("text", ""))
    if block["type"] == "tool_result":
        text = " ".join(_read_block(part) for part in _list_blocks(block.get("content")))
        return f"(error) {text}" if block.get("is_error") else text
    return f"<{block['type']}>"


def _list_blocks(content: Any) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return []
    return [block for block in content if isinstance(block, dict) and "type" in block]


def read_schema(body: Json) -> Json | None:
    """Read the JSON schema that the answer has to satisfy, from `output_config.format` or `output_format`."""
    asked = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return asked.get("schema") if asked.get("type") == "json_schema" else None


def count_input_tokens(body: Json) -> int:
    """Count the tokens of system, tools and messages: a quarter of the length of their JSON."""
    return count_tokens(_dump_compact([body.get(name) for name in ("system", "tools", "messages")]))


def count_cached_tokens(body: Json) -> int:
    """Count the input tokens before the last message if anything is marked with `cache_control`, else 0."""
    if '"cache_control":{' not in _dump_compact(body):
        return 0
    return count_input_tokens(body) - count_tokens(_dump_compact(body["messages"][-1]))


def count_tokens(text: str) -> int:
    """Count the tokens of a text: one for each four characters, rounded up."""
    return (len(text) + 3) // 4


def _dump_compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
