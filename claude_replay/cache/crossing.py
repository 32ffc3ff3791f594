"""One entry for both kinds of callers: a message as the events it would have come in, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from claude_replay.api import assemble_message
from claude_replay.bodies import decode_body, dump_json, encode_body
from claude_replay.cache.envelope import Answer
from claude_replay.exchange import Event, EventStream

__all__ = ["content_for", "unfold", "without_usage"]

# Claude's own deltas are a few words long.
_PIECE = re.compile(r"\s*\S.{0,23}\S*\s?|\s+", re.DOTALL)
_PIECE_OF_JSON = 24


def content_for(answer: Answer, *, stream: bool) -> bytes:
    """The body for a caller who asked for a stream or not; raises ValueError where the answer cannot give it."""
    if stream:
        return answer.body if answer.kind == "sse" else _stream_of(answer.body)
    return answer.body if answer.kind == "json" else _message_of(answer.body)


def without_usage(content: bytes, *, stream: bool) -> bytes:
    """The same body with all counts of tokens 0, as nothing was spent on it."""
    if not stream:
        return dump_json(_zero_usage(json.loads(content)))
    body = decode_body(content, "text/event-stream")
    assert isinstance(body, EventStream)
    items = [
        Event(item.name, _zero_usage(item.data)) if isinstance(item, Event) else item for item in body.items
    ]
    return encode_body(EventStream(tuple(items), body.tail))


def _zero_usage(value: object) -> object:
    """A message or an event with the counts in its `usage` at 0."""
    if not isinstance(value, dict):
        return value
    changed = {**value, "usage": _zero(value["usage"])} if "usage" in value else dict(value)
    if isinstance(value.get("message"), dict):
        changed["message"] = _zero_usage(value["message"])
    return changed


def _zero(value: object) -> object:
    if isinstance(value, dict):
        return {name: _zero(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_zero(item) for item in value]
    return 0 if type(value) in (int, float) else value


def _message_of(stream: bytes) -> bytes:
    """The message that a whole event stream adds up to, as JSON; raises ValueError where there is none."""
    message = assemble_message(decode_body(stream, "text/event-stream"))
    if message is None:
        raise ValueError("the stored stream holds no message")
    return dump_json(message)


def _stream_of(message: bytes) -> bytes:
    """The event stream a message would have come in; raises ValueError where it is none."""
    parsed = json.loads(message)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("content"), list):
        raise ValueError("the stored answer is no message")
    return encode_body(unfold(parsed))


def unfold(message: Mapping[str, object]) -> EventStream:
    """The events of a message: each block started empty, its text in pieces of a few words, the end."""
    return EventStream(tuple(_events(message)))


def _events(message: Mapping[str, object]) -> Iterator[Event]:
    usage = message.get("usage")
    counts = dict(usage) if isinstance(usage, dict) else {}
    start = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "usage": counts}
    yield _event("message_start", message=start)
    content = message.get("content")
    for index, block in enumerate(content if isinstance(content, list) else ()):
        yield from _block_events(index, block)
    ended = {name: message.get(name) for name in ("stop_reason", "stop_sequence")}
    yield _event("message_delta", delta=ended, usage=counts)
    yield _event("message_stop")


def _block_events(index: int, block: Mapping[str, object]) -> Iterator[Event]:
    begin, deltas = _take_apart(block)
    yield _event("content_block_start", index=index, content_block=begin)
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _take_apart(block: Mapping[str, object]) -> tuple[dict[str, object], list[dict[str, object]]]:
    """How a block begins, and the deltas that make it whole; kinds that have none begin whole."""
    kind, begin = block.get("type"), dict(block)
    if kind == "text" and isinstance(block.get("text"), str):
        begin["text"] = ""
        deltas = _pieces("text_delta", "text", str(block["text"]))
        citations = block.get("citations")
        if isinstance(citations, list) and citations:
            begin["citations"] = []
            deltas += [{"type": "citations_delta", "citation": citation} for citation in citations]
        return begin, deltas
    if kind == "thinking" and isinstance(block.get("thinking"), str):
        begin["thinking"] = ""
        deltas = _pieces("thinking_delta", "thinking", str(block["thinking"]))
        if isinstance(block.get("signature"), str):
            begin["signature"] = ""
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return begin, deltas
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use") and isinstance(block.get("input"), dict):
        begin["input"] = {}
        return begin, _json_pieces(block["input"])
    return begin, []


def _pieces(kind: str, field: str, text: str) -> list[dict[str, object]]:
    return [{"type": kind, field: piece} for piece in _PIECE.findall(text)]


def _json_pieces(value: object) -> list[dict[str, object]]:
    text = dump_json(value).decode() if value else ""
    starts = range(0, max(len(text), 1), _PIECE_OF_JSON)
    return [
        {"type": "input_json_delta", "partial_json": text[start : start + _PIECE_OF_JSON]} for start in starts
    ]


def _event(name: str, **fields: object) -> Event:
    return Event(name, {"type": name, **fields})
