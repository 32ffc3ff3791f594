"""Decides what a messages request is answered with, before anything is known of JSON or streams."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from standin.blocks import Block, build_text, build_thinking, build_tool_use, split_words
from standin.conversation import (
    Json,
    count_cached_tokens,
    count_input_tokens,
    count_tokens,
    read_schema,
    read_tool_results,
)
from standin.digests import make_number, make_token
from standin.directives import DirectiveError, Directives, parse_directives
from standin.received import Visit
from standin.schema import build_value

_QUOTED = 300
_WORDS = (
    "amber birch cedar delta ember fjord grove heron iris jade kelp lark maple nectar oak pearl quartz reed "
    "slate tide umber vale willow yarrow zephyr"
)
_VOCABULARY = _WORDS.split()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `usage` is the final one."""

    message_id: str
    model: str
    blocks: tuple[Block, ...]
    stop_reason: str
    stop_sequence: str | None
    stop_details: Json | None
    usage: Json

    def to_message(self) -> Json:
        """Give the JSON form of the answer, with its keys in the API's order."""
        return {
            "model": self.model,
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "content": [block.whole for block in self.blocks],
            "stop_reason": self.stop_reason,
            "stop_sequence": self.stop_sequence,
            "stop_details": self.stop_details,
            "usage": self.usage,
        }


def answer_to(text: str) -> str:
    """Give the text that answers a user text, unless a directive, a schema or tool results decide it."""
    asked = parse_directives(text).text
    if len(asked) > _QUOTED:
        return f"You said: {asked[:_QUOTED]}... ({len(asked)} characters, number {make_number(asked, 10**6)})"
    return f"You said: {asked}"


def build_answer(body: Json, directives: Directives, visit: Visit) -> Answer:
    """Build the answer to a request; raises DirectiveError for a tool that the request does not offer."""
    _check_tools(body, directives)
    blocks = tuple(_build_blocks(body, directives, visit))
    stop_reason = directives.stop or ("tool_use" if directives.tools else "end_turn")
    sequences = body.get("stop_sequences") or [None]
    refusal = {"type": "refusal", "category": None, "explanation": None}
    return Answer(
        message_id=f"msg_01{make_token(f'message {visit.seed}', 22)}",
        model=str(body["model"]),
        blocks=blocks,
        stop_reason=stop_reason,
        stop_sequence=sequences[0] if stop_reason == "stop_sequence" else None,
        stop_details=refusal if stop_reason == "refusal" else None,
        usage=_build_usage(body, blocks, visit),
    )


def _check_tools(body: Json, directives: Directives) -> None:
    # A request that continues a thread does not repeat the tools it was created with.
    if (body.get("thread") or {}).get("type") == "continue":
        return
    offered = [str(tool.get("name")) for tool in body.get("tools") or []]
    for call in directives.tools:
        if call.name not in offered:
            raise DirectiveError(f"[tool {call.name}]: the request offers {', '.join(offered) or 'no tools'}")


def _build_blocks(body: Json, directives: Directives, visit: Visit) -> list[Block]:
    blocks: list[Block] = []
    thinking = body.get("thinking") or {}
    if thinking.get("type") in ("enabled", "adaptive"):
        thought = (
            "" if thinking.get("display") == "omitted" else f"The user says: {directives.text[:_QUOTED]}"
        )
        blocks.append(build_thinking(thought, f"thinking {visit.seed}"))
    # Text beside tool calls would have to satisfy the schema, too.
    if not directives.tools or read_schema(body) is None:
        blocks.append(build_text(_choose_pieces(body, directives, visit)))
    for index, call in enumerate(directives.tools):
        tool_id = f"toolu_01{make_token(f'tool {index} {visit.seed}', 22)}"
        blocks.append(build_tool_use(tool_id, call.name, call.input))
    return blocks


def _choose_pieces(body: Json, directives: Directives, visit: Visit) -> tuple[str, ...]:
    schema = read_schema(body)
    if directives.echo is not None:
        pieces = split_words(directives.echo)
    elif directives.pieces is not None:
        pieces = directives.pieces
    elif directives.words is not None:
        pieces = _make_words(directives.words, directives.text)
    elif directives.lines is not None:
        pieces = _make_lines(directives.lines, directives.text)
    elif schema is not None:
        text = json.dumps(build_value(schema, directives.text), ensure_ascii=False, separators=(",", ":"))
        return split_words(text)
    else:
        pieces = split_words(_make_plain_text(body, directives))
    return (*pieces, f" (request {visit.ordinal})") if directives.ordinal else pieces


def _make_plain_text(body: Json, directives: Directives) -> str:
    results = [parse_directives(text).text for text in read_tool_results(body)]
    if results:
        return f"The tool answered: {'; '.join(results)}"
    if directives.tools:
        return f"I will use {' and '.join(call.name for call in directives.tools)}."
    return answer_to(directives.text)


def _make_words(count: int, text: str) -> tuple[str, ...]:
    first = make_number(text, len(_VOCABULARY))
    words = [_VOCABULARY[(first + index) % len(_VOCABULARY)] for index in range(count)]
    return tuple(f" {word}" if index else word for index, word in enumerate(words))


def _make_lines(count: int, text: str) -> tuple[str, ...]:
    lines = (f"{index + 1}. {''.join(_make_words(5, f'{text} {index}'))}" for index in range(count))
    return tuple(f"\n{line}" if index else line for index, line in enumerate(lines))


def _build_usage(body: Json, blocks: tuple[Block, ...], visit: Visit) -> Json:
    cached = count_cached_tokens(body)
    written, read = (0, cached) if visit.earlier else (cached, 0)
    thought = sum(
        count_tokens(block.whole["thinking"]) for block in blocks if block.whole["type"] == "thinking"
    )
    return {
        "input_tokens": count_input_tokens(body) - cached,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": sum(_count_output(block.whole) for block in blocks) + 1,
        "output_tokens_details": {"thinking_tokens": thought},
        "service_tier": "standard",
        "inference_geo": "global",
    }


def _count_output(block: dict[str, Any]) -> int:
    if block["type"] == "tool_use":
        return count_tokens(block["name"] + json.dumps(block["input"]))
    return count_tokens(block["text"] if block["type"] == "text" else block["thinking"])
