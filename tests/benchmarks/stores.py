"""A SQLite store that is killed, and one that is large."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import Figure, Run
from benchmarks.measure import TESTS, clean_environment, run_apart
from claude_replay import SQLiteStore
from claude_replay.cache import Entry

_WRITERS = 4
_KILL_EVERY = 2.0
_PATIENCE = 60.0  # seconds more for writers that a busy machine has not let begin


# ------------------------------------------------------------------ killed


def measure_killing(run: Run) -> list[Figure]:
    """4 processes write into one file; every 2 s one of them is killed (SIGKILL), and another takes its place."""
    folder = run.make_folder("cache_killing")
    path, seconds = folder / "answers.db", run.choose(60, 10)
    kills, written = write_and_kill(path, folder, seconds=seconds, every=_KILL_EVERY)
    lost, damage = check(path, written)
    what = f"entries lost, {_WRITERS} processes writing for {seconds} s, {kills} of them killed"
    cell = f"{lost} of {len(written):,}, integrity {damage}"
    return [Figure(what, {"claude_replay": cell}, "0, ok", lost == 0 and damage == "ok" and len(written) > 0)]


def write_and_kill(path: Path, folder: Path, *, seconds: float, every: float) -> tuple[int, dict[str, str]]:
    """How many writers were killed, and the hashes of all entries that `put` had confirmed, by key."""
    draw, kills, number = random.Random(5), 0, 0
    end = time.monotonic() + seconds
    writers: list[subprocess.Popen[bytes]] = []
    try:
        while time.monotonic() < end or (not _has_written(folder) and time.monotonic() < end + _PATIENCE):
            while len(writers) < _WRITERS:
                writers.append(_start(path, folder / f"{number}.log", number))
                number += 1
            time.sleep(every)
            victim = writers.pop(draw.randrange(len(writers)))
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            kills += 1
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    lines = [line for log in folder.glob("*.log") for line in log.read_text(encoding="utf-8").splitlines()]
    # A log may end in half a line; what it says had then been confirmed, but nobody heard of it.
    return kills, dict(line.split() for line in lines if len(line) == 129)


def _has_written(folder: Path) -> bool:
    return any(log.stat().st_size for log in folder.glob("*.log"))


def _start(path: Path, log: Path, number: int) -> subprocess.Popen[bytes]:
    code = (
        f"from benchmarks.stores import write_for_ever; write_for_ever({str(path)!r}, {str(log)!r}, {number})"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=TESTS, env=clean_environment())


def write_for_ever(path: str, log: str, number: int) -> None:
    """Put entries, and note each in `log` once it is there."""
    store = SQLiteStore(path, max_bytes=10**12)
    with open(log, "ab", buffering=0) as confirmed:
        for count in range(10**9):
            key = hashlib.sha256(f"{number} {count}".encode()).hexdigest()
            envelope = hashlib.sha256(key.encode()).hexdigest().encode() * 60
            store.put(Entry(key, envelope, time.time(), model="m", tags=("t",), marks=(key[:8], "all")))
            store.get(key)
            confirmed.write(f"{key} {hashlib.sha256(envelope).hexdigest()}\n".encode())


def check(path: Path, written: dict[str, str]) -> tuple[int, str]:
    """How many of the confirmed entries are gone or changed, and what SQLite says of the file."""
    store = SQLiteStore(path, max_bytes=10**12)
    lost = 0
    for key, digest in written.items():
        stored = store.get(key)
        lost += stored is None or hashlib.sha256(stored.envelope).hexdigest() != digest
    store.close()
    connection = sqlite3.connect(path)
    damage: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return lost, damage


# ------------------------------------------------------------------ large


def measure_million(run: Run) -> list[Figure]:
    """A look-up among a million entries over one among a thousand, at random keys, wall time."""
    folder = run.make_folder("cache_million")
    counts = (1000, run.choose(1_000_000, 100_000))
    paths = {count: str(folder / f"{count}.db") for count in counts}
    for count, path in paths.items():
        run_apart(fill, path=path, count=count)
    small, large = run_apart(
        time_gets, stores=[[paths[count], count] for count in counts], gets=run.choose(20_000, 3000)
    )
    size = os.path.getsize(paths[counts[1]])
    what = (
        f"look-up among {counts[1]:,} entries ({size / 1e9:.1f} GB) / among 1,000 ({small * 1e6:.0f} µs wall)"
    )
    cell = f"{large / small:.2f} x, {large * 1e6:.0f} µs"
    return [Figure(what, {"claude_replay": cell}, "<= 2 x", large <= 2 * small)]


def _key(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()


def fill(path: str, count: int) -> None:
    """Put so many entries of 1 KB."""
    store = SQLiteStore(path, max_bytes=10**12)
    for number in range(count):
        envelope = json.dumps({"v": 1, "body": f"{number} " * 120}).encode()[:1000]
        store.put(Entry(_key(number), envelope, 1e9 + number, model="m", marks=(f"one:{number}",)))
    store.close()


def time_gets(stores: list[tuple[str, int]], gets: int) -> list[float]:
    """Seconds of one `get` of a random key in each store, which take turns; medians."""
    opened = [(SQLiteStore(path, max_bytes=10**12), count) for path, count in stores]
    draw = random.Random(7)
    times: list[list[float]] = [[] for _ in opened]
    for _ in range(gets):
        for place, (store, count) in enumerate(opened):
            key = _key(draw.randrange(count))
            begun = time.perf_counter()
            assert store.get(key) is not None
            times[place].append(time.perf_counter() - begun)
    for store, _ in opened:
        store.close()
    return [statistics.median(found) for found in times]
