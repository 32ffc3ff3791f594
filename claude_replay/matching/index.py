"""Which exchange of a cassette answers a request, found by fingerprint."""

from __future__ import annotations

from collections.abc import Sequence


class Index:
    """
    Fingerprints in the order recorded, each handed out once; equal ones in that order.

    An ordinal is an exchange's position in the cassette, from 0. Look-ups take the same time at any size.
    Not safe for use by several threads at once: the caller holds a lock.
    """

    __slots__ = ("_count", "_ordinals", "_positions", "_taken")

    def __init__(self, fingerprints: Sequence[str]) -> None:
        self._count = len(fingerprints)
        self._ordinals: dict[str, list[int]] = {}
        # How many of the equal ones are taken: always the first so many.
        self._positions: dict[str, int] = {}
        self._taken: set[int] = set()
        for ordinal, fingerprint in enumerate(fingerprints):
            self._ordinals.setdefault(fingerprint, []).append(ordinal)

    def __len__(self) -> int:
        return self._count

    def take(self, fingerprint: str) -> int | None:
        """Take the first equal one that is not taken yet; its ordinal, or None where there is none."""
        ordinals = self._ordinals.get(fingerprint)
        if ordinals is None:
            return None
        position = self._positions.get(fingerprint, 0)
        if position == len(ordinals):
            return None
        self._positions[fingerprint] = position + 1
        self._taken.add(ordinals[position])
        return ordinals[position]

    def give_back(self, fingerprint: str) -> None:
        """Make the equal one that was taken last available again."""
        self._positions[fingerprint] -= 1
        self._taken.discard(self._ordinals[fingerprint][self._positions[fingerprint]])

    def find(self, fingerprint: str) -> list[int]:
        """The ordinals of the equal ones that are not taken yet, ascending; takes none."""
        return self._ordinals.get(fingerprint, [])[self._positions.get(fingerprint, 0) :]

    @property
    def taken(self) -> frozenset[int]:
        """The ordinals handed out so far."""
        return frozenset(self._taken)
