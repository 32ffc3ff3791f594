"""What a store can do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Protocol

from claude_replay.cache.entry import EVERYTHING, Entry, Listed, Selection, Stored, StoreStats

__all__ = ["Store"]


class Store(Protocol):
    """
    Keeps entries, for one process or for many.

    Safe to use from several threads and event loops at once. What goes wrong below (disk full, connection
    lost, a damaged file) is raised as StoreError, whatever library raised it; the cache turns that into a live
    call and a warning. Only opening a file that is damaged, foreign or newer raises from `ResponseCache()`.

    Every method has an async twin with an `a` before its name, which never blocks the event loop for long
    and works under asyncio and trio. `a`/plain may be mixed on one store.

    Nothing but `put` may make a key appear. A store may forget any entry at any time (eviction), never give
    back another one or part of one.
    """

    def get(self, key: str) -> Stored | None:
        """
        The entry under `key`, which counts as used now; None where there is none or its time is over.

        The path of every hit: one look-up, no scan.
        """
        ...

    def put(self, entry: Entry) -> None:
        """
        Keep an entry, in place of one of the same key; whole or not at all.

        An entry whose time is over, or that alone is larger than the store, is not kept (and one of that key
        is gone). May push out the entries least recently used.
        """
        ...

    def load(self, key: str) -> Entry | None:
        """The whole entry, `request` included, without counting as use; None as for `get`."""
        ...

    def delete(self, key: str) -> bool:
        """Forget one entry; whether there was one."""
        ...

    def delete_where(self, selection: Selection) -> int:
        """
        Forget all entries of a selection; how many there were.

        Entries put while this runs may stay. Other processes keep reading and writing meanwhile.
        """
        ...

    def kin(self, marks: Sequence[str], limit: int = 32) -> list[Listed]:
        """
        Entries of any namespace that carry one of `marks`, newest first, each once, at most `limit`.

        For explaining misses and for look-ups that are not exact. At most a dozen marks are asked for at once;
        a store may remember only the newest few hundred entries of a mark.
        """
        ...

    def listed(self, selection: Selection = EVERYTHING) -> Iterator[Listed]:
        """Every entry of a selection, newest first; entries that come or go meanwhile may or may not be there."""
        ...

    def count(self, amounts: Mapping[str, float]) -> None:
        """Add to named counters, which all users of the store share and which outlive the process."""
        ...

    def stats(self) -> StoreStats:
        """How many entries and bytes there are, and the counters."""
        ...

    def epochs(self, names: Sequence[str]) -> tuple[int, ...]:
        """
        The epoch of each name; 0 for a name that was never advanced.

        The cache folds the epoch of its namespace into each key, and compares those of model and tags before
        and after a call, so that what was asked before a `clear()` cannot come in after it.
        """
        ...

    def advance(self, name: str) -> int:
        """Begin the next epoch of a name, for all users of the store at once; gives the new one."""
        ...

    def lease(self, key: str, holder: str, seconds: float) -> bool:
        """
        Become the one who fetches `key`, over all processes, for at most `seconds`.

        False where another holder has an unexpired lease. The same holder asking again extends it.
        """
        ...

    def release(self, key: str, holder: str) -> None:
        """Give a lease back; does nothing where another holder has it by now."""
        ...

    def close(self) -> None:
        """Write what is still to be written and let go of files and connections; further use is a StoreError."""
        ...

    async def aget(self, key: str) -> Stored | None:
        """Twin of `get`."""
        ...

    async def aput(self, entry: Entry) -> None:
        """Twin of `put`."""
        ...

    async def aload(self, key: str) -> Entry | None:
        """Twin of `load`."""
        ...

    async def adelete(self, key: str) -> bool:
        """Twin of `delete`."""
        ...

    async def adelete_where(self, selection: Selection) -> int:
        """Twin of `delete_where`."""
        ...

    async def akin(self, marks: Sequence[str], limit: int = 32) -> list[Listed]:
        """Twin of `kin`."""
        ...

    def alisted(self, selection: Selection = EVERYTHING) -> AsyncIterator[Listed]:
        """Twin of `listed`."""
        ...

    async def acount(self, amounts: Mapping[str, float]) -> None:
        """Twin of `count`."""
        ...

    async def astats(self) -> StoreStats:
        """Twin of `stats`."""
        ...

    async def aepochs(self, names: Sequence[str]) -> tuple[int, ...]:
        """Twin of `epochs`."""
        ...

    async def aadvance(self, name: str) -> int:
        """Twin of `advance`."""
        ...

    async def alease(self, key: str, holder: str, seconds: float) -> bool:
        """Twin of `lease`."""
        ...

    async def arelease(self, key: str, holder: str) -> None:
        """Twin of `release`."""
        ...

    async def aclose(self) -> None:
        """Twin of `close`."""
        ...
