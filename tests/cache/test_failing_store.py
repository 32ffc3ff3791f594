"""A store that fails means a live call and a warning, never an error of the application."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from cache.asking import SEATS, make_client, run_both, text_of
from claude_replay import MemoryStore, ResponseCache, StoreError
from sdk_ways import drive
from standin import ClaudeServer


class Failing(MemoryStore):
    """A store of which some methods fail."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.failing = set(names)

    def __getattribute__(self, name: str) -> Any:
        method: Callable[..., Any] = object.__getattribute__(self, name)
        if name != "failing" and name in object.__getattribute__(self, "__dict__").get("failing", ()):

            def fail(*_: object) -> None:
                raise StoreError(f"{name}: the server is gone")

            return fail
        return method


EVERYTHING = ("get", "put", "kin", "count", "epochs", "advance", "lease", "release")


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("name", [*EVERYTHING, "everything"])
def test_calls_go_on(seat: str, name: str, server: ClaudeServer, caplog: pytest.LogCaptureFixture) -> None:
    """Whichever part of it fails; the warning comes once and says what was wrong."""
    names = EVERYTHING if name == "everything" else (name,)

    async def scenario() -> None:
        cache = ResponseCache(Failing(*names))
        client = make_client(cache, server, seat)
        for _ in range(3):
            assert "You said" in await text_of(client)

        used = name not in ("advance", "count")
        assert [record.message for record in caplog.records][:1] == (
            [caplog.records[0].message] if used or name == "count" else []
        )
        assert len(caplog.records) <= 1
        if caplog.records:
            assert "the server is gone; calls go on without the cache" in caplog.text
            assert cache.desk.policy.tally.sum_up().failures > 0

    caplog.set_level(logging.WARNING, "claude_replay.cache")
    run_both(seat, scenario)
    assert server.count == (3 if name in ("get", "put", "epochs", "everything") else 1)


def test_a_store_that_comes_back_is_used_again(server: ClaudeServer) -> None:
    """Without a restart."""
    store = Failing(*EVERYTHING)
    cache = ResponseCache(store)
    client = make_client(cache, server)
    drive(text_of(client))
    store.failing.clear()
    first = drive(text_of(client))
    assert drive(text_of(client)) == first
    assert server.count == 2
    assert dict(cache.stats().not_kept) == {"store_failed": 1}


def test_clearing_and_statistics_say_what_failed(server: ClaudeServer) -> None:
    """There the application has asked the store itself."""
    cache = ResponseCache(Failing("advance", "stats", "delete_where"))
    for call in (cache.clear, cache.stats, lambda: cache.clear(older_than=5)):
        with pytest.raises(StoreError, match="the server is gone"):
            call()

    async def scenario() -> None:
        with pytest.raises(StoreError, match="the server is gone"):
            await cache.aclear()

    drive(scenario())


def test_a_closed_cache_goes_on_without_its_store(server: ClaudeServer) -> None:
    """Clients may outlive it."""
    cache = ResponseCache()
    client = make_client(cache, server)
    drive(text_of(client))
    cache.close()

    assert "You said" in drive(text_of(client))
    assert server.count == 2


def test_a_given_store_is_not_closed(server: ClaudeServer) -> None:
    """Whoever made it closes it."""
    store = MemoryStore()
    with ResponseCache(store) as cache:
        drive(text_of(make_client(cache, server)))
    assert store.stats().counters["kept"] == 1
