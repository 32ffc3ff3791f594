"""Entries in a file that several processes share."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from claude_replay.cache.entry import EVERYTHING, Entry, Listed, Selection, Stored, StoreStats
from claude_replay.cache.stores.schema import connect, explain, prepare_file
from claude_replay.cache.stores.twins import ThreadedTwins
from claude_replay.errors import StoreError

__all__ = ["SQLiteStore"]

_DEFAULT_BYTES = 1024 * 1024 * 1024
_MOST_KIN = 256
_BATCH = 500
_USES_AT_ONCE = 64
# Merging uses takes about a second in a large store: no more than a call that was live, which `put` ends, but long
# for a hit.
_MERGED_WHEN_PUT, _MERGED_WHEN_GOT = 20_000, 1_000_000
_EXPIRED_AT_ONCE = 16
_LISTED = (
    "e.id, e.key, e.namespace, e.model, e.tags, e.created, e.expires, e.size, e.key_version, e.lineage, "
    "u.hits, u.given FROM entries e JOIN uses u ON u.id = e.id"
)


class SQLiteStore(ThreadedTwins):
    """
    Keeps entries in one SQLite file, shared by all processes of a machine that name it.

    At most `max_bytes` of entries (1 GiB by default; the file is a little larger): beyond that the least
    recently used go first. `clock` gives Unix seconds. The file is made with mode 0600, its folder with 0700.

    Raises StoreError for a file that is damaged, not ours, or of a newer version; such a file is left as it is.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int = _DEFAULT_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = Path(path)
        self.max_bytes = max_bytes
        self._clock = clock
        self._idle: list[sqlite3.Connection] = []
        self._owner = os.getpid()
        self._closed = False
        # Uses not written yet, by row: how many, and when the last was.
        self._uses: dict[int, tuple[int, float]] = {}
        self._lock = threading.Lock()
        prepare_file(self.path)

    # ------------------------------------------------------------------ entries

    def get(self, key: str) -> Stored | None:
        stored = self._find(key)
        if len(self._uses) >= _USES_AT_ONCE:
            self._write_uses()
        return stored

    async def aget(self, key: str) -> Stored | None:
        # Reading waits for nobody, and is shorter than the way to a thread and back.
        stored = self._find(key)
        if len(self._uses) >= _USES_AT_ONCE:
            await self._call(self._write_uses)
        return stored

    def _find(self, key: str) -> Stored | None:
        with self._connection() as connection:
            row = connection.execute(
                "SELECT id, envelope, created, expires FROM entries WHERE key = ?", (_pack(key),)
            ).fetchone()
        now = self._clock()
        if row is None or (row[3] is not None and row[3] <= now):
            return None
        with self._lock:
            self._uses[row[0]] = (self._uses.get(row[0], (0, 0.0))[0] + 1, now)
        return Stored(row[1], row[2], row[3])

    def put(self, entry: Entry) -> None:
        with self._writing() as connection:
            self._add_uses(connection, _MERGED_WHEN_PUT)
            connection.execute("DELETE FROM entries WHERE key = ?", (_pack(entry.key),))
            now = self._clock()
            if (entry.expires is None or entry.expires > now) and entry.size <= self.max_bytes:
                _insert(connection, entry, now)
            self._make_room(connection, now)

    def _make_room(self, connection: sqlite3.Connection, now: float) -> None:
        connection.execute(
            "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE expires <= ? LIMIT ?)",
            (now, _EXPIRED_AT_ONCE),
        )
        (total,) = connection.execute("SELECT bytes FROM totals").fetchone()
        too_much = total - self.max_bytes
        if too_much > 0:
            _merge_uses(connection)
        while too_much > 0:
            oldest = connection.execute(
                "SELECT id, size FROM uses ORDER BY used, id LIMIT ?", (_BATCH,)
            ).fetchall()
            for row, size in oldest:
                connection.execute("DELETE FROM entries WHERE id = ?", (row,))
                connection.execute("UPDATE totals SET evicted = evicted + 1")
                too_much -= size
                if too_much <= 0:
                    break

    def load(self, key: str) -> Entry | None:
        with self._connection() as connection:
            row = connection.execute(
                "SELECT envelope, created, namespace, expires, model, tags, key_version, marks, lineage, request "
                "FROM entries WHERE key = ?",
                (_pack(key),),
            ).fetchone()
        if row is None or (row[3] is not None and row[3] <= self._clock()):
            return None
        envelope, created, namespace, expires, model, tags, key_version, marks, lineage, request = row
        return Entry(
            key,
            envelope,
            created,
            namespace,
            expires,
            model,
            tuple(json.loads(tags)),
            key_version,
            tuple(json.loads(marks)),
            lineage,
            request,
        )

    def delete(self, key: str) -> bool:
        with self._writing() as connection:
            return connection.execute("DELETE FROM entries WHERE key = ?", (_pack(key),)).rowcount > 0

    def delete_where(self, selection: Selection) -> int:
        conditions, values = _conditions(selection)
        removed = 0
        while True:
            # In small bites, so that others can write in between.
            with self._writing() as connection:
                rows = connection.execute(
                    f"SELECT e.id FROM entries e WHERE {conditions} LIMIT {_BATCH}", values
                ).fetchall()
                connection.executemany("DELETE FROM entries WHERE id = ?", rows)
            removed += len(rows)
            with self._connection() as connection:
                # `execute` would carry out one step of many, which is one page.
                connection.executescript(f"PRAGMA incremental_vacuum({_BATCH * 4})")
            if len(rows) < _BATCH:
                return removed

    def kin(self, marks: Sequence[str], limit: int = 32) -> list[Listed]:
        rows: set[int] = set()
        with self._connection() as connection:
            for mark in marks:
                # Rows are numbered by arrival: the newest first, without looking at all of a common mark.
                found = connection.execute(
                    f"SELECT id FROM marks WHERE mark = ? ORDER BY id DESC LIMIT {_MOST_KIN}", (mark,)
                )
                rows.update(row for (row,) in found)
            holes = ",".join("?" * len(rows))
            return self._list(
                connection,
                f"SELECT {_LISTED} WHERE e.id IN ({holes}) AND (e.expires IS NULL OR e.expires > ?) "
                "ORDER BY e.created DESC, e.key LIMIT ?",
                (*rows, self._clock(), limit),
            )

    def listed(self, selection: Selection = EVERYTHING) -> Iterator[Listed]:
        self._write_uses()
        with self._connection() as connection:
            (noted,) = connection.execute("SELECT EXISTS (SELECT 1 FROM recent_uses)").fetchone()
        if noted:
            with self._writing() as connection:
                _merge_uses(connection)
        conditions, values = _conditions(selection)
        before: tuple[float, bytes] = (float("inf"), b"")
        while True:
            with self._connection() as connection:
                page = self._list(
                    connection,
                    f"SELECT {_LISTED} WHERE {conditions} AND (e.expires IS NULL OR e.expires > ?) "
                    "AND (e.created < ? OR (e.created = ? AND e.key > ?)) "
                    f"ORDER BY e.created DESC, e.key LIMIT {_BATCH}",
                    (*values, self._clock(), before[0], *before),
                )
            yield from page
            if len(page) < _BATCH:
                return
            before = (page[-1].created, _pack(page[-1].key))

    def _list(self, connection: sqlite3.Connection, query: str, values: Sequence[object]) -> list[Listed]:
        return [
            Listed(_unpack(key), namespace, model, tuple(json.loads(tags)), *others)
            for _, key, namespace, model, tags, *others in connection.execute(query, values)
        ]

    # ------------------------------------------------------------------ counters, epochs, leases

    def count(self, amounts: Mapping[str, float]) -> None:
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                list(amounts.items()),
            )

    def stats(self) -> StoreStats:
        self._write_uses()
        with self._connection() as connection:
            entries, size, evicted = connection.execute(
                "SELECT entries, bytes, evicted FROM totals"
            ).fetchone()
            counters = dict(connection.execute("SELECT name, value FROM counters"))
            over = connection.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM entries WHERE expires <= ?", (self._clock(),)
            ).fetchone()
        return StoreStats(entries - over[0], size - over[1], evicted, counters)

    def epochs(self, names: Sequence[str]) -> tuple[int, ...]:
        if not names:
            return ()
        holes = ",".join("?" * len(names))
        with self._connection() as connection:
            known = dict(
                connection.execute(f"SELECT name, epoch FROM epochs WHERE name IN ({holes})", list(names))
            )
        return tuple(known.get(name, 0) for name in names)

    def advance(self, name: str) -> int:
        with self._writing() as connection:
            (epoch,) = connection.execute(
                "INSERT INTO epochs VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
                (name,),
            ).fetchone()
        return int(epoch)

    def lease(self, key: str, holder: str, seconds: float) -> bool:
        now = self._clock()
        with self._writing() as connection:
            changed = connection.execute(
                "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE "
                "SET holder = excluded.holder, until = excluded.until "
                "WHERE holder = excluded.holder OR until <= ?",
                (key, holder, now + seconds, now),
            ).rowcount
        return changed > 0

    def release(self, key: str, holder: str) -> None:
        with self._writing() as connection:
            connection.execute("DELETE FROM leases WHERE key = ? AND holder = ?", (key, holder))

    # ------------------------------------------------------------------ connections

    def close(self) -> None:
        if self._closed:
            return
        try:
            self._write_uses()
        finally:
            with self._lock:
                self._closed = True
                idle, self._idle = self._idle, []
            for connection in idle:
                connection.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile; errors of SQLite become StoreError."""
        try:
            connection = self._take()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise explain(self.path, error) from None
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise StoreError(
                    f"{self.path}: this store was closed; open it again, or close it after its last use"
                )
            if self._owner != os.getpid():
                # A forked child must neither use nor close what it has inherited.
                _inherited.extend(self._idle)
                self._idle, self._uses, self._owner = [], {}, os.getpid()
            if self._idle:
                return self._idle.pop()
        return connect(self.path)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The same within a transaction."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            # Left by an error the connection is closed, which undoes everything.
            yield connection
            connection.execute("COMMIT")

    def _write_uses(self) -> None:
        if self._uses:
            with self._writing() as connection:
                self._add_uses(connection, _MERGED_WHEN_GOT)

    def _add_uses(self, connection: sqlite3.Connection, most: int) -> None:
        """Note the uses of this process; merge all that are noted where they are more than `most`."""
        with self._lock:
            uses, self._uses = self._uses, {}
        rows = [(row, used, hits) for row, (hits, used) in uses.items()]
        connection.executemany("INSERT INTO recent_uses (id, used, hits) VALUES (?, ?, ?)", rows)
        first, last = (
            connection.execute(f"SELECT {pick}(place) FROM recent_uses").fetchone()[0] or 0
            for pick in ("min", "max")
        )
        if last - first >= most:
            _merge_uses(connection)


def _merge_uses(connection: sqlite3.Connection) -> None:
    """Write the uses noted since the last time to where they are looked for, in the order of the pages they are on."""
    rows = connection.execute(
        "SELECT sum(hits), max(used), max(used), id FROM recent_uses GROUP BY id ORDER BY id"
    ).fetchall()
    connection.executemany(
        "UPDATE uses SET hits = hits + ?, used = max(used, ?), given = max(given, ?) WHERE id = ?", rows
    )
    connection.execute("DELETE FROM recent_uses")


# Kept for good, so that they are never closed.
_inherited: list[sqlite3.Connection] = []


def _insert(connection: sqlite3.Connection, entry: Entry, now: float) -> None:
    row = connection.execute(
        "INSERT INTO entries (key, created, expires, namespace, model, tags, key_version, size, marks, lineage, "
        "envelope, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            _pack(entry.key),
            entry.created,
            entry.expires,
            entry.namespace,
            entry.model,
            json.dumps(entry.tags),
            entry.key_version,
            entry.size,
            json.dumps(entry.marks),
            entry.lineage,
            entry.envelope,
            entry.request,
        ),
    ).lastrowid
    # Being put counts as use: what was fetched last goes last.
    connection.execute("UPDATE uses SET used = ? WHERE id = ?", (now, row))
    connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(row, tag) for tag in entry.tags])
    connection.executemany("INSERT OR IGNORE INTO marks VALUES (?, ?)", [(row, mark) for mark in entry.marks])


def _conditions(selection: Selection) -> tuple[str, list[Any]]:
    conditions, values = ["1"], list[Any]()
    for column, value in (("namespace", selection.namespace), ("model", selection.model)):
        if value is not None:
            conditions.append(f"e.{column} = ?")
            values.append(value)
    if selection.tag is not None:
        conditions.append("e.id IN (SELECT id FROM tags WHERE tag = ?)")
        values.append(selection.tag)
    if selection.created_before is not None:
        conditions.append("e.created < ?")
        values.append(selection.created_before)
    return " AND ".join(conditions), values


def _pack(key: str) -> bytes:
    return bytes.fromhex(key)


def _unpack(key: bytes) -> str:
    return key.hex()
