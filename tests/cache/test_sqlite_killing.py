"""Processes that write into one SQLite store, and are killed while they do."""

from __future__ import annotations

from pathlib import Path

from benchmarks.stores import check, write_and_kill


def test_killed_writers_lose_nothing_that_was_kept(tmp_path: Path) -> None:
    """Every entry that `put` had confirmed is there, whole, and the file is sound."""
    path = tmp_path / "answers.db"

    kills, written = write_and_kill(path, tmp_path, seconds=4, every=1)

    assert kills >= 3
    assert written
    assert check(path, written) == (0, "ok")
