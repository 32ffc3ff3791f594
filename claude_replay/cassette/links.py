"""
Which exchanges of a file point at which.

    continues: 6f1c0d9a4b7e2c11-5d41402a         # an exchange above, by its id
    continues: 6f1c0d9a4b7e2c11-5d41402a/2       # the second one with that id: the same was asked twice

By id, not by place: exchanges may be put in another order, added and deleted by hand. Only what stands above can
be pointed at, so nothing goes round in circles.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from claude_replay.cassette.identity import seal

__all__ = ["Linked", "Links", "read_labels"]


class Linked(Protocol):
    """An exchange of a file: its line, its id, the labels of those it points at, and its two texts."""

    line: int

    @property
    def short_id(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def request_text(self) -> bytes: ...

    @property
    def answer_text(self) -> bytes: ...


_ANSWER = (b"answer:", b"answer':", b'answer":')
_Entry = TypeVar("_Entry", bound=Linked)


def read_labels(value: object) -> tuple[str, ...]:
    """The labels under `continues`; raises ValueError where it is neither an id nor a list of some."""
    labels = value if isinstance(value, list) else [value]
    if not labels or not all(isinstance(label, str) and label for label in labels):
        raise ValueError(f"request.continues: the id of an exchange was expected, not {value!r:.60}")
    return tuple(labels)


class Links(Generic[_Entry]):
    """The exchanges of one file from top to bottom."""

    __slots__ = ("_bases", "_entries", "_places", "_seals")

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._places: dict[str, list[int]] = {}
        self._bases: dict[int, tuple[int, ...]] = {}
        self._seals: dict[int, int] = {}

    def add(self, entry: _Entry) -> int:
        """Append an exchange; its place, from 0."""
        place = len(self._entries)
        self._entries.append(entry)
        self._places.setdefault(entry.short_id, []).append(place)
        return place

    def label(self, place: int) -> str | None:
        """What an exchange is pointed at by; None where it has no id."""
        short_id = self._entries[place].short_id
        if not short_id:
            return None
        number = self._places[short_id].index(place) + 1
        return short_id if number == 1 else f"{short_id}/{number}"

    def find(self, label: str, below: int) -> int:
        """
        The place of the exchange that a label names, seen from the one at `below`.

        Raises ValueError where there is none, or it does not stand above.
        """
        short_id, number = label, 1
        if label not in self._places:
            head, _, tail = label.rpartition("/")
            if tail.isdecimal() and int(tail[:9]):
                short_id, number = head, int(tail[:9])
        places = self._places.get(short_id, []) if short_id else []
        if len(places) < number:
            raise ValueError(f"request.continues: no exchange in this file has the id {label!r:.60}")
        place = places[number - 1]
        if place >= below:
            where = (
                f"stands below, in line {self._entries[place].line}"
                if place > below
                else "is this one itself"
            )
            raise ValueError(
                f"request.continues: only exchanges above can be continued, and {label!r:.60} {where}"
            )
        return place

    def bases(self, place: int) -> tuple[int, ...]:
        """The places an exchange points at; raises as `find` does."""
        known = self._bases.get(place)
        if known is None:
            labels = self._entries[place].labels
            known = self._bases[place] = tuple(self.find(label, place) for label in labels)
        return known

    def seals(self, place: int) -> list[int]:
        """The check sums of what an exchange points at, all it means included; raises as `find` does."""
        return self.seals_of(self.bases(place), self._entries[place].request_text)

    def seals_of(self, bases: Sequence[int], request_text: bytes) -> list[int]:
        """The check sums of the exchanges at `bases` for a request that points at them; raises as `find` does."""
        # Not by recursion: a conversation of a thousand turns is a chain as long.
        waiting = [base for base in bases if base not in self._seals]
        while waiting:
            top = waiting[-1]
            below, text = self.bases(top), self._entries[top].request_text
            missing = [base for base in below if base not in self._seals]
            if missing:
                waiting += missing
                continue
            self._seals[top] = seal(text, self._seals_for(below, text))
            waiting.pop()
        return self._seals_for(bases, request_text)

    def _seals_for(self, bases: Sequence[int], request_text: bytes) -> list[int]:
        found = [self._seals[base] for base in bases]
        # An answer only counts where it is pointed at. Looked for as text: once too often does no harm.
        if any(word in request_text for word in _ANSWER):
            found += [seal(self._entries[base].answer_text) for base in bases]
        return found

    def chain(self, place: int) -> list[int]:
        """All that an exchange points at, and what these point at, from the top down; not what is missing."""
        found: set[int] = set()
        waiting = [place]
        while waiting:
            with contextlib.suppress(ValueError):
                fresh = [base for base in self.bases(waiting.pop()) if base not in found]
                found.update(fresh)
                waiting += fresh
        return sorted(found)

    def __getitem__(self, place: int) -> _Entry:
        return self._entries[place]

    def __len__(self) -> int:
        return len(self._entries)
