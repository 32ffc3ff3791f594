"""Entries in a file."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from cache.contract import OpenStore, StoreContract
from claude_replay.cache.stores.sqlite import SQLiteStore


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        names = itertools.count()
        return lambda: SQLiteStore(tmp_path / f"answers{next(names)}.db")
