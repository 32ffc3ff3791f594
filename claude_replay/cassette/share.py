"""
Finds what a request has in common with exchanges above it, and writes it as pointing there.

The counterpart of `expand`: whatever is written here comes back exactly, in the order of its keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from claude_replay.bodies import format_json
from claude_replay.cassette.expand import EARLIER, is_reference
from claude_replay.cassette.parts import ALL, MESSAGES, answer_blocks, join_text
from claude_replay.cassette.runs import Hasher, Items, Known, Plan, hash_text, plan
from claude_replay.exchange import Request, Response

__all__ = ["Library", "Shared"]

# What is shorter is easier read where it stands.
_WORTH = 200
# The same for requests that have nothing in common but tools, system prompt and the like.
_WORTH_ALONE = 1000
# How many exchanges that were answered alike are tried.
_MOST_TWINS = 8
_NOTHING = b""


@dataclass(frozen=True, slots=True)
class Shared:
    """The labels of the exchanges that a request points at, and its body as it is written."""

    continues: tuple[str, ...]
    body: dict[str, object]


@dataclass(frozen=True, slots=True)
class _Hashed:
    """
    A body: the hashes of the fields that are long enough to be pointed at, how long they are, and its lists.

    Messages are no such field: they are looked at one by one.
    """

    fields: dict[str, bytes]
    sizes: dict[str, int]
    lists: dict[str, Items]


class Library:
    """The exchanges of a file so far, by what can be found in them."""

    def __init__(self) -> None:
        self._hasher = Hasher()
        self._known: list[Known] = []
        # By name of a field and hash of its value: the exchange in which it stands written out.
        self._fields: dict[tuple[str, bytes], int] = {}
        # By hash of a message without cache marks: the first and the last exchange that has it.
        self._first: dict[bytes, int] = {}
        self._last: dict[bytes, int] = {}
        # By hash of an answer, whatever the order of its fields.
        self._answers: dict[bytes, list[int]] = {}
        # What is looked for is mostly what is added next.
        self._hashed: tuple[object, _Hashed] | None = None

    def add(self, label: str, request: Request, response: Response) -> None:
        """Know one exchange more; it stands below all that are known."""
        body = request.json
        if not isinstance(body, dict):
            return
        place, blocks, hashed = len(self._known), answer_blocks(response), self._hash(body)
        known = Known(label, hashed.fields, hashed.lists, blocks)
        self._known.append(known)
        for item in known.fields.items():
            self._fields.setdefault(item, place)
        for key in known.lists[MESSAGES].bare if MESSAGES in known.lists else ():
            self._first.setdefault(key, place)
            self._last[key] = place
        for key in _answer_keys(blocks):
            self._answers.setdefault(key, []).append(place)

    def find(self, request: Request) -> Shared | None:
        """What exchanges above have of this request; None where that is not worth while."""
        body = request.json
        # Where a request itself holds the words of the notation, they must not be taken for it.
        if not self._known or not isinstance(body, dict) or _holds_notation(body):
            return None
        written, sources = dict(body), list[Known]()
        hashed = self._hash(body)
        lists = hashed.lists
        if MESSAGES in lists and (found := self._find_base(lists[MESSAGES])) is not None:
            sources.append(found[0])
            written[MESSAGES] = found[1].items
        elif (
            sum(hashed.sizes[item[0]] for item in hashed.fields.items() if item in self._fields)
            < _WORTH_ALONE
        ):
            return None
        for name, key in hashed.fields.items():
            written[name] = self._share_field(name, key, body[name], lists, sources)
        return Shared(tuple(known.label for known in sources), written) if sources else None

    def _hash(self, body: dict[str, object]) -> _Hashed:
        if self._hashed is None or self._hashed[0] is not body:
            texts = {name: format_json(value) for name, value in body.items() if name != MESSAGES}
            sizes = {name: len(text) for name, text in texts.items() if len(text) >= _WORTH}
            lists = {
                name: self._hasher.hash_items(name, value)
                for name, value in body.items()
                if isinstance(value, list) and value
            }
            self._hashed = body, _Hashed({name: hash_text(texts[name]) for name in sizes}, sizes, lists)
        return self._hashed[1]

    def _share_field(
        self, name: str, key: bytes, value: object, lists: dict[str, Items], sources: list[Known]
    ) -> object:
        """A long field as it is written; an exchange that it points at is added to `sources`."""
        number = next((at for at, source in enumerate(sources, 1) if source.fields.get(name) == key), None)
        if number is None and (name, key) in self._fields:
            sources.append(self._known[self._fields[name, key]])
            number = len(sources)
        if number is not None:
            return {EARLIER: ALL} if number == 1 else {EARLIER: ALL, "of": number}
        if name in lists and sources and name in sources[0].lists:
            found = plan(name, lists[name], sources[0])
            return found.items if found.spared >= _WORTH else value
        return value

    def _find_base(self, messages: Items) -> tuple[Known, Plan] | None:
        """The exchange that has most of the messages, the first of those that have as much."""
        best: tuple[Known, Plan] | None = None
        for place in sorted(self._candidates(messages)):
            known = self._known[place]
            if MESSAGES not in known.lists:
                continue
            found = plan(MESSAGES, messages, known)
            is_worth = found.goes_on or found.spared >= _WORTH
            if is_worth and (best is None or found.spared > best[1].spared):
                best = known, found
        return best

    def _candidates(self, messages: Items) -> set[int]:
        """The last message that is known, in the first and last exchange with it; and the last answer."""
        found: set[int] = set()
        for value, bare in zip(reversed(messages.values), reversed(messages.bare), strict=True):
            if not found and bare in self._first:
                found = {self._first[bare], self._last[bare]}
            twins = self._answers.get(_said_key(_content_of(value)), [])
            if twins:
                return found.union(twins[-_MOST_TWINS:])
        return found


def _holds_notation(body: dict[str, object]) -> bool:
    return any(
        is_reference(value) or (isinstance(value, list) and any(map(is_reference, value)))
        for value in body.values()
    )


def _answer_keys(blocks: Sequence[object] | None) -> set[bytes]:
    return {_said_key(blocks), _said_key(join_text(blocks))} - {_NOTHING} if blocks else set()


def _content_of(message: object) -> Any:
    is_answer = isinstance(message, dict) and message.get("role") == "assistant"
    return message.get("content") if is_answer and isinstance(message, dict) else None


def _said_key(content: object) -> bytes:
    """What stands for an answer, without what applications change in sending it back."""
    if isinstance(content, list):
        blocks = [block for block in content if isinstance(block, dict)]
        said = [block.get("text") or block.get("id") for block in blocks]
        return hash_text(format_json([part for part in said if isinstance(part, str)]))
    return hash_text(content) if isinstance(content, str) and content else _NOTHING
