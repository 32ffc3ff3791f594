"""The tables of a SQLite store, and telling a file of ours from any other."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from claude_replay.errors import StoreError

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "connect", "explain", "prepare_file"]

SCHEMA_VERSION = 1
# "claR", where SQLite files say which program they belong to.
APPLICATION_ID = 0x636C6152
_BUSY_SECONDS = 10.0

# A row with large texts is written whole at each change, so what changes with each use is kept apart. In a large store
# each use would still change pages of its own; so uses are noted one behind the other, and written in bulk. Ids are
# not used again, or such a note could be taken for one about another entry.
_TABLES = """
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, created REAL NOT NULL, expires REAL,
    namespace TEXT NOT NULL, model TEXT NOT NULL, tags TEXT NOT NULL, key_version INTEGER NOT NULL,
    size INTEGER NOT NULL, marks TEXT NOT NULL, lineage TEXT NOT NULL, envelope BLOB NOT NULL, request BLOB NOT NULL
);
CREATE INDEX entries_by_age ON entries (created, namespace, model);
CREATE INDEX entries_by_end ON entries (expires) WHERE expires IS NOT NULL;
CREATE TABLE uses (
    id INTEGER PRIMARY KEY, used REAL NOT NULL, hits INTEGER NOT NULL, given REAL NOT NULL, size INTEGER NOT NULL
);
CREATE INDEX uses_by_age ON uses (used, id, size);
CREATE TABLE recent_uses (place INTEGER PRIMARY KEY, id INTEGER NOT NULL, used REAL NOT NULL, hits INTEGER NOT NULL);
CREATE TABLE tags (id INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (id, tag)) WITHOUT ROWID;
CREATE INDEX tags_by_name ON tags (tag, id);
CREATE TABLE marks (id INTEGER NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (id, mark)) WITHOUT ROWID;
CREATE INDEX marks_by_name ON marks (mark, id);
CREATE TABLE totals (one INTEGER PRIMARY KEY CHECK (one = 1), entries INTEGER, bytes INTEGER, evicted INTEGER);
INSERT INTO totals VALUES (1, 0, 0, 0);
CREATE TABLE counters (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE epochs (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE leases (key TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
    INSERT INTO uses VALUES (new.id, new.created, 0, 0, new.size);
    UPDATE totals SET entries = entries + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
    DELETE FROM uses WHERE id = old.id;
    DELETE FROM tags WHERE id = old.id;
    DELETE FROM marks WHERE id = old.id;
    UPDATE totals SET entries = entries - 1, bytes = bytes - old.size;
END;
"""


def prepare_file(path: Path) -> None:
    """
    See to it that `path` is a store of this version, made new where there is no file or an empty one.

    Raises StoreError for a file that is damaged, another program's, or of a newer version, and leaves it as it is.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made before SQLite does, as that would let everybody read it; the files beside it follow its mode.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        fresh = path.stat().st_size == 0
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened as a store of answers: {error.strerror}") from None
    if not fresh:
        _check_header(path)
    try:
        with closing(connect(path)) as connection:
            _prepare(connection, path)
    except sqlite3.Error as error:
        raise explain(path, error) from None


def connect(path: Path) -> sqlite3.Connection:
    """A connection that any one thread at a time may use; raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        # Survives a killed process; after a power cut the last answers may be missing, never damaged.
        connection.execute("PRAGMA synchronous = NORMAL")
        # As much as SQLite takes: pages that are not mapped are copied at each look.
        connection.execute("PRAGMA mmap_size = 2147418112")
    except BaseException:
        connection.close()
        raise
    return connection


def explain(path: Path, error: sqlite3.Error) -> StoreError:
    """SQLite's errors in words that say which file and what to do."""
    text = str(error)
    if isinstance(error, sqlite3.OperationalError):
        return StoreError(f"{path}: {text}")
    return StoreError(
        f"{path}: damaged ({text}); it was left as it is\n  begin anew: move it away, or name another file"
    )


def _check_header(path: Path) -> None:
    """Before SQLite opens it: what is no database is not to be touched."""
    try:
        with path.open("rb") as file:
            start = file.read(100)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
    if not start.startswith(b"SQLite format 3\0"):
        raise StoreError(
            f"{path}: not a store of answers; it was left as it is\n  use another path for the cache"
        )


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = _read_version(connection, path)
    if version is None:
        _create(connection)
        version = _read_version(connection, path)
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path}: a store of version {version}, and this claude_replay reads version {SCHEMA_VERSION}; it was "
            "left as it is\n  upgrade: pip install --upgrade pytest-claude-replay; or name another file"
        )
    # What a killed process has left.
    connection.execute("DELETE FROM leases WHERE until < unixepoch() - 86400")
    connection.execute("SELECT entries, bytes, evicted FROM totals").fetchone()


def _read_version(connection: sqlite3.Connection, path: Path) -> int | None:
    """The version of a store, None for an empty database."""
    # All three as of one moment: another process may be making the tables meanwhile.
    connection.execute("BEGIN")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    connection.execute("COMMIT")
    if (application, version, tables) == (0, 0, 0):
        return None
    if application != APPLICATION_ID:
        raise StoreError(
            f"{path}: a database of another program; it was left as it is\n  use another path for the cache"
        )
    return int(version)


def _create(connection: sqlite3.Connection) -> None:
    # Before the first table.
    _use_log(connection)
    # Left by an error the connection is closed, which undoes everything.
    connection.execute("BEGIN EXCLUSIVE")
    # Another process may have been first; then there is nothing left to do.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    marks = (f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {SCHEMA_VERSION}")
    for statement in () if tables else (*_split(_TABLES), *marks):
        connection.execute(statement)
    connection.execute("COMMIT")


def _use_log(connection: sqlite3.Connection) -> None:
    """Write-ahead logging; for this change SQLite itself does not wait until others are done."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def _split(script: str) -> list[str]:
    """The statements of a script; `executescript` would end the transaction."""
    statements, text = [], ""
    for line in script.splitlines():
        text += line + "\n"
        if sqlite3.complete_statement(text):
            statements.append(text)
            text = ""
    return statements
