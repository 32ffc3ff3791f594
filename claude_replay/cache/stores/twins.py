"""Async twins for stores whose methods are sync."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import anyio.to_thread

from claude_replay.cache.entry import EVERYTHING, Entry, Listed, Selection, Stored, StoreStats
from claude_replay.cache.stores.base import Store

__all__ = ["DirectTwins", "ThreadedTwins"]

_Result = TypeVar("_Result")
_PAGE = 256


class DirectTwins(Store):
    """Twins that simply call the sync method: for stores that never wait."""

    async def _call(self, function: Callable[..., _Result], *args: object) -> _Result:
        return function(*args)

    async def aget(self, key: str) -> Stored | None:
        return self.get(key)

    async def aput(self, entry: Entry) -> None:
        await self._call(self.put, entry)

    async def aload(self, key: str) -> Entry | None:
        return await self._call(self.load, key)

    async def adelete(self, key: str) -> bool:
        return await self._call(self.delete, key)

    async def adelete_where(self, selection: Selection) -> int:
        return await self._call(self.delete_where, selection)

    async def akin(self, marks: Sequence[str], limit: int = 32) -> list[Listed]:
        return await self._call(self.kin, marks, limit)

    async def alisted(self, selection: Selection = EVERYTHING) -> AsyncIterator[Listed]:
        found = iter(self.listed(selection))
        while page := await self._call(_take, found):
            for item in page:
                yield item

    async def acount(self, amounts: Mapping[str, float]) -> None:
        await self._call(self.count, amounts)

    async def astats(self) -> StoreStats:
        return await self._call(self.stats)

    async def aepochs(self, names: Sequence[str]) -> tuple[int, ...]:
        return await self._call(self.epochs, names)

    async def aadvance(self, name: str) -> int:
        return await self._call(self.advance, name)

    async def alease(self, key: str, holder: str, seconds: float) -> bool:
        return await self._call(self.lease, key, holder, seconds)

    async def arelease(self, key: str, holder: str) -> None:
        await self._call(self.release, key, holder)

    async def aclose(self) -> None:
        await self._call(self.close)


class ThreadedTwins(DirectTwins):
    """
    Twins that call the sync method in a worker thread, under asyncio and trio.

    Except `aget`, the path of every hit: a local look-up is shorter than the way to a thread and back.
    """

    async def _call(self, function: Callable[..., _Result], *args: object) -> _Result:
        return await anyio.to_thread.run_sync(function, *args)


def _take(items: Iterator[Listed]) -> list[Listed]:
    return [item for _, item in zip(range(_PAGE), items, strict=False)]
