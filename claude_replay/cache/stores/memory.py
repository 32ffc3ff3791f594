"""Entries in this process' memory."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from cachetools import Cache, TLRUCache

from claude_replay.cache.entry import EVERYTHING, Entry, Listed, Selection, Stored, StoreStats, describe_entry
from claude_replay.cache.stores.twins import DirectTwins
from claude_replay.errors import StoreError

__all__ = ["MemoryStore"]

_DEFAULT_BYTES = 64 * 1024 * 1024
_MOST_KIN = 256


class MemoryStore(DirectTwins):
    """
    Keeps entries as long as the process lives, at most `max_bytes` of them, the least recently used go first.

    `max_bytes` is 64 MiB by default. `clock` gives Unix seconds.
    """

    def __init__(self, *, max_bytes: int = _DEFAULT_BYTES, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._shelf = _Shelf(max_bytes, clock)
        self._counters: dict[str, float] = {}
        self._epochs: Counter[str] = Counter()
        self._leases: dict[str, tuple[str, float]] = {}
        self._closed = False
        self._lock = threading.RLock()

    def get(self, key: str) -> Stored | None:
        with self._lock:
            self._refuse_closed()
            slot = self._shelf.get(key)
            if slot is None:
                return None
            slot.hits += 1
            slot.used = self._clock()
            return Stored(slot.entry.envelope, slot.entry.created, slot.entry.expires)

    def put(self, entry: Entry) -> None:
        with self._lock:
            self._refuse_closed()
            self._shelf.drop(entry.key)
            fits = entry.size <= self._shelf.maxsize
            if fits and (entry.expires is None or entry.expires > self._clock()):
                self._shelf.add(entry)

    def load(self, key: str) -> Entry | None:
        with self._lock:
            self._refuse_closed()
            slot = self._shelf.peek(key)
            return slot.entry if slot is not None else None

    def delete(self, key: str) -> bool:
        with self._lock:
            self._refuse_closed()
            return self._shelf.drop(key)

    def delete_where(self, selection: Selection) -> int:
        with self._lock:
            chosen = [slot.entry.key for slot in self._slots() if selection.takes(slot.entry)]
            return sum(map(self._shelf.drop, chosen))

    def kin(self, marks: Sequence[str], limit: int = 32) -> list[Listed]:
        with self._lock:
            self._refuse_closed()
            keys = {key for mark in marks for key in self._newest(mark)}
            found = [slot for key in keys if (slot := self._shelf.peek(key)) is not None]
            return _describe(found)[:limit]

    def _newest(self, mark: str) -> Iterator[str]:
        # By time of arrival, which for entries of one process is near enough to their age.
        return islice(reversed(self._shelf.marked.get(mark, {})), _MOST_KIN)

    def listed(self, selection: Selection = EVERYTHING) -> Iterator[Listed]:
        with self._lock:
            return iter(_describe([slot for slot in self._slots() if selection.takes(slot.entry)]))

    def count(self, amounts: Mapping[str, float]) -> None:
        with self._lock:
            self._refuse_closed()
            for name, amount in amounts.items():
                self._counters[name] = self._counters.get(name, 0) + amount

    def stats(self) -> StoreStats:
        with self._lock:
            self._refuse_closed()
            shelf = self._shelf
            return StoreStats(len(shelf), int(shelf.currsize), shelf.evicted, dict(self._counters))

    def epochs(self, names: Sequence[str]) -> tuple[int, ...]:
        with self._lock:
            self._refuse_closed()
            return tuple(self._epochs[name] for name in names)

    def advance(self, name: str) -> int:
        with self._lock:
            self._refuse_closed()
            self._epochs[name] += 1
            return self._epochs[name]

    def lease(self, key: str, holder: str, seconds: float) -> bool:
        with self._lock:
            self._refuse_closed()
            now = self._clock()
            owner, until = self._leases.get(key, (holder, now))
            if owner != holder and until > now:
                return False
            self._leases[key] = (holder, now + seconds)
            return True

    def release(self, key: str, holder: str) -> None:
        with self._lock:
            self._refuse_closed()
            if self._leases.get(key, ("", 0.0))[0] == holder:
                del self._leases[key]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._shelf.clear()
            self._shelf.marked.clear()

    def _slots(self) -> list[_Slot]:
        self._refuse_closed()
        return [slot for key in self._shelf if (slot := self._shelf.peek(key)) is not None]

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreError("this MemoryStore was closed; make a new one, or close it after its last use")


def _describe(slots: list[_Slot]) -> list[Listed]:
    newest = sorted(slots, key=lambda slot: (-slot.entry.created, slot.entry.key))
    return [describe_entry(slot.entry, slot.hits, slot.used) for slot in newest]


@dataclass(slots=True)
class _Slot:
    """An entry and how it was used."""

    entry: Entry
    hits: int = 0
    used: float = 0.0


class _Shelf(TLRUCache[str, _Slot, float]):
    """The entries and an index of their marks; whatever leaves is taken out of the index as well."""

    def __init__(self, max_bytes: int, clock: Callable[[], float]) -> None:
        super().__init__(
            max_bytes,
            lambda key, slot, now: math.inf if slot.entry.expires is None else slot.entry.expires,
            clock,
            lambda slot: slot.entry.size,
        )
        self.marked: dict[str, dict[str, None]] = {}
        self.evicted = 0

    def add(self, entry: Entry) -> None:
        self[entry.key] = _Slot(entry)
        for mark in entry.marks:
            self.marked.setdefault(mark, {})[entry.key] = None

    def peek(self, key: str) -> _Slot | None:
        """What is under `key`, without counting as use."""
        return Cache.__getitem__(self, key) if key in self else None

    def drop(self, key: str) -> bool:
        """Forget an entry; whether there was one."""
        slot = self.peek(key)
        if slot is None:
            # One whose time is over still takes up room.
            self.expire()
            return False
        with suppress(KeyError):
            # Raised, after the work is done, for one whose time has just run out.
            del self[key]
        self._unmark(slot.entry)
        return True

    def popitem(self) -> tuple[str, _Slot]:
        key, slot = super().popitem()
        self.evicted += 1
        self._unmark(slot.entry)
        return key, slot

    def expire(self, time: float | None = None) -> list[tuple[str, _Slot]]:
        gone = super().expire(time)
        for _, slot in gone:
            self._unmark(slot.entry)
        return gone

    def _unmark(self, entry: Entry) -> None:
        for mark in entry.marks:
            keys = self.marked.get(mark, {})
            keys.pop(entry.key, None)
            if not keys:
                self.marked.pop(mark, None)
