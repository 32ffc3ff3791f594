"""The recorded requests of a cassette in canonical form, made when somebody looks at one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from claude_replay.matching import Sketch, sketch
from claude_replay.normalize import Canonical

__all__ = ["Recordings"]


class Recordings:
    """
    The requests in the order recorded.

    `make` gives the canonical form of the one at a place, and is asked once for each; it may raise
    CassetteLoadError.
    """

    def __init__(self, count: int, make: Callable[[int], Canonical]) -> None:
        self._count = count
        self._make = make
        self._forms: dict[int, Canonical] = {}
        self._sketches: dict[int, Sketch] = {}

    @classmethod
    def of(cls, forms: Sequence[Canonical]) -> Recordings:
        """Forms that are there already."""
        return cls(len(forms), forms.__getitem__)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Canonical]:
        return map(self.__getitem__, range(self._count))

    def __getitem__(self, place: int) -> Canonical:
        if place not in self._forms:
            self._forms[place] = self._make(place)
        return self._forms[place]

    def sketch(self, place: int) -> Sketch:
        """What the one at a place is compared by."""
        if place not in self._sketches:
            self._sketches[place] = sketch(self[place].form)
        return self._sketches[place]
