"""From what a user names to a store."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence

from claude_replay.cache.stores.base import Store
from claude_replay.cache.stores.memory import MemoryStore
from claude_replay.cache.stores.sqlite import SQLiteStore
from claude_replay.errors import CacheError

__all__ = ["open_store"]

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+]+)://")
_SERVERS = ("redis", "rediss", "unix", "valkey", "valkeys")


def open_store(
    named: Store | str | os.PathLike[str] | None,
    *,
    max_bytes: int | None = None,
    clock: Callable[[], float] = time.time,
    encryption_key: str | bytes | Sequence[str | bytes] | None = None,
) -> Store:
    """
    None is memory, a path SQLite, a `redis://` address the server behind it, a store itself; encrypted with a key.

    Raises CacheError for what is none of these, StoreError for a file that cannot be opened.
    """
    store = _open(named, {} if max_bytes is None else {"max_bytes": max_bytes}, clock)
    if encryption_key is None:
        return store
    from claude_replay.cache.stores.encrypted import EncryptedStore

    return EncryptedStore(store, encryption_key)


def _open(
    named: Store | str | os.PathLike[str] | None, size: dict[str, int], clock: Callable[[], float]
) -> Store:
    if named is None:
        return MemoryStore(clock=clock, **size)
    if not isinstance(named, (str, os.PathLike)):
        if not callable(getattr(named, "aget", None)):
            raise CacheError(
                f"store: {type(named).__name__} is no store; give a path, an address, or a store"
            )
        if size:
            raise CacheError("max_bytes: give it to the store itself, or name a path instead of a store")
        return named
    text = os.fspath(named)
    address = _ADDRESS.match(text)
    if address is None:
        return SQLiteStore(text, clock=clock, **size)
    if address[1].lower() not in _SERVERS:
        raise CacheError(
            f"store: nothing is known of {address[0]}...; "
            f"addresses begin with {', '.join(f'{name}://' for name in _SERVERS)}, anything else is a path"
        )
    if size:
        raise CacheError("max_bytes: how much a server holds is set there (`maxmemory`); leave it out")
    from claude_replay.cache.stores.redis import RedisStore

    return RedisStore(text)
