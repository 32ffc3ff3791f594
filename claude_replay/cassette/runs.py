"""Lists of a request (messages, tools, blocks of the system prompt) written as runs of those above."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from claude_replay.bodies import format_json
from claude_replay.cassette.expand import ANSWER, EARLIER
from claude_replay.cassette.parts import (
    CACHE_MARK,
    MESSAGES,
    SORTED,
    TEXT,
    arrange,
    dump_run,
    join_text,
    mark,
    mark_message,
    mark_of,
    mark_of_message,
    unmark,
    unmark_message,
)

__all__ = ["Hasher", "Items", "Known", "Plan", "hash_text", "plan"]

_Item = dict[str, object]
_Hashes = tuple[bytes, bytes, bytes, int]


@dataclass(frozen=True, slots=True)
class Items:
    """
    A list and the hashes of its items: as they are, without cache marks, and as text where that leaves one.

    `sizes` are characters of JSON.
    """

    values: Sequence[object]
    exact: Sequence[bytes]
    unmarked: Sequence[bytes]
    bare: Sequence[bytes]
    sizes: Sequence[int]


@dataclass(slots=True)
class Known:
    """An exchange that can be pointed at; `fields` are the hashes of its long ones, `blocks` its answer."""

    label: str
    fields: Mapping[str, bytes]
    lists: Mapping[str, Items]
    blocks: list[object] | None
    _positions: dict[str, dict[bytes, int]] = field(default_factory=dict)

    def position(self, name: str, bare: bytes) -> int | None:
        """Where an item first stands in one of its lists."""
        if name not in self._positions:
            found: dict[bytes, int] = {}
            for position, key in enumerate(self.lists[name].bare):
                found.setdefault(key, position)
            self._positions[name] = found
        return self._positions[name].get(bare)


@dataclass(frozen=True, slots=True)
class Plan:
    """A list as it is written, and how many characters that spares; `goes_on` where it points at the answer."""

    items: list[object]
    spared: int
    goes_on: bool = False


def hash_text(text: str) -> bytes:
    """What stands for a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Hasher:
    """Hashes the items of lists; what is the same object in many requests is looked at once."""

    def __init__(self) -> None:
        # With the objects themselves: an id is only theirs as long as they are there.
        self._known: dict[tuple[str, int], tuple[object, _Hashes]] = {}

    def hash_items(self, name: str, values: Sequence[object]) -> Items:
        """The items of the list under `name`."""
        hashes = [self._hash(name, value) for value in values]
        return Items(values, *map(list, zip(*hashes, strict=True)))

    def _hash(self, name: str, value: object) -> _Hashes:
        known = self._known.get((name, id(value)))
        if known is not None:
            return known[1]
        found = _hash_item(name, value)
        self._known[name, id(value)] = value, found
        return found


def _hash_item(name: str, value: object) -> _Hashes:
    text = format_json(value)
    exact = hash_text(text)
    if f'"{CACHE_MARK}"' not in text:
        return exact, exact, exact, len(text)
    unmarked, bare = (hash_text(format_json(_unmark(name, value, as_text))) for as_text in (False, True))
    return exact, unmarked, bare, len(text)


def _unmark(name: str, value: object, as_text: bool) -> object:
    return unmark_message(value, as_text=as_text) if name == MESSAGES else unmark(value)


def plan(name: str, wanted: Items, known: Known) -> Plan:
    """The list under `name` as it is written if it points at `known`."""
    items: list[object] = []
    at, expected, spared, goes_on = 0, 0, 0, False
    while at < len(wanted.values):
        item: _Item | None = None
        length = 1
        start = _find_start(name, wanted.bare[at], known, expected)
        if start is not None:
            item, length = _take_run(name, wanted, at, known.lists[name], start)
            expected = start + length
        elif name == MESSAGES and known.blocks is not None:
            item = _take_answer(wanted.values[at], known.blocks)
            goes_on = goes_on or item is not None
        items += wanted.values[at : at + length] if item is None else [item]
        spared += 0 if item is None else sum(wanted.sizes[at : at + length])
        at += length
    return Plan(items, spared, goes_on)


def _find_start(name: str, bare: bytes, known: Known, expected: int) -> int | None:
    # Where a message stands twice, the one that follows what was taken last.
    if known.lists[name].bare[expected : expected + 1] == [bare]:
        return expected
    return known.position(name, bare)


def _take_run(name: str, wanted: Items, at: int, known: Items, start: int) -> tuple[_Item | None, int]:
    """The longest run from here on that can be written in one piece, and how many items it has."""
    ways: tuple[tuple[_Item, Sequence[bytes]], ...] = (
        ({}, known.exact),
        ({"unmarked": True}, known.unmarked),
        ({"unmarked": TEXT}, known.bare),
    )
    item, longest = None, 0
    for fields, hashes in ways:
        length = _count_equal(wanted.exact, at, hashes, start)
        if length > longest:
            longest = length
            item = {EARLIER: dump_run(start, start + length, len(known.values)), **fields}
    return (item, longest) if longest else (_take_marked(name, wanted, at, known, start), 1)


def _count_equal(wanted: Sequence[bytes], at: int, known: Sequence[bytes], start: int) -> int:
    most = min(len(wanted) - at, len(known) - start)
    return next((length for length in range(most) if wanted[at + length] != known[start + length]), most)


def _take_marked(name: str, wanted: Items, at: int, known: Items, start: int) -> _Item | None:
    """One item that got a cache mark since; None where it differs in more."""
    value, before = wanted.values[at], known.values[start]
    put, found = (mark_message, mark_of_message(value)) if name == MESSAGES else (mark, mark_of(value))
    if found is None:
        return None
    run = dump_run(start, start + 1, len(known.values))
    for fields, plain in (({}, before), ({"unmarked": True}, _unmark(name, before, False))):
        try:
            made = put(plain, found)
        except ValueError:
            continue
        if hash_text(format_json(made)) == wanted.exact[at]:
            return {EARLIER: run, **fields, "marked": found}
    return None


# ------------------------------------------------------------------ the answer sent back


def _take_answer(message: object, blocks: Sequence[object]) -> _Item | None:
    """The item for a message that repeats an answer; None where it says something else."""
    if (
        not isinstance(message, dict)
        or list(message) != ["role", "content"]
        or message["role"] != "assistant"
    ):
        return None
    content = message["content"]
    if isinstance(content, str):
        return {ANSWER: TEXT} if content and content == join_text(blocks) else None
    if not isinstance(content, list) or not content:
        return None
    found = mark_of_message(message)
    marked = {} if found is None else {"marked": found}
    bare = [*content[:-1], unmark(content[-1])] if marked else content
    for run, chosen in _runs_of(blocks, len(content)):
        for keys in _orders(chosen, bare):
            if format_json(arrange(chosen, keys)) == format_json(bare):
                return {ANSWER: run, **({} if keys is None else {"keys": keys}), **marked}
    return None


def _runs_of(blocks: Sequence[object], length: int) -> Iterator[tuple[object, Sequence[object]]]:
    # From the end: what an application leaves out of an answer is the thinking at its start.
    for start in range(len(blocks) - length, -1, -1):
        yield dump_run(start, start + length, len(blocks)), blocks[start : start + length]


def _orders(blocks: Sequence[object], wanted: Sequence[object]) -> Iterator[Any]:
    """What `keys` may be for these blocks to become those, the simplest first."""
    yield None
    if not all(isinstance(block, dict) for block in (*blocks, *wanted)):
        return
    yield SORTED
    names: dict[object, list[str]] = {}
    for block, sent in zip(blocks, wanted, strict=True):
        assert isinstance(block, dict)
        assert isinstance(sent, dict)
        names.setdefault(block.get("type"), list(sent))
    if all(isinstance(kind, str) for kind in names):
        yield names
