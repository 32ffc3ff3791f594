"""Play or record: the one place that decides."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from claude_replay.matching import Index
from claude_replay.settings import RecordMode

__all__ = ["Compare", "Decider", "Miss", "Outcome", "Pass", "Play", "Record"]


@dataclass(frozen=True, slots=True)
class Play:
    """Answer with the recording at this place."""

    ordinal: int


@dataclass(frozen=True, slots=True)
class Record:
    """Send it and record the answer, in place of the recording at `replaces` where that is not None."""

    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """Send it and compare the answer with the recording at this place (None: there is none)."""

    ordinal: int | None


@dataclass(frozen=True, slots=True)
class Pass:
    """Send it and forget it."""


@dataclass(frozen=True, slots=True)
class Miss:
    """Refuse it."""


Outcome = Play | Record | Compare | Pass | Miss


class Decider:
    """
    Decides for each request in turn, and knows what was played.

    `keys` are the fingerprints of the recorded requests, or what stands for them, in order; `fresh` says that
    the file did not exist before this run, or that the test which recorded it has not passed yet; `repeat`
    plays the last equal one again.
    """

    def __init__(
        self, keys: Iterable[str], mode: RecordMode, *, fresh: bool = False, repeat: bool = False
    ) -> None:
        self._played: frozenset[int] = frozenset()
        self._learn(keys)
        self._mode = mode
        self._fresh = fresh
        self._repeat = repeat
        # Finding and taking must be one step, or two threads would be given one answer.
        self._lock = threading.Lock()

    def decide(self, key: str) -> Outcome:
        """The outcome for a request with this key."""
        if self._mode == "off":
            return Pass()
        if self._mode == "rewrite":
            return Record()
        with self._lock:
            ordinal = self._index.take(key)
        if self._mode == "all":
            return Record(ordinal)
        if self._mode == "verify":
            return Compare(ordinal)
        if ordinal is None and self._repeat:
            ordinal = self._last.get(key)
        if ordinal is not None:
            return Play(ordinal)
        if self._mode == "new_episodes" or (self._mode == "once" and self._fresh):
            return Record()
        return Miss()

    def give_back(self, key: str) -> None:
        """Take back the last decision for this key that took a recording: its call will be made again."""
        with self._lock:
            self._index.give_back(key)

    def peek(self, key: str) -> list[int]:
        """The places that requests with this key would be answered from, in order; nothing is taken."""
        if self._mode in ("off", "rewrite", "all", "verify"):
            return []
        with self._lock:
            places = self._index.find(key)
        return places or ([self._last[key]] if self._repeat and key in self._last else [])

    def rekey(self, keys: Iterable[str]) -> None:
        """Know the same recordings by other keys from now on; what was played stays played."""
        with self._lock:
            self._played |= self._index.taken
            self._learn(keys)

    def _learn(self, keys: Iterable[str]) -> None:
        known = list(keys)
        self._last = {key: ordinal for ordinal, key in enumerate(known)}
        if self._played:
            # A place keeps its number although nothing finds it any more.
            known = ["" if ordinal in self._played else key for ordinal, key in enumerate(known)]
        self._index = Index(known)

    @property
    def played(self) -> frozenset[int]:
        """The places of the recordings that were asked for."""
        with self._lock:
            return self._played | self._index.taken

    def unplayed(self) -> list[int]:
        """The places of the recordings that no request asked for."""
        played = self.played
        if len(played) == len(self._index):
            return []
        return [ordinal for ordinal in range(len(self._index)) if ordinal not in played]
