"""Which of many texts come nearest to one, roughly and soon: by what they share, without reading them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Ranking", "Told"]

# The words at both ends are looked at one by one; what lies between, by the line.
_END = 500
_WORD = re.compile(rb"[\w\x80-\xff]+")


@dataclass(frozen=True, slots=True)
class Told:
    """
    A recorded request as the text it stands in the file with, and the answer that follows.

    It goes on from the ones at the places `bases` above it, whose requests and answers are part of it.
    """

    request: bytes
    answer: bytes
    bases: tuple[int, ...] = ()


class Ranking:
    """The texts of a cassette, taken apart once."""

    def __init__(self, told: Sequence[Told]) -> None:
        needed = {base for text in told for base in text.bases}
        # What is told in pieces stands on other lines than what is told at once.
        self._take_apart = _find_words if needed else _find_lines
        spoken: dict[int, set[bytes]] = {}
        self._parts: list[set[bytes]] = []
        for place, text in enumerate(told):
            parts = self._take_apart(text.request)
            parts.update(*(spoken[base] for base in text.bases))
            self._parts.append(parts)
            if place in needed:
                spoken[place] = parts.union(self._take_apart(text.answer))
        # What stands in all of them tells none from another: counted once, and not in each.
        self._common = set[bytes]().union(*self._parts[:1]).intersection(*self._parts)
        for parts in self._parts:
            parts -= self._common

    def find(self, sent: bytes, groups: Iterable[tuple[Callable[[int], bool], int]]) -> list[int]:
        """
        The places of the texts that share most with `sent`, of each group so many, best first.

        A place belongs to the first group whose test it passes.
        """
        wanted = self._take_apart(sent)
        shared, size = len(self._common & wanted), len(self._common) + len(wanted)
        wanted -= self._common
        scores = [(shared + len(parts & wanted)) / (len(parts) + size) for parts in self._parts]
        waiting = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
        found: list[int] = []
        for belongs, most in groups:
            found += [place for place in waiting if belongs(place)][:most]
            waiting = [place for place in waiting if not belongs(place)]
        return found


def _find_lines(text: bytes) -> set[bytes]:
    parts = set(text.split(b"\n"))
    parts.update(text[:_END].split(), text[-_END:].split())
    return parts


def _find_words(text: bytes) -> set[bytes]:
    return set(_WORD.findall(text))
