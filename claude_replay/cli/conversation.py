"""Exchanges as the conversations they are: what was said already is not said again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from claude_replay.api import assemble_message, endpoint_of, message_usage, model_of
from claude_replay.cli.answers import cut_lines, describe_answer, render_answer, render_body
from claude_replay.cli.blocks import compact_json, render_content, tool_names
from claude_replay.exchange import Exchange, Usage

__all__ = ["Conversations", "Shown", "describe_exchange", "render_exchange"]

_SYSTEM_LINES = 6
_LONGEST_SETTING = 80
# Shown in a place of their own.
_APART = ("model", "messages", "system", "tools", "stream")


def describe_exchange(number: int, exchange: Exchange) -> str:
    """The line above an exchange: number, operation, model, status, duration, tokens, date."""
    request, response, meta = exchange.request, exchange.response, exchange.meta
    message = assemble_message(response.body) or {}
    model = model_of(request.body) or message.get("model")
    parts = [str(number), endpoint_of(request).operation]
    parts += [str(model)] if model else []
    parts.append(str(response.status or "no answer"))
    parts += [f"{meta.duration:.2f} s"] if meta.duration is not None else []
    parts += _describe_usage(message_usage(message))
    parts += [meta.recorded_at] if meta.recorded_at else []
    return " · ".join(parts)


def _describe_usage(usage: Usage) -> list[str]:
    counts = (
        (usage.input_tokens, "in"),
        (usage.cache_read_input_tokens, "from cache"),
        (usage.cache_creation_input_tokens, "to cache"),
        (usage.output_tokens, "out"),
    )
    said = ", ".join(f"{count:,} {name}" for count, name in counts if count)
    return [f"tokens {said}"] if said else []


@dataclass(frozen=True, slots=True)
class Shown:
    """What an earlier exchange has shown: its number, how many messages of this one, and its own fields."""

    number: int
    messages: int
    fields: Mapping[str, object]


@dataclass(slots=True)
class Conversations:
    """Remembers the exchanges shown so far, to find the one that a further exchange goes on from."""

    _ends: dict[str, int] = field(default_factory=dict)
    _answers: list[str] = field(default_factory=list)
    _fields: list[Mapping[str, object]] = field(default_factory=list)

    def add(self, exchange: Exchange) -> Shown | None:
        """Take the next exchange; gives what an earlier one has shown of it, None where that is nothing."""
        fields = _fields_of(exchange)
        keys = [_message_key(message) for message in _messages_of(fields)]
        prefixes = list(_hash_prefixes(keys))
        shown = self._find(keys, prefixes)
        self._fields.append(fields)
        answer = assemble_message(exchange.response.body)
        self._answers.append(_message_key(answer) if answer is not None else "")
        if prefixes:
            self._ends[prefixes[-1]] = len(self._fields)
        return shown

    def _find(self, keys: Sequence[str], prefixes: Sequence[str]) -> Shown | None:
        for count in range(len(keys), 0, -1):
            number = self._ends.get(prefixes[count - 1])
            if number is None:
                continue
            if count < len(keys) and keys[count] == self._answers[number - 1]:
                count += 1
            # The last message is what this exchange is about, so it is shown in any case.
            count = min(count, len(keys) - 1)
            return Shown(number, count, self._fields[number - 1]) if count else None
        return None


def _fields_of(exchange: Exchange) -> Mapping[str, object]:
    fields = exchange.request.json
    return fields if isinstance(fields, dict) else {}


def _messages_of(fields: Mapping[str, object]) -> list[object]:
    messages = fields.get("messages")
    return messages if isinstance(messages, list) else []


def _message_key(message: object) -> str:
    if not isinstance(message, dict):
        return _dump(message)
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if isinstance(blocks, list):
        blocks = [_bare(block) for block in blocks]
    return _dump([message.get("role"), blocks])


def _bare(block: object) -> object:
    # What an application sends back of an answer may lack fields that were null, or have cache marks.
    if not isinstance(block, dict):
        return block
    return {key: value for key, value in block.items() if value is not None and key != "cache_control"}


def _dump(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _hash_prefixes(keys: Sequence[str]) -> Iterator[str]:
    digest = hashlib.sha256()
    for key in keys:
        digest.update(f"{len(key)}:{key}".encode())
        yield digest.hexdigest()


def render_exchange(number: int, exchange: Exchange, shown: Shown | None, *, whole: bool) -> Iterator[str]:
    """The lines below the head of an exchange, without what was `shown` before; `whole` cuts nothing."""
    fields = _fields_of(exchange)
    messages = _messages_of(fields)
    known: Mapping[str, object] = shown.fields if shown else {}
    settings = _describe_settings(fields)
    if settings and settings != _describe_settings(known):
        yield f"  {settings}"
    if messages:
        yield from _render_messages(number, fields, shown, whole=whole)
    elif exchange.request.body is not None:
        yield "  request"
        yield from _indent(render_body(exchange.request.body, whole=whole))
    yield " · ".join(filter(None, ["  answer", describe_answer(exchange.response)]))
    yield from _indent(render_answer(exchange.response, whole=whole))


def _describe_settings(fields: Mapping[str, object]) -> str:
    if "messages" not in fields:
        return ""
    parts = [
        f"{name} {value if len(value) <= _LONGEST_SETTING else value[:_LONGEST_SETTING] + '…'}"
        for name, value in ((name, _plain(value)) for name, value in fields.items() if name not in _APART)
    ]
    tools = fields.get("tools")
    offered = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    if offered:
        parts.append("tools " + ", ".join(str(tool.get("name") or tool.get("type")) for tool in offered))
    return " · ".join(parts)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else compact_json(value)


def _render_messages(
    number: int, fields: Mapping[str, object], shown: Shown | None, *, whole: bool
) -> Iterator[str]:
    messages, skipped, names = _messages_of(fields), shown.messages if shown else 0, dict[str, str]()
    if fields.get("system") and not (shown and shown.fields.get("system") == fields["system"]):
        yield "  system"
        lines = list(render_content(fields["system"], {}))
        yield from _indent(lines if whole else cut_lines(lines, _SYSTEM_LINES))
    if shown:
        where = "as above" if shown.number == number - 1 else f"as above (exchange {shown.number})"
        yield f"  … {skipped:,} earlier message{'' if skipped == 1 else 's'} {where}"
    for position, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else message
        names.update(tool_names(content))
        if position >= skipped:
            yield f"  {message.get('role') if isinstance(message, dict) else 'message'}"
            yield from _indent(render_content(content, names))


def _indent(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}".rstrip() for line in lines)
