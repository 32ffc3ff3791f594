"""What requests and answers of the Messages API say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from claude_replay.exchange import Body, Event, Frame, Json, RawEvent, StreamItem, Usage

__all__ = [
    "ToolCall",
    "is_finished",
    "last_user_text",
    "message_text",
    "message_usage",
    "model_of",
    "tool_calls",
    "wants_stream",
]

# The last one of Bedrock's converse-stream is "metadata".
_LAST_EVENTS = ("message_stop", "error", "metadata")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool that Claude asked for."""

    name: str
    input: object
    id: str


def _fields(body: Body) -> Mapping[str, object]:
    return body.value if isinstance(body, Json) and isinstance(body.value, dict) else {}


def _blocks(content: object) -> Iterator[Mapping[str, object]]:
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict):
            yield block


def model_of(body: Body) -> str | None:
    """The model a request names in its body, None where it names none."""
    model = _fields(body).get("model")
    return model if isinstance(model, str) else None


def wants_stream(body: Body) -> bool:
    """Whether a request asks for an event stream."""
    return _fields(body).get("stream") is True


def last_user_text(body: Body) -> str:
    """The last text in what the user's side sent, results of tools included; empty where there is none."""
    messages = list(_blocks(_fields(body).get("messages")))
    for message in reversed(messages):
        texts = list(_texts(message.get("content"))) if message.get("role") == "user" else []
        if texts:
            return texts[-1]
    return ""


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for block in _blocks(content):
        text = block.get("text")
        if block.get("type") == "text" and isinstance(text, str):
            yield text
        elif block.get("type") == "tool_result":
            yield from _texts(block.get("content"))


def is_finished(items: Sequence[StreamItem]) -> bool:
    """Whether the last event of a stream says that nothing more will come."""
    for item in reversed(items):
        if isinstance(item, Frame):
            # What Bedrock says instead of going on.
            return ":exception-type" in item.headers or ":error-code" in item.headers
        if not isinstance(item, RawEvent):
            return isinstance(item, Event) and item.name in _LAST_EVENTS
    return False


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
    blocks = _blocks(message.get("content"))
    return "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")


def tool_calls(message: Mapping[str, object]) -> list[ToolCall]:
    """The tools a message asks for, in order."""
    return [
        ToolCall(str(block.get("name", "")), block.get("input"), str(block.get("id", "")))
        for block in _blocks(message.get("content"))
        if block.get("type") == "tool_use"
    ]
