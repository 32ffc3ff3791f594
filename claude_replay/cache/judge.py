"""Which answers are good enough to be given again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from claude_replay.api import assemble_message
from claude_replay.exchange import Body, Deltas, Event, EventStream, RawEvent

__all__ = ["GOOD_STOP_REASONS", "Good", "judge", "serves"]

GOOD_STOP_REASONS = frozenset(("end_turn", "stop_sequence", "tool_use"))
"""What a whole answer ends with; others were cut, refused, or are to be continued."""

_SNAPSHOT = re.compile(r"-\d{8}$")
_MINOR_ZERO = re.compile(r"-0$")


@dataclass(frozen=True, slots=True)
class Good:
    """The message of an answer that may be kept."""

    message: Mapping[str, object]
    stop_reason: str
    model: str


def judge(body: Body, asked_model: str, *, good: frozenset[str] = GOOD_STOP_REASONS) -> Good | str:
    """The message an answer to a request for `asked_model` holds, or why it is not to be kept, as one word."""
    if isinstance(body, EventStream):
        reason = _find_break(body)
        if reason is not None:
            return reason
    message = assemble_message(body)
    if message is None:
        return "no_message"
    stop_reason, model = message.get("stop_reason"), message.get("model")
    if stop_reason not in good:
        return f"stop_{stop_reason}"
    if not _is_whole(message):
        return "broken_tool_input"
    if not isinstance(model, str) or not serves(model, asked_model) or _fell_back(message):
        return "other_model"
    return Good(message, str(stop_reason), model)


def serves(model: str, asked: str) -> bool:
    """Whether `model` is what a caller gets who asks for `asked`: the same, or the snapshot an alias stands for."""
    if model == asked or not asked.startswith("claude-"):
        # Other providers' names (ARNs, profiles, deployments) say nothing that could be compared.
        return True
    name = asked.removesuffix("-latest").replace("@", "-")
    alias = _SNAPSHOT.sub("", model)
    return name in (model, alias) or _MINOR_ZERO.sub("", name) == alias


def _find_break(stream: EventStream) -> str | None:
    """Why a stream is not a whole answer."""
    if stream.tail.strip():
        return "cut"
    open_blocks: set[object] = set()
    ended = False
    for item in stream.items:
        if isinstance(item, Deltas):
            if item.index not in open_blocks:
                return "cut"
        elif isinstance(item, Event):
            if item.name == "error":
                return "error_event"
            _follow(item, open_blocks)
            ended = ended or item.name == "message_stop"
        elif not (isinstance(item, RawEvent) and item.text.startswith(":")):
            return "unreadable"
    return None if ended and not open_blocks else "cut"


def _follow(event: Event, open_blocks: set[object]) -> None:
    index = event.data.get("index") if isinstance(event.data, dict) else None
    if event.name == "content_block_start":
        open_blocks.add(index)
    elif event.name == "content_block_stop":
        open_blocks.discard(index)


def _is_whole(message: Mapping[str, object]) -> bool:
    content = message.get("content")
    return isinstance(content, list) and all(
        isinstance(block, dict) and (block.get("type") != "tool_use" or isinstance(block.get("input"), dict))
        for block in content
    )


def _fell_back(message: Mapping[str, object]) -> bool:
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    return any(isinstance(block, dict) and block.get("type") == "fallback" for block in blocks)
