"""
The response cache: equal requests are answered from the shelf.

A cassette is a cache that is reviewed and committed; a cache is a cassette nobody reviews.
"""

from __future__ import annotations

from claude_replay.cache.entry import Entry, Listed, Selection, Stored, StoreStats
from claude_replay.cache.stores.base import Store
from claude_replay.cache.stores.memory import MemoryStore
from claude_replay.cache.stores.sqlite import SQLiteStore

__all__ = ["Entry", "Listed", "MemoryStore", "SQLiteStore", "Selection", "Store", "StoreStats", "Stored"]
