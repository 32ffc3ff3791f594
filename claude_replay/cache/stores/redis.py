"""
Entries in Redis or Valkey, shared by as many machines as reach it.

Every command touches one key, so a cluster takes it as it is. An entry is a hash that the server expires; the marks
of entries are sorted sets of their own, which may be evicted like anything else. So nothing relies on them being
complete: `kin` checks what they name and heals them, and what must be exact (listing, deleting, counting) looks
through the keys.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from claude_replay.cache.entry import EVERYTHING, Entry, Listed, Selection, Stored, StoreStats
from claude_replay.cache.stores.base import Store
from claude_replay.cache.stores.redis_entries import (
    CHOOSING,
    HEAD,
    HEAD_AND_MARKS,
    LEASE,
    MARK,
    PUT,
    RELEASE,
    STORED,
    USE,
    WHOLE,
    is_chosen,
    read_head,
    read_texts,
    to_fields,
)
from claude_replay.cache.stores.redis_link import Command, OutOfStep, Plan, RedisLink
from claude_replay.errors import StoreError

__all__ = ["RedisStore"]

_MOST_KIN = 256
_USES_AT_ONCE = 64
_GLOB = re.compile(r"([*?\[\]\\])")


class RedisStore(Store):
    """
    Keeps entries in Redis 6 or later, or in Valkey.

    `url` is `redis://[user:password@]host[:port][/db]`, `rediss://…` (TLS), `unix:///path.sock`, or the same with
    `valkey://` and `valkeys://`; `?cluster=true` (or `cluster=True`) where it is any node of a cluster. `prefix` begins
    every key; caches of different prefixes share nothing. `timeout` is the longest wait for the server, in seconds.
    `options` go to the `redis` package (`ssl_ca_certs=…`, `password=…`).

    How much it may hold is the server's business: `maxmemory` with an LRU policy. Making a store connects to nothing.
    Raises SettingsError where the URL is not valid or the package `redis` is missing.
    """

    def __init__(
        self,
        url: str = "redis://127.0.0.1:6379/0",
        *,
        prefix: str = "claude-replay",
        cluster: bool = False,
        timeout: float = 2.0,
        **options: Any,
    ) -> None:
        self._link = RedisLink(url, cluster=cluster, timeout=timeout, options=options)
        self._prefix = prefix
        # Uses not written yet, by key: how many, and when the last was. Writing each would double the way of a hit.
        self._uses: dict[str, tuple[int, float]] = {}
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"RedisStore({self._link.place!r})"

    # ------------------------------------------------------------------ keys

    def _entry_key(self, key: str) -> str:
        return f"{self._prefix}:entry:{key}"

    def _short_key(self, kind: str, text: str) -> str:
        # Names may be long and hold anything.
        return (
            f"{self._prefix}:{kind}:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
        )

    @property
    def _pattern(self) -> str:
        return _GLOB.sub(r"\\\1", f"{self._prefix}:entry:") + "*"

    def _bare_key(self, key: bytes) -> str:
        return key.decode()[len(self._prefix) + len(":entry:") :]

    # ------------------------------------------------------------------ plans: what is asked, without I/O

    def _get(self, key: str) -> Plan[Stored | None]:
        now = time.time()
        ((envelope, created, expires, named),) = yield [("HMGET", self._entry_key(key), *STORED)]
        until = float(expires) if expires else None
        if envelope is None or (until is not None and until <= now):
            return None
        if named != key.encode():
            # What was interrupted between asking and reading may have left a reply behind.
            raise OutOfStep(f"Redis at {self._link.place}: gave the entry of another key")
        with self._lock:
            self._forget_inherited()
            self._uses[key] = (self._uses.get(key, (0, 0.0))[0] + 1, now)
        if len(self._uses) >= _USES_AT_ONCE:
            yield from self._write_uses()
        return Stored(envelope, float(created), until)

    def _write_uses(self) -> Plan[None]:
        if commands := self._take_uses():
            yield commands

    def _take_uses(self) -> list[Command]:
        with self._lock:
            self._forget_inherited()
            uses, self._uses = self._uses, {}
        return [
            ("EVAL", USE, 1, self._entry_key(key), hits, repr(used)) for key, (hits, used) in uses.items()
        ]

    def _forget_inherited(self) -> None:
        # What a forked child has of its parent, that will tell itself.
        if self._owner != os.getpid():
            self._uses, self._owner = {}, os.getpid()

    def _put(self, entry: Entry) -> Plan[None]:
        key = self._entry_key(entry.key)
        if entry.expires is not None and entry.expires <= time.time():
            yield [("DEL", key)]
            return
        until = "" if entry.expires is None else max(int(entry.expires * 1000), 1)
        commands = [
            (
                "EVAL",
                MARK,
                1,
                self._short_key("mark", mark),
                until,
                repr(entry.created),
                entry.key,
                _MOST_KIN,
            )
            for mark in entry.marks
        ]
        with self._lock:
            # They were the old one's.
            self._uses.pop(entry.key, None)
        yield [("EVAL", PUT, 1, key, until, *to_fields(entry)), *commands, *self._take_uses()]

    def _load(self, key: str) -> Plan[Entry | None]:
        ((*head, marks, envelope, request),) = yield [("HMGET", self._entry_key(key), *WHOLE)]
        listed = read_head(key, head)
        if listed is None or envelope is None:
            return None
        return Entry(
            key=key,
            envelope=envelope,
            created=listed.created,
            namespace=listed.namespace,
            expires=listed.expires,
            model=listed.model,
            tags=listed.tags,
            key_version=listed.key_version,
            marks=read_texts(marks),
            lineage=listed.lineage,
            request=request or b"",
        )

    def _delete(self, key: str) -> Plan[bool]:
        (count,) = yield [("DEL", self._entry_key(key))]
        return bool(count)

    def _delete_chosen(self, selection: Selection) -> Callable[[Sequence[bytes]], Plan[int]]:
        def plan(keys: Sequence[bytes]) -> Plan[int]:
            chosen = list(keys)
            if selection != EVERYTHING:
                heads = yield [("HMGET", key, *CHOOSING) for key in keys]
                chosen = [key for key, head in zip(keys, heads, strict=True) if is_chosen(head, selection)]
            counts = (yield [("DEL", key) for key in chosen]) if chosen else []
            return sum(counts)

        return plan

    def _kin(self, marks: Sequence[str], limit: int) -> Plan[list[Listed]]:
        if not marks:
            return []
        yield from self._write_uses()
        sets = [self._short_key("mark", mark) for mark in marks]
        found = yield [("ZREVRANGE", key, 0, _MOST_KIN - 1, "WITHSCORES") for key in sets]
        named: dict[str, float] = {}
        for members in found:
            named.update((member.decode(), float(score)) for member, score in members)
        kin: list[Listed] = []
        newest = sorted(named, key=lambda key: (-named[key], key))
        wanted = set(marks)
        while newest and len(kin) < limit:
            page, newest = newest[: limit - len(kin)], newest[limit - len(kin) :]
            heads = yield [("HMGET", self._entry_key(key), *HEAD_AND_MARKS) for key in page]
            stale = []
            for key, (*head, texts) in zip(page, heads, strict=True):
                listed = read_head(key, head)
                if listed is not None and wanted.intersection(read_texts(texts)):
                    kin.append(listed)
                else:
                    stale.append(key)
            if stale:
                yield [("ZREM", key, *stale) for key in sets]
        return kin

    def _read_heads(self, selection: Selection) -> Callable[[Sequence[bytes]], Plan[list[Listed]]]:
        def plan(keys: Sequence[bytes]) -> Plan[list[Listed]]:
            heads = yield [("HMGET", key, *HEAD) for key in keys]
            found = [read_head(self._bare_key(key), head) for key, head in zip(keys, heads, strict=True)]
            return [listed for listed in found if listed is not None and selection.takes(listed)]

        return plan

    def _measure(self, keys: Sequence[bytes]) -> Plan[tuple[int, int]]:
        sizes = yield [("HGET", key, "size") for key in keys]
        known = [int(size) for size in sizes if size is not None]
        return len(known), sum(known)

    def _count(self, amounts: Mapping[str, float]) -> Plan[None]:
        key = f"{self._prefix}:counters"
        if amounts:
            yield [("HINCRBYFLOAT", key, name, repr(float(amount))) for name, amount in amounts.items()]

    def _counters(self) -> Plan[dict[str, float]]:
        (found,) = yield [("HGETALL", f"{self._prefix}:counters")]
        return {name.decode(): float(value) for name, value in found.items()}

    def _epochs(self, names: Sequence[str]) -> Plan[tuple[int, ...]]:
        if not names:
            return ()
        (found,) = yield [("HMGET", f"{self._prefix}:epochs", *names)]
        return tuple(int(value or 0) for value in found)

    def _advance(self, name: str) -> Plan[int]:
        (epoch,) = yield [("HINCRBY", f"{self._prefix}:epochs", name, 1)]
        return int(epoch)

    def _lease(self, key: str, holder: str, seconds: float) -> Plan[bool]:
        lease, milliseconds = self._short_key("lease", key), max(int(seconds * 1000), 1)
        (taken,) = yield [("EVAL", LEASE, 1, lease, holder, milliseconds)]
        return bool(taken)

    def _release(self, key: str, holder: str) -> Plan[None]:
        yield [("EVAL", RELEASE, 1, self._short_key("lease", key), holder)]

    # ------------------------------------------------------------------ the protocol

    def get(self, key: str) -> Stored | None:
        return self._link.run(self._get(key))

    def put(self, entry: Entry) -> None:
        self._link.run(self._put(entry))

    def load(self, key: str) -> Entry | None:
        return self._link.run(self._load(key))

    def delete(self, key: str) -> bool:
        return self._link.run(self._delete(key))

    def delete_where(self, selection: Selection) -> int:
        return sum(self._link.sweep(self._pattern, self._delete_chosen(selection)))

    def kin(self, marks: Sequence[str], limit: int = 32) -> list[Listed]:
        return self._link.run(self._kin(marks, limit))

    def listed(self, selection: Selection = EVERYTHING) -> Iterator[Listed]:
        self._link.run(self._write_uses())
        return iter(_join(self._link.sweep(self._pattern, self._read_heads(selection))))

    def count(self, amounts: Mapping[str, float]) -> None:
        self._link.run(self._count(amounts))

    def stats(self) -> StoreStats:
        pages = self._link.sweep(self._pattern, self._measure)
        return _add_up(pages, self._link.run(self._counters()))

    def epochs(self, names: Sequence[str]) -> tuple[int, ...]:
        return self._link.run(self._epochs(names))

    def advance(self, name: str) -> int:
        return self._link.run(self._advance(name))

    def lease(self, key: str, holder: str, seconds: float) -> bool:
        return self._link.run(self._lease(key, holder, seconds))

    def release(self, key: str, holder: str) -> None:
        self._link.run(self._release(key, holder))

    def close(self) -> None:
        # Nobody is to fail for how often something was used.
        with suppress(StoreError):
            if self._uses:
                self._link.run(self._write_uses())
        self._link.close()

    async def aget(self, key: str) -> Stored | None:
        return await self._link.arun(self._get(key))

    async def aput(self, entry: Entry) -> None:
        await self._link.arun(self._put(entry))

    async def aload(self, key: str) -> Entry | None:
        return await self._link.arun(self._load(key))

    async def adelete(self, key: str) -> bool:
        return await self._link.arun(self._delete(key))

    async def adelete_where(self, selection: Selection) -> int:
        return sum(await self._link.asweep(self._pattern, self._delete_chosen(selection)))

    async def akin(self, marks: Sequence[str], limit: int = 32) -> list[Listed]:
        return await self._link.arun(self._kin(marks, limit))

    async def alisted(self, selection: Selection = EVERYTHING) -> AsyncIterator[Listed]:
        await self._link.arun(self._write_uses())
        for listed in _join(await self._link.asweep(self._pattern, self._read_heads(selection))):
            yield listed

    async def acount(self, amounts: Mapping[str, float]) -> None:
        await self._link.arun(self._count(amounts))

    async def astats(self) -> StoreStats:
        pages = await self._link.asweep(self._pattern, self._measure)
        return _add_up(pages, await self._link.arun(self._counters()))

    async def aepochs(self, names: Sequence[str]) -> tuple[int, ...]:
        return await self._link.arun(self._epochs(names))

    async def aadvance(self, name: str) -> int:
        return await self._link.arun(self._advance(name))

    async def alease(self, key: str, holder: str, seconds: float) -> bool:
        return await self._link.arun(self._lease(key, holder, seconds))

    async def arelease(self, key: str, holder: str) -> None:
        await self._link.arun(self._release(key, holder))

    async def aclose(self) -> None:
        with suppress(StoreError):
            if self._uses:
                await self._link.arun(self._write_uses())
        await self._link.aclose()


def _join(pages: Sequence[Sequence[Listed]]) -> list[Listed]:
    # A scan may name a key twice.
    unique = {listed.key: listed for page in pages for listed in page}
    return sorted(unique.values(), key=lambda listed: (-listed.created, listed.key))


def _add_up(pages: Sequence[tuple[int, int]], counters: Mapping[str, float]) -> StoreStats:
    return StoreStats(sum(count for count, _ in pages), sum(size for _, size in pages), 0, counters)
