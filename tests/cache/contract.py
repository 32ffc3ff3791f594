"""
What every store does; the tests of a store are a subclass of StoreContract with a fixture `open_store`.

    class TestMemoryStore(StoreContract):
        @pytest.fixture
        def open_store(self) -> OpenStore:
            return MemoryStore

Each call of `open_store()` gives a new, empty store. Each test runs with the sync methods and with their async
twins, through `call`.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from claude_replay.cache import Entry, Listed, Selection, Store
from claude_replay.errors import StoreError

OpenStore = Callable[[], Store]
Call = Callable[..., Any]


def make_entry(number: int = 0, **changes: Any) -> Entry:
    """An entry of its own key for each number; the higher the number, the younger it is."""
    entry = Entry(
        key=f"{number:064x}",
        envelope=b'{"v":1,"body":"h\xc3\xa9llo %d"}' % number,
        created=time.time() - 1000 + number,
        namespace="space",
        model="claude-sonnet-5",
        tags=("faq",),
        marks=(f"one:{number}", "all"),
        lineage="a.b.c/d.e",
        request=b"\x78\x9c\x00\xff",
    )
    return replace(entry, **changes)


def keys_of(found: list[Listed]) -> list[str]:
    return [item.key for item in found]


class StoreContract:
    """Every store passes all of it."""

    @pytest.fixture
    def open_store(self) -> OpenStore:
        raise NotImplementedError

    @pytest.fixture
    def store(self, open_store: OpenStore) -> Store:
        return open_store()

    @pytest.fixture(params=["sync", "async"])
    def call(self, request: pytest.FixtureRequest, store: Store) -> Iterator[Call]:
        """Calls a method of the store, or its twin, on one event loop; what iterates comes as a list."""
        if request.param == "sync":

            def call(name: str, *args: object) -> Any:
                result = getattr(store, name)(*args)
                return list(result) if isinstance(result, Iterator) else result

            yield call
            store.close()
            return

        async def acall(name: str, *args: object) -> Any:
            result = getattr(store, f"a{name}")(*args)
            if inspect.isasyncgen(result):
                return [item async for item in result]
            return await result

        with asyncio.Runner() as runner:
            yield lambda name, *args: runner.run(acall(name, *args))
            runner.run(store.aclose())

    def test_what_was_put_is_given_back(self, call: Call) -> None:
        """A hit is the same bytes, with the times."""
        entry = make_entry(expires=time.time() + 60)
        call("put", entry)

        stored = call("get", entry.key)

        assert stored.envelope == entry.envelope
        assert stored.created == pytest.approx(entry.created, abs=0.002)
        assert stored.expires == pytest.approx(entry.expires, abs=0.002)

    def test_a_key_nobody_put_is_not_there(self, call: Call) -> None:
        """Also when others are."""
        call("put", make_entry(1))

        assert call("get", make_entry(2).key) is None
        assert call("load", make_entry(2).key) is None
        assert call("delete", make_entry(2).key) is False

    def test_an_entry_can_be_loaded_whole(self, call: Call) -> None:
        """With everything that was put, and without counting as use."""
        entry = make_entry(expires=time.time() + 60, key_version=7)
        call("put", entry)

        loaded = call("load", entry.key)

        assert replace(loaded, created=0, expires=0) == replace(entry, created=0, expires=0)
        (listed,) = call("listed")
        assert (listed.hits, listed.used) == (0, 0.0)

    def test_a_large_entry_comes_back_whole(self, call: Call) -> None:
        """Answers and requests may be megabytes."""
        entry = make_entry(envelope=b"e" * 2_000_000, request=bytes(range(256)) * 8_000)
        call("put", entry)

        assert call("get", entry.key).envelope == entry.envelope
        assert call("load", entry.key).request == entry.request

    def test_the_last_of_equal_keys_stays(self, call: Call) -> None:
        """And it is one entry, with its own tags and marks."""
        call("put", make_entry(tags=("old",), marks=("old",)))
        call("put", make_entry(envelope=b"{}", tags=("new",), marks=("new",)))

        assert call("get", make_entry().key).envelope == b"{}"
        assert call("stats").entries == 1
        assert call("kin", ["old"]) == []
        assert call("delete_where", Selection(tag="old")) == 0
        assert keys_of(call("kin", ["new"])) == [make_entry().key]

    def test_an_entry_whose_time_is_over_is_not_kept(self, call: Call) -> None:
        """Nor is the one it was to replace."""
        call("put", make_entry())
        call("put", make_entry(expires=time.time() - 1))

        assert call("get", make_entry().key) is None
        assert call("load", make_entry().key) is None
        assert call("listed") == []
        assert call("kin", ["all"]) == []

    def test_deleted_is_gone(self, call: Call) -> None:
        """From every way to find it."""
        call("put", make_entry(1))
        call("put", make_entry(2))

        assert call("delete", make_entry(1).key) is True

        assert call("get", make_entry(1).key) is None
        assert keys_of(call("kin", ["all"])) == [make_entry(2).key]
        assert keys_of(call("listed")) == [make_entry(2).key]

    @pytest.mark.parametrize(
        ("conditions", "left"),
        [
            ({"model": "claude-opus-5"}, [3, 2, 1]),
            ({"tag": "draft"}, [4, 3, 1]),
            ({"namespace": "other"}, [4, 2, 1]),
            ({"namespace": "space", "tag": "draft", "model": "claude-opus-5"}, [4, 3, 2, 1]),
            ({"namespace": "space"}, [3]),
            ({"tag": "dra"}, [4, 3, 2, 1]),
            ({}, []),
        ],
    )
    def test_a_selection_is_deleted(self, call: Call, conditions: dict[str, Any], left: list[int]) -> None:
        """By model, tag and namespace, or all of them; conditions are joined by and."""
        call("put", make_entry(1, tags=()))
        call("put", make_entry(2, tags=("faq", "draft")))
        call("put", make_entry(3, namespace="other"))
        call("put", make_entry(4, model="claude-opus-5"))

        assert call("delete_where", Selection(**conditions)) == 4 - len(left)

        assert keys_of(call("listed")) == [make_entry(number).key for number in left]
        assert call("stats").entries == len(left)

    def test_what_is_older_is_deleted(self, call: Call) -> None:
        """Age is that of the request."""
        for number in range(4):
            call("put", make_entry(number, created=1000.0 + number))

        assert call("delete_where", Selection(created_before=1002.0)) == 2
        assert keys_of(call("listed")) == [make_entry(3).key, make_entry(2).key]

    def test_a_selection_is_listed(self, call: Call) -> None:
        """Newest first, with all there is to say about an entry."""
        old, new = make_entry(1, tags=("a", "b")), make_entry(2, expires=time.time() + 99)
        for entry in (new, make_entry(3, model="claude-opus-5"), old):
            call("put", entry)

        found = call("listed", Selection(model="claude-sonnet-5"))

        assert keys_of(found) == [new.key, old.key]
        assert (found[1].namespace, found[1].model, found[1].tags) == ("space", "claude-sonnet-5", ("a", "b"))
        # What is encrypted or compressed has another size than what was put.
        assert found[1].size > 0
        assert found[1].lineage == old.lineage
        assert found[1].expires is None
        assert found[0].expires == pytest.approx(new.expires, abs=0.002)

    def test_more_entries_than_a_page_are_listed(self, call: Call) -> None:
        """Each once."""
        for number in range(300):
            call("put", make_entry(number, marks=()))

        assert keys_of(call("listed")) == [make_entry(number).key for number in reversed(range(300))]

    def test_kin_share_a_mark(self, call: Call) -> None:
        """Newest first, each once, not more than asked for."""
        for number in range(5):
            call("put", make_entry(number))

        assert keys_of(call("kin", ["one:3", "all"], 3)) == [make_entry(number).key for number in (4, 3, 2)]
        assert keys_of(call("kin", ["one:1", "one:9"])) == [make_entry(1).key]
        assert call("kin", ["nobody"]) == []
        assert call("kin", []) == []

    def test_use_is_counted(self, call: Call) -> None:
        """How often, and when it was last."""
        call("put", make_entry())
        before = time.time()
        call("get", make_entry().key)
        call("get", make_entry().key)

        (listed,) = call("listed")
        assert listed.hits == 2
        assert before - 1 <= listed.used <= time.time() + 1

    def test_counters_add_up(self, call: Call) -> None:
        """Whole numbers and fractions."""
        call("count", {"hits": 1, "saved_usd": 0.25})
        call("count", {"hits": 2, "misses.new_turn": 1, "saved_usd": 0.5})
        call("count", {})

        assert call("stats").counters == {"hits": 3, "misses.new_turn": 1, "saved_usd": 0.75}

    def test_stats_say_how_much_there_is(self, call: Call) -> None:
        """Entries and their bytes."""
        assert (call("stats").entries, call("stats").bytes) == (0, 0)
        entries = [make_entry(number) for number in range(3)]
        for entry in entries:
            call("put", entry)

        stats = call("stats")

        assert stats.entries == 3
        assert stats.bytes >= sum(len(entry.envelope) for entry in entries)

    def test_epochs_advance_by_name(self, call: Call) -> None:
        """Each for itself, from 0."""
        assert call("epochs", ["a", "b"]) == (0, 0)
        assert call("advance", "b") == 1
        assert call("advance", "b") == 2
        assert call("epochs", ["a", "b", "b"]) == (0, 2, 2)
        assert call("epochs", []) == ()

    def test_one_holder_has_the_lease(self, call: Call) -> None:
        """Until it gives it back; asking again extends it."""
        assert call("lease", "k", "me", 60.0) is True
        assert call("lease", "k", "me", 60.0) is True
        assert call("lease", "k", "you", 60.0) is False
        assert call("lease", "other", "you", 60.0) is True

        call("release", "k", "you")
        assert call("lease", "k", "you", 60.0) is False

        call("release", "k", "me")
        call("release", "k", "me")
        assert call("lease", "k", "you", 60.0) is True

    def test_a_lease_ends_by_itself(self, call: Call) -> None:
        """A holder that was killed does not keep others waiting."""
        assert call("lease", "k", "killed", 0.001) is True
        deadline = time.monotonic() + 10
        while not call("lease", "k", "me", 60.0):
            assert time.monotonic() < deadline

        call("release", "k", "killed")
        assert call("lease", "k", "killed", 60.0) is False

    def test_texts_are_kept_as_they_are(self, call: Call) -> None:
        """Names may hold what means something to databases."""
        odd = "it's; DROP {x} * % _ \\ \n é 日本"
        entry = make_entry(namespace=odd, model=odd, tags=(odd, "%"), marks=(odd,), lineage=odd)
        call("put", entry)

        (found,) = call("kin", [odd])
        assert (found.namespace, found.model, found.tags, found.lineage) == (odd, odd, (odd, "%"), odd)
        assert call("delete_where", Selection(tag="_")) == 0
        assert call("delete_where", Selection(namespace=odd, model=odd, tag=odd)) == 1
        call("count", {odd: 1})
        assert call("stats").counters == {odd: 1}
        assert call("advance", odd) == 1

    def test_a_closed_store_says_so(self, open_store: OpenStore) -> None:
        """It can be closed twice, and not used after."""
        store = open_store()
        store.put(make_entry())
        store.close()
        store.close()

        with pytest.raises(StoreError, match="closed"):
            store.get(make_entry().key)
        with pytest.raises(StoreError, match="closed"):
            store.put(make_entry())

    def test_threads_and_tasks_share_it(self, open_store: OpenStore) -> None:
        """No call fails, none gets another's entry, and nothing is lost."""
        store, problems = open_store(), list[object]()

        def use(start: int) -> None:
            try:
                for number in range(start, start + 40):
                    entry = make_entry(number)
                    store.put(entry)
                    stored = store.get(entry.key)
                    assert stored is not None
                    assert stored.envelope == entry.envelope
                    store.count({"n": 1})
            except BaseException as error:
                problems.append(error)

        async def ause(start: int) -> None:
            for number in range(start, start + 40):
                entry = make_entry(number)
                await store.aput(entry)
                stored = await store.aget(entry.key)
                assert stored is not None
                assert stored.envelope == entry.envelope
                await store.acount({"n": 1})

        async def use_all() -> None:
            await asyncio.gather(*(ause(start) for start in range(200, 400, 40)))
            await store.aclose()

        threads = [threading.Thread(target=use, args=(start,)) for start in range(0, 200, 40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert store.stats().entries == 200
        asyncio.run(use_all())
