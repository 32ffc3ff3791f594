"""
What an exchange can have in common with one above it, and how little may be different about it.

A run of messages, tools or system blocks; the answer to the exchange above, sent back by the application; and
cache marks that have moved on to a later block meanwhile. Writing and reading share these functions, so what
was written comes back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from claude_replay.api import assemble_message
from claude_replay.exchange import Response

__all__ = [
    "ALL",
    "CACHE_MARK",
    "MESSAGES",
    "SORTED",
    "TEXT",
    "answer_blocks",
    "arrange",
    "cut",
    "dump_run",
    "join_text",
    "mark",
    "mark_message",
    "mark_of",
    "mark_of_message",
    "unmark",
    "unmark_message",
]

ALL, TEXT, SORTED = "all", "text", "sorted"
MESSAGES = "messages"
CACHE_MARK = "cache_control"
_RUN = re.compile(r"from ([1-9][0-9]{0,8}) to ([1-9][0-9]{0,8})")

_Block = dict[str, Any]


def dump_run(start: int, stop: int, count: int) -> object:
    """The places `start` up to, but not including, `stop` among `count`, as a person counts them."""
    if (start, stop) == (0, count):
        return ALL
    return start + 1 if stop - start == 1 else f"from {start + 1} to {stop}"


def cut(items: Sequence[Any], run: object, what: str) -> Sequence[Any]:
    """The items that a run names: `all`, a number, or `from 2 to 5`; ValueError where there are none such."""
    found = _RUN.fullmatch(run) if isinstance(run, str) else None
    if run == ALL:
        return items
    if type(run) is int:
        start, stop = run, run
    elif found:
        start, stop = int(found[1]), int(found[2])
    else:
        raise ValueError(f"'all', a number or 'from 2 to 5' was expected, not {run!r:.60}")
    if not 1 <= start <= stop <= len(items):
        raise ValueError(f"{run!r} is out of range: {what} {len(items)}")
    return items[start - 1 : stop]


def unmark(item: object) -> object:
    """A tool or block without its cache mark; the same object where it has none."""
    if isinstance(item, dict) and CACHE_MARK in item:
        return {key: value for key, value in item.items() if key != CACHE_MARK}
    return item


def unmark_message(message: object, *, as_text: bool) -> object:
    """
    A message without the cache marks of its blocks; the same object where there are none.

    With `as_text` a lone text block that was only there to carry the mark is a text again.
    """
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    blocks = [unmark(block) for block in content]
    if all(new is old for new, old in zip(blocks, content, strict=True)):
        return message
    lone = blocks[0] if len(blocks) == 1 else None
    is_text = isinstance(lone, dict) and list(lone) == ["type", "text"] and lone["type"] == "text"
    return {
        **_mapping(message),
        "content": lone["text"] if as_text and isinstance(lone, dict) and is_text else blocks,
    }


def mark(item: object, value: object) -> object:
    """A tool or block with a cache mark as its last field; ValueError where it cannot carry one."""
    if not isinstance(item, dict) or CACHE_MARK in item:
        raise ValueError("'marked': what is pointed at cannot carry a cache mark, or has one")
    return {**item, CACHE_MARK: value}


def mark_message(message: object, value: object) -> object:
    """A message whose last block has a cache mark; a text becomes a block to carry it."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list) or not content:
        raise ValueError("'marked': the message that is pointed at has no block to carry a cache mark")
    return {**_mapping(message), "content": [*content[:-1], mark(content[-1], value)]}


def mark_of(item: object) -> object:
    """The cache mark of a tool or block, None without one."""
    return item.get(CACHE_MARK) if isinstance(item, dict) else None


def mark_of_message(message: object) -> object:
    """The cache mark of the last block of a message, None without one."""
    content = message.get("content") if isinstance(message, dict) else None
    return mark_of(content[-1]) if isinstance(content, list) and content else None


def _mapping(value: object) -> _Block:
    assert isinstance(value, dict)
    return value


def answer_blocks(response: Response) -> list[object] | None:
    """
    The content of the message that a response carries, None where it carries none.

    How a stream adds up to a message is part of the file format from here on: tests/formats has a sample.
    """
    message = assemble_message(response.body)
    content = message.get("content") if message else None
    return content if isinstance(content, list) and content else None


def join_text(blocks: Sequence[object]) -> str:
    """All text of an answer."""
    return "".join(
        block["text"]
        for block in blocks
        if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str)
    )


def arrange(blocks: Sequence[object], keys: object) -> list[object]:
    """
    Blocks of an answer with their fields as the application sent them back.

    `keys` is None for the order in which they came, "sorted" for that of the alphabet, or a mapping from the
    type of a block to the names of its fields, of which those are null that did not come. Raises ValueError.
    """
    if keys is None:
        return list(blocks)
    return [_arrange(block, keys) for block in blocks]


def _arrange(block: object, keys: object) -> object:
    fields = block if isinstance(block, dict) else {}
    if keys == SORTED:
        return {name: fields[name] for name in sorted(fields)}
    names = keys.get(fields.get("type")) if isinstance(keys, Mapping) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("'keys': 'sorted', or the names of the fields for each type of block were expected")
    return {name: fields.get(name) for name in names}
