"""What requests and answers of the Messages API say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from claude_replay.exchange import Body, Deltas, Event, EventStream, Json, RawEvent, StreamItem, Usage

__all__ = [
    "ToolCall",
    "assemble_message",
    "is_finished",
    "last_user_text",
    "message_text",
    "message_usage",
    "model_of",
    "tool_calls",
    "wants_stream",
]

_APPENDED = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool that Claude asked for."""

    name: str
    input: object
    id: str


def _fields(body: Body) -> Mapping[str, object]:
    return body.value if isinstance(body, Json) and isinstance(body.value, dict) else {}


def model_of(body: Body) -> str | None:
    """The model a request names in its body, None where it names none."""
    model = _fields(body).get("model")
    return model if isinstance(model, str) else None


def wants_stream(body: Body) -> bool:
    """Whether a request asks for an event stream."""
    return _fields(body).get("stream") is True


def last_user_text(body: Body) -> str:
    """The last text a user wrote in this request; empty where there is none."""
    messages = _fields(body).get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            texts = list(_texts(message.get("content")))
            if texts:
                return texts[-1]
    return ""


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    for block in content if isinstance(content, list) else []:
        if not isinstance(block, dict):
            continue
        if block.get("type") == "text" and isinstance(block.get("text"), str):
            yield block["text"]
        elif block.get("type") == "tool_result":
            yield from _texts(block.get("content"))


def is_finished(items: Iterable[StreamItem]) -> bool:
    """Whether the last event of a stream says that nothing more will come."""
    last: StreamItem | None = None
    for last in items:
        pass
    return isinstance(last, Event) and last.name in ("message_stop", "error")


def assemble_message(body: Body) -> dict[str, object] | None:
    """
    The message an answer carries, as the JSON object a caller without streaming would have got.

    None where the body holds no message (errors, other endpoints, streams that never started one).
    """
    if isinstance(body, EventStream):
        return _assemble_stream(body.items)
    fields = _fields(body)
    return dict(fields) if fields.get("type") == "message" else None


def _assemble_stream(items: Iterable[StreamItem]) -> dict[str, object] | None:
    message: dict[str, object] | None = None
    blocks: dict[int, dict[str, object]] = {}
    for item in items:
        if isinstance(item, RawEvent):
            continue
        if isinstance(item, Deltas):
            _append(blocks.setdefault(item.index, {}), item.type, "".join(item.pieces))
            continue
        data = item.data if isinstance(item.data, dict) else {}
        if item.name == "message_start" and isinstance(data.get("message"), dict):
            message = dict(data["message"])
        elif item.name == "content_block_start" and isinstance(data.get("content_block"), dict):
            blocks[data.get("index", len(blocks))] = dict(data["content_block"])
        elif item.name == "content_block_delta":
            _apply_delta(blocks.setdefault(data.get("index", 0), {}), data.get("delta"))
        elif item.name == "message_delta" and message is not None:
            _apply_message_delta(message, data)
    if message is not None:
        message["content"] = [_close_block(blocks[index]) for index in sorted(blocks)]
    return message


def _append(block: dict[str, object], delta_type: str, text: str) -> None:
    key = _APPENDED.get(delta_type, "partial_json")
    block[key] = f"{block.get(key) or ''}{text}"


def _apply_delta(block: dict[str, object], delta: object) -> None:
    if not isinstance(delta, dict):
        return
    if delta.get("type") == "citations_delta":
        known = block.get("citations")
        block["citations"] = [*(known if isinstance(known, list) else []), delta.get("citation")]
        return
    kind = delta.get("type")
    text = delta.get(_APPENDED.get(kind, "partial_json")) if isinstance(kind, str) else None
    if isinstance(kind, str) and isinstance(text, str):
        _append(block, kind, text)


def _close_block(block: dict[str, object]) -> dict[str, object]:
    partial = block.pop("partial_json", None)
    if isinstance(partial, str) and partial:
        try:
            block["input"] = json.loads(partial)
        except ValueError:
            # A stream that stopped inside the arguments: what there is, as text.
            block["input"] = partial
    return block


def _apply_message_delta(message: dict[str, object], data: dict[str, object]) -> None:
    for key, value in data.items():
        if key in ("delta",) and isinstance(value, dict):
            message.update(value)
        elif key == "usage" and isinstance(value, dict):
            known = message.get("usage")
            said = {name: count for name, count in value.items() if count is not None}
            message["usage"] = {**(known if isinstance(known, dict) else {}), **said}
        elif key != "type":
            message[key] = value


def message_usage(message: Mapping[str, object]) -> Usage:
    """The tokens a message reports; zero for what it does not mention."""
    usage = message.get("usage")
    counts = usage if isinstance(usage, dict) else {}

    def count(name: str) -> int:
        value = counts.get(name)
        return value if type(value) is int else 0

    return Usage(
        count("input_tokens"),
        count("output_tokens"),
        count("cache_creation_input_tokens"),
        count("cache_read_input_tokens"),
    )


def message_text(message: Mapping[str, object]) -> str:
    """The text blocks of a message, joined."""
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    return "".join(
        str(block.get("text", "")) for block in blocks if isinstance(block, dict) and block.get("type") == "text"
    )


def tool_calls(message: Mapping[str, object]) -> list[ToolCall]:
    """The tools a message asks for, in order."""
    content = message.get("content")
    return [
        ToolCall(str(block.get("name", "")), block.get("input"), str(block.get("id", "")))
        for block in (content if isinstance(content, list) else [])
        if isinstance(block, dict) and block.get("type") == "tool_use"
    ]
