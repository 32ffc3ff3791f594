"""From what a user names to a store."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from claude_replay.cache.stores.base import Store
from claude_replay.cache.stores.memory import MemoryStore
from claude_replay.errors import CacheError

__all__ = ["open_store"]

_SCHEME = re.compile(r"([a-z][a-z0-9+]+)://")
# Stores that an address leads to: scheme, then the function that opens it.
_BY_SCHEME: dict[str, Callable[[str], Store]] = {}


def open_store(
    named: Store | str | os.PathLike[str] | None, *, max_bytes: int | None, clock: Callable[[], float]
) -> Store:
    """
    None is memory, a path SQLite, an address the server behind it, a store itself.

    Raises CacheError for what is none of these, StoreError for a file that cannot be opened.
    """
    if named is None:
        return (
            MemoryStore(clock=clock) if max_bytes is None else MemoryStore(max_bytes=max_bytes, clock=clock)
        )
    if isinstance(named, (str, os.PathLike)):
        path = os.fspath(named)
        scheme = _SCHEME.match(path)
        if scheme is None:
            from claude_replay.cache.stores.sqlite import SQLiteStore

            return (
                SQLiteStore(path, clock=clock)
                if max_bytes is None
                else SQLiteStore(path, max_bytes=max_bytes, clock=clock)
            )
        opener = _BY_SCHEME.get(scheme[1])
        if opener is None:
            known = ", ".join(f"{name}://" for name in sorted(_BY_SCHEME)) or "none"
            raise CacheError(
                f"no store for {scheme[0]}...; addresses: {known}; anything else is a path of a file"
            )
        if max_bytes is not None:
            raise CacheError(
                "max_bytes: how much a server keeps is set there (Redis: maxmemory); leave it out"
            )
        return opener(path)
    if max_bytes is not None:
        raise CacheError("max_bytes: give it to the store itself, or name a path instead of a store")
    if not callable(getattr(named, "aget", None)):
        raise CacheError(f"store: {type(named).__name__} is no store; give a path, an address, or a Store")
    return named
