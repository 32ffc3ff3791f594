"""Entries in a file."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from cache.asking import make_client, text_of
from cache.contract import OpenStore, StoreContract, make_entry
from cache.processes import make_numbered
from claude_replay import ResponseCache, SQLiteStore, StoreError
from claude_replay.cache.entry import Selection
from claude_replay.cache.stores.schema import SCHEMA_VERSION
from sdk_ways import drive
from standin import ClaudeServer


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        names = itertools.count()
        return lambda: SQLiteStore(tmp_path / f"answers{next(names)}.db")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """The file, what SQLite keeps beside it, and the folder that was made for it."""
    old = os.umask(0)
    try:
        store = SQLiteStore(tmp_path / "made" / "deep" / "answers.db")
        store.put(make_entry())
        files = sorted((tmp_path / "made" / "deep").iterdir())
    finally:
        os.umask(old)

    assert [path.name for path in files] == ["answers.db", "answers.db-shm", "answers.db-wal"]
    assert {mode_of(path) for path in files} == {0o600}
    assert mode_of(tmp_path / "made" / "deep") == 0o700
    store.close()


def test_entries_outlive_the_process(tmp_path: Path) -> None:
    """With their uses, counters and epochs."""
    store = SQLiteStore(tmp_path / "answers.db")
    store.put(make_entry())
    store.get(make_entry().key)
    store.count({"hits": 2})
    store.advance("e")
    store.close()

    store = SQLiteStore(tmp_path / "answers.db")
    (listed,) = store.listed()
    assert (listed.hits, store.stats().counters, store.epochs(["e"])) == (1, {"hits": 2}, (1,))
    store.close()


def test_it_never_holds_more_than_its_bytes(tmp_path: Path) -> None:
    """Whatever is put, in whatever order."""
    store, chance = SQLiteStore(tmp_path / "answers.db", max_bytes=20_000), random.Random(7)
    for _ in range(200):
        store.put(make_entry(chance.randrange(60), envelope=b"x" * chance.randrange(6_000)))
        store.get(make_entry(chance.randrange(60)).key)
        assert store.stats().bytes <= 20_000
    assert sum(item.size for item in store.listed()) == store.stats().bytes
    assert len(list(store.listed())) == store.stats().entries
    assert store.stats().evicted > 50
    store.close()


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    """Reading counts as use."""
    one, now = make_entry(1), [1000.0]
    store = SQLiteStore(tmp_path / "answers.db", max_bytes=3 * one.size + 20, clock=lambda: now[0])
    for number in (1, 2, 3):
        store.put(make_entry(number))
        now[0] += 1
    store.get(one.key)
    store.put(make_entry(4))

    assert [item.key[-1] for item in store.listed()] == ["4", "3", "1"]
    store.put(make_entry(5, envelope=b"x" * 20_000))
    assert [item.key[-1] for item in store.listed()] == ["4", "3", "1"]
    store.close()


def test_many_small_entries_make_room_for_a_large_one(tmp_path: Path) -> None:
    """Also where that takes more than one step."""
    small = make_entry(1, marks=(), tags=())
    store = SQLiteStore(tmp_path / "answers.db", max_bytes=620 * small.size)
    for number in range(620):
        store.put(make_entry(number, marks=(), tags=()))
    store.put(make_entry(1000, envelope=b"x" * (600 * small.size)))

    assert store.stats().bytes <= store.max_bytes
    assert store.get(make_entry(1000).key) is not None
    store.close()


def test_time_runs_out(tmp_path: Path) -> None:
    """By the clock it was given; what is over is deleted by and by."""
    now = [1000.0]
    store = SQLiteStore(tmp_path / "answers.db", clock=lambda: now[0])
    for number in range(5):
        store.put(make_entry(number, expires=1010.0))
    store.put(make_entry(9))
    assert store.get(make_entry(1).key) is not None

    now[0] = 1010.0

    assert store.get(make_entry(1).key) is None
    assert store.load(make_entry(1).key) is None
    assert [item.key[-1] for item in store.kin(["all"])] == ["9"]
    assert [item.key[-1] for item in store.listed()] == ["9"]
    assert store.stats().entries == 1
    store.put(make_entry(10))
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (2,)
    assert store.lease("k", "me", 5)
    now[0] = 1014.0
    assert not store.lease("k", "you", 5)
    now[0] = 1015.0
    assert store.lease("k", "you", 5)
    store.close()


def test_deleting_gives_the_disk_its_space_back(tmp_path: Path) -> None:
    """In small bites, so that others can write meanwhile."""
    store = SQLiteStore(tmp_path / "answers.db")
    for number in range(1200):
        store.put(make_entry(number, envelope=b"x" * 2000))
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    full = store.path.stat().st_size

    assert store.delete_where(Selection(model="claude-sonnet-5")) == 1200
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert connection.execute("SELECT count(*) FROM tags").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM marks").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM uses").fetchone() == (0,)
    assert store.path.stat().st_size < full / 2
    store.close()


# ------------------------------------------------------------------ files that are not ours


def make_foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
        connection.execute("INSERT INTO customers VALUES ('Ada')")
        connection.commit()


def make_newer(path: Path) -> None:
    SQLiteStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def make_damaged(path: Path) -> None:
    store = SQLiteStore(path)
    for number in range(50):
        store.put(make_entry(number))
    store.close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_text("notes of mine\n" * 20), "not a store of answers"),
        (lambda path: path.write_bytes(b"SQLite"), "not a store of answers"),
        (make_foreign, "a database of another program"),
        (make_newer, f"a store of version {SCHEMA_VERSION + 1}, and this claude_replay reads version"),
        (make_damaged, "damaged"),
    ],
    ids=["text", "cut", "foreign", "newer", "damaged"],
)
def test_a_file_that_is_not_ours_is_left_alone(make: object, says: str, tmp_path: Path) -> None:
    """Opening it is an error that names it, and not a byte of it changes."""
    path = tmp_path / "answers.db"
    make(path)  # type: ignore[operator]
    before = path.read_bytes()

    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            ResponseCache(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert says in str(caught.value)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """As tempfile makes them."""
    (tmp_path / "answers.db").touch()
    store = SQLiteStore(tmp_path / "answers.db")
    store.put(make_entry())
    assert store.get(make_entry().key) is not None
    store.close()


@pytest.mark.parametrize("where", [".", "file/answers.db"])
def test_a_place_that_cannot_hold_a_file_is_named(where: str, tmp_path: Path) -> None:
    """A folder, or a path through a file."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreError, match=r"cannot be"):
        SQLiteStore(tmp_path / where)


def test_damage_in_use_is_a_live_call_and_a_warning(
    server: ClaudeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The application has its answer."""
    path = tmp_path / "answers.db"
    cache = ResponseCache(path)
    client = make_client(cache, server)
    drive(text_of(client))
    for beside in tmp_path.glob("answers.db-*"):
        beside.unlink()
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    while cache.store._idle:  # type: ignore[attr-defined]
        cache.store._idle.pop().close()  # type: ignore[attr-defined]
    assert "You said" in drive(text_of(client))
    assert server.count == 2
    assert f"{path}: damaged" in caplog.text


def test_a_full_disk_is_a_live_call_and_a_warning(
    server: ClaudeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What was kept before is still given."""
    cache = ResponseCache(tmp_path / "answers.db")
    client = make_client(cache, server)
    first = drive(text_of(client, "Hello"))
    with cache.store._connection() as connection:  # type: ignore[attr-defined]
        connection.execute("PRAGMA max_page_count = 1")

    assert "You said" in drive(
        text_of(client, f"Something long: {random.Random(1).randbytes(100_000).hex()}")
    )
    assert dict(cache.stats().not_kept) == {"store_failed": 1}
    assert "full" in caplog.text
    assert drive(text_of(client, "Hello")) == first
    cache.close()


# ------------------------------------------------------------------ several processes


def test_processes_share_it(tmp_path: Path) -> None:
    """What one puts, the other finds at once."""
    one, other = SQLiteStore(tmp_path / "answers.db"), SQLiteStore(tmp_path / "answers.db")
    one.put(make_entry(1))
    assert other.get(make_entry(1).key) is not None
    other.delete(make_entry(1).key)
    assert one.get(make_entry(1).key) is None
    assert one.lease("k", "one", 60)
    assert not other.lease("k", "other", 60)
    one.close()
    other.close()


def test_processes_may_open_it_at_the_same_time(tmp_path: Path) -> None:
    """The first one makes the tables."""
    stores, problems = list[SQLiteStore](), list[object]()
    ready = threading.Barrier(8)

    def run() -> None:
        ready.wait()
        try:
            stores.append(SQLiteStore(tmp_path / "answers.db"))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    stores[0].put(make_entry())
    assert all(store.get(make_entry().key) is not None for store in stores)
    for store in stores:
        store.close()


def test_a_forked_child_has_connections_of_its_own(tmp_path: Path) -> None:
    """It neither uses nor closes those it has inherited."""
    store = SQLiteStore(tmp_path / "answers.db")
    store.put(make_entry(1))
    store.get(make_entry(1).key)
    child = os.fork()
    if not child:  # pragma: no cover
        try:
            assert store.get(make_entry(1).key) is not None
            store.put(make_entry(2))
            store.close()
        except BaseException:
            os._exit(1)
        os._exit(0)

    assert os.waitpid(child, 0)[1] == 0
    assert store.get(make_entry(2).key) is not None
    store.put(make_entry(3))
    (first, *_others) = store.listed(Selection(created_before=make_entry(2).created))
    assert first.hits == 1
    store.close()


def test_nothing_is_lost_or_damaged_by_killing(tmp_path: Path) -> None:
    """Writers that are killed in the middle: every entry one has said to be kept is there, whole."""
    path = tmp_path / "answers.db"
    kept = set[int]()
    SQLiteStore(path).close()
    for round_ in range(3):
        command = [sys.executable, "-m", "cache.processes", str(path)]
        starts = [round_ * 1_000_000, round_ * 1_000_000 + 500_000]
        writers = [
            subprocess.Popen(
                [*command, str(start)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
            )
            for start in starts
        ]
        for writer in writers:
            assert writer.stdout is not None
            for _ in range(40):
                kept.add(int(writer.stdout.readline()))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            rest, _ = writer.communicate()
            kept.update(int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n"))

    store = SQLiteStore(path)
    for number in kept:
        stored = store.get(make_numbered(number).key)
        assert stored is not None
        assert stored.envelope == make_numbered(number).envelope
    stats = store.stats()
    assert len(kept) >= 240
    assert stats.entries == len(list(store.listed())) >= len(kept)
    assert stats.bytes == sum(item.size for item in store.listed())
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_copy_of_the_file_is_a_store(tmp_path: Path) -> None:
    """Closed, it is one file."""
    store = SQLiteStore(tmp_path / "answers.db")
    store.put(make_entry())
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["answers.db"]
    shutil.copy(tmp_path / "answers.db", tmp_path / "copy.db")

    copy = SQLiteStore(tmp_path / "copy.db")
    assert copy.get(make_entry().key) is not None
    copy.close()


def test_uses_are_merged_when_there_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever writes then; they count the same before and after."""
    monkeypatch.setattr("claude_replay.cache.stores.sqlite._MERGED_WHEN_PUT", 50)
    monkeypatch.setattr("claude_replay.cache.stores.sqlite._MERGED_WHEN_GOT", 200)
    store = SQLiteStore(tmp_path / "answers.db")
    for number in range(100):
        store.put(make_entry(number, created=1000.0 + number))

    def count_noted() -> int:
        with closing(sqlite3.connect(tmp_path / "answers.db")) as connection:
            noted: int = connection.execute("SELECT count(*) FROM recent_uses").fetchone()[0]
            return noted

    for number in range(64):
        store.get(make_entry(number).key)
    assert count_noted() == 64
    store.put(make_entry(100, created=1100.0))
    assert count_noted() == 0
    for turn in range(4):
        for number in range(64):
            store.get(make_entry(number).key)
        assert count_noted() == (0 if turn == 3 else 64 * (turn + 1))

    assert [listed.hits for listed in store.listed()] == [0] * 37 + [5] * 64
    store.close()


def test_a_use_that_was_noted_is_not_taken_for_one_of_a_later_entry(tmp_path: Path) -> None:
    """Though SQLite would give its number to the next."""
    store = SQLiteStore(tmp_path / "answers.db")
    store.put(make_entry(1))
    for _ in range(64):
        store.get(make_entry(1).key)
    store.put(make_entry(1))

    (listed,) = store.listed()
    assert listed.hits == 0
    store.close()


# ------------------------------------------------------------------ connections


def test_many_hits_are_written_at_once(tmp_path: Path) -> None:
    """In sync and async code."""
    store = SQLiteStore(tmp_path / "answers.db")
    store.put(make_entry(1))
    for number in range(70):
        store.put(make_entry(number))

    async def read() -> None:
        for number in range(70):
            await store.aget(make_entry(number).key)

    asyncio.run(read())
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT count(*) FROM recent_uses").fetchone() == (64,)
    for number in range(70):
        store.get(make_entry(number).key)
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT count(*) FROM recent_uses").fetchone() == (128,)
    store.close()


def test_closing_while_somebody_reads_closes_that_connection_too(tmp_path: Path) -> None:
    """As soon as it is free."""
    store = SQLiteStore(tmp_path / "answers.db")
    with store._connection() as connection:
        store.close()
        connection.execute("SELECT 1")
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")


def test_another_process_begins_without_what_it_has_inherited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither connections nor uses that the parent will write."""
    store = SQLiteStore(tmp_path / "answers.db")
    store.put(make_entry())
    store.get(make_entry().key)
    inherited = list(store._idle)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert store.get(make_entry().key) is not None

    assert inherited[0] not in store._idle
    assert inherited[0].execute("SELECT 1").fetchone() == (1,)
    store.close()
    inherited[0].close()


def test_a_new_file_that_is_in_use_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for ever."""
    path = tmp_path / "answers.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("claude_replay.cache.stores.schema._BUSY_SECONDS", 0.0)
        with pytest.raises(StoreError, match="locked"):
            SQLiteStore(path)

        def release(seconds: float) -> None:
            if other.in_transaction:
                other.execute("ROLLBACK")

        monkeypatch.undo()
        monkeypatch.setattr("claude_replay.cache.stores.schema.connect", connect_at_once)
        monkeypatch.setattr("claude_replay.cache.stores.schema.time.sleep", release)
        SQLiteStore(path).close()


def connect_at_once(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=0, isolation_level=None)


def test_a_task_writes_uses_as_a_thread_does(tmp_path: Path) -> None:
    """When there are enough of them."""

    async def use_all() -> None:
        store = SQLiteStore(tmp_path / "answers.db")
        for number in range(64):
            await store.aput(make_entry(number))
        for number in range(64):
            await store.aget(make_entry(number).key)
        with closing(sqlite3.connect(tmp_path / "answers.db")) as connection:
            assert connection.execute("SELECT count(*) FROM recent_uses").fetchone() == (64,)
        await store.aclose()

    asyncio.run(use_all())


def test_a_long_list_comes_in_pages(tmp_path: Path) -> None:
    """Each entry once, also where several are of the same moment."""
    store = SQLiteStore(tmp_path / "answers.db")
    for number in range(520):
        store.put(make_entry(number, created=1000.0 + number // 7, marks=()))

    keys = [listed.key for listed in store.listed()]

    assert len(keys) == len(set(keys)) == 520
    store.close()
