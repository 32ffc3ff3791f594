"""What was answered, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from claude_replay.api import assemble_message
from claude_replay.bodies import describe_part, expand
from claude_replay.cli.blocks import WIDTH, compact_json, pretty_json, render_content, tool_names
from claude_replay.exchange import (
    Binary,
    Body,
    Event,
    EventStream,
    Json,
    JsonLines,
    Multipart,
    Response,
    Text,
)

__all__ = ["ENDINGS", "cut_lines", "describe_answer", "render_answer", "render_body"]

ENDINGS = {
    "closed": "the application stopped reading here",
    "cancelled": "the application cancelled this call",
}
"""How an answer ended that is not complete."""

_SHOWN_LINES = 12


def describe_answer(response: Response) -> str:
    """How the answer came and how it ended, in a few words for the line above it; may be empty."""
    message = assemble_message(response.body) or {}
    parts = [str(message["stop_reason"])] if message.get("stop_reason") else []
    if message.get("stop_sequence"):
        parts.append(compact_json(message["stop_sequence"]))
    if isinstance(response.body, EventStream):
        count = sum(1 for _ in expand(response.body.items))
        parts.append(f"(streamed, {count:,} event{'' if count == 1 else 's'})")
    if response.ended != "complete":
        parts.append(f"({ENDINGS[response.ended]})")
    return " ".join(parts)


def render_answer(response: Response, *, whole: bool) -> Iterator[str]:
    """The lines of an answer; `whole` cuts nothing."""
    body = response.body
    message = assemble_message(body)
    if message is not None:
        content = message.get("content")
        # Of tools that run on the server, call and result are in the same answer.
        yield from render_content(content, tool_names(content))
        if message.get("stop_details"):
            yield f"[stop details] {compact_json(message['stop_details'])}"
    if isinstance(body, EventStream):
        yield from _render_stream_end(body, message)
    elif message is None:
        yield from render_body(body, whole=whole)


def _render_stream_end(stream: EventStream, message: object) -> Iterator[str]:
    errors = [item.data for item in stream.items if isinstance(item, Event) and item.name == "error"]
    for data in errors:
        yield f"[error] {_describe_error(data) or compact_json(data)}"
    if message is None and not errors:
        yield "[these events carry no message; --raw shows them]"
    if stream.tail:
        yield f"[{len(stream.tail):,} characters after the last whole event]"


def render_body(body: Body, *, whole: bool) -> list[str]:
    """The lines of a body that is neither a message nor asks for one; `whole` cuts nothing."""
    if isinstance(body, Json):
        lines = _render_json(body.value)
    elif isinstance(body, JsonLines):
        lines = [compact_json(value) for value in body.values]
    elif isinstance(body, Multipart):
        lines = _render_parts(body)
    elif isinstance(body, Text):
        lines = body.text.split("\n")
    elif isinstance(body, Binary):
        lines = [f"[binary, {len(body.data):,} bytes]"]
    else:
        lines = ["[no body]"]
    return lines if whole else cut_lines(lines, _SHOWN_LINES)


def _render_parts(upload: Multipart) -> list[str]:
    lines: list[str] = []
    for part in upload.parts:
        described = " ".join(
            value if isinstance(value, str) else compact_json(value)
            for value in describe_part(part.headers).values()
        )
        lines.append(f"[part {described}]")
        lines += [f"  {line}" for line in render_body(part.body, whole=True)]
    return lines


def _render_json(value: object) -> list[str]:
    error, line = _describe_error(value), compact_json(value)
    if error is not None:
        return [f"[error] {error}"]
    return [line] if len(line) <= WIDTH else pretty_json(value).split("\n")


def _describe_error(data: object) -> str | None:
    error = data.get("error") if isinstance(data, Mapping) else None
    if not isinstance(error, Mapping) or "message" not in error:
        return None
    return f"{error.get('type', 'error')}: {error['message']}"


def cut_lines(lines: list[str], limit: int) -> list[str]:
    """At most `limit` lines; the last one says how much was left out."""
    if len(lines) <= limit:
        return lines
    left = lines[limit - 1 :]
    characters = sum(map(len, left))
    return [*lines[: limit - 1], f"… {len(left):,} more lines, {characters:,} characters (--full shows them)"]
