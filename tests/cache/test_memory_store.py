"""Entries in memory."""

from __future__ import annotations

import random
import threading

import pytest

from cache.contract import OpenStore, StoreContract, make_entry
from claude_replay import MemoryStore


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return MemoryStore


def test_it_never_holds_more_than_its_bytes() -> None:
    """Whatever is put, in whatever order, the least recently used go first."""
    store, chance = MemoryStore(max_bytes=20_000), random.Random(7)
    for _ in range(500):
        store.put(make_entry(chance.randrange(100), envelope=b"x" * chance.randrange(6_000)))
        store.get(make_entry(chance.randrange(100)).key)
        assert store.stats().bytes <= 20_000
        assert sum(item.size for item in store.listed()) == store.stats().bytes

    assert store.stats().evicted > 100


def test_the_least_recently_used_goes_first() -> None:
    """Reading counts as use."""
    one = make_entry(1)
    store = MemoryStore(max_bytes=3 * one.size + 20)
    for number in (1, 2, 3):
        store.put(make_entry(number))
    store.get(one.key)
    store.put(make_entry(4))

    assert [item.key[-1] for item in store.listed()] == ["4", "3", "1"]
    assert [item.key[-1] for item in store.kin(["all"])] == ["4", "3", "1"]


def test_what_alone_is_too_large_is_not_kept() -> None:
    """Nor does it push out the rest; the entry it was to replace is gone."""
    store = MemoryStore(max_bytes=5_000)
    store.put(make_entry(1))
    store.put(make_entry(2))
    store.put(make_entry(1, envelope=b"x" * 5_000))

    assert [item.key[-1] for item in store.listed()] == ["2"]


def test_time_runs_out() -> None:
    """By the clock it was given; what is over makes room."""
    now = [1000.0]
    store = MemoryStore(clock=lambda: now[0])
    store.put(make_entry(1, expires=1010.0))
    store.put(make_entry(2))
    assert store.get(make_entry(1).key) is not None

    now[0] = 1010.0

    assert store.get(make_entry(1).key) is None
    assert store.load(make_entry(1).key) is None
    assert [item.key[-1] for item in store.kin(["one:1", "one:2"])] == ["2"]
    assert store.delete(make_entry(1).key) is False
    assert store.stats().entries == 1
    store.put(make_entry(1, expires=1020.0))
    assert store.stats().entries == 2


def test_leases_run_out() -> None:
    """By the same clock."""
    now = [1000.0]
    store = MemoryStore(clock=lambda: now[0])
    assert store.lease("k", "me", 5.0)
    assert not store.lease("k", "you", 5.0)
    now[0] = 1005.0
    assert store.lease("k", "you", 5.0)


def test_many_threads_at_the_edge_of_its_size() -> None:
    """Evicting while others read and write breaks nothing."""
    store, problems = MemoryStore(max_bytes=8_000), list[object]()

    def use(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(300):
                number = chance.randrange(50)
                store.put(make_entry(number, envelope=b"%d" % number * 200))
                stored = store.get(make_entry(number).key)
                assert stored is None or stored.envelope == b"%d" % number * 200
                assert store.stats().bytes <= 8_000
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
