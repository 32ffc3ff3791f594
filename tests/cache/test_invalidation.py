"""What was kept is forgotten in time, or when it is told to be."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import anthropic
import anyio
import pytest

from cache.asking import SEATS, ask, close_all, make_client, run_both, text_of
from claude_replay import MemoryStore, ResponseCache, SQLiteStore, use_cassette
from claude_replay.cache import Selection
from sdk_ways import drive, settle
from standin import ClaudeServer


def status(cache: ResponseCache) -> str:
    """What was done with the last call."""
    return cache.last.status if cache.last is not None else ""


class Clock:
    """Unix seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("place", ["memory", "file"])
def test_answers_are_kept_for_a_time(place: str, server: ClaudeServer, tmp_path: Path, clock: Clock) -> None:
    """For `ttl`, and not a second longer."""
    with ResponseCache(tmp_path / "a.db" if place == "file" else None, ttl="1h", clock=clock) as cache:
        client = make_client(cache, server)
        first = drive(text_of(client))
        clock.now += 3599
        assert drive(text_of(client)) == first
        assert cache.last is not None
        assert cache.last.age == 3599

        clock.now += 1
        assert drive(text_of(client)) != first
        assert server.count == 2


def test_the_default_is_a_week_and_none_is_for_ever(server: ClaudeServer, clock: Clock) -> None:
    """As other caches of answers do."""
    caches = [ResponseCache(clock=clock), ResponseCache(ttl=None, clock=clock)]
    for cache in caches:
        drive(text_of(make_client(cache, server)))
    assert [next(cache.store.listed()).expires for cache in caches] == [clock.now + 7 * 86400, None]


def test_a_call_may_ask_for_a_younger_answer(server: ClaudeServer, clock: Clock) -> None:
    """And how long its own is kept."""
    cache = ResponseCache(ttl="1h", clock=clock)
    client = make_client(cache, server)
    drive(text_of(client))
    clock.now += 100
    with cache.options(ttl=100):
        drive(text_of(client))
    assert dict(cache.stats().misses) == {"new": 1, "expired": 1}
    assert next(cache.store.listed()).expires == clock.now + 100


def test_jitter_spreads_the_ends(server: ClaudeServer, clock: Clock) -> None:
    """Each entry's own share is always the same, and within bounds."""
    cache = ResponseCache(ttl=1000, jitter=0.5, clock=clock)
    client = make_client(cache, server)
    for number in range(20):
        drive(text_of(client, f"Hello {number}"))

    left = [(listed.expires or 0) - clock.now for listed in cache.store.listed()]
    assert 500 <= min(left) < max(left) <= 1000
    assert len(set(left)) == 20


@pytest.mark.parametrize("seat", SEATS)
def test_a_stale_answer_is_given_while_a_fresh_one_is_fetched(
    seat: str, server: ClaudeServer, clock: Clock
) -> None:
    """Once; the next call has the fresh one."""

    async def scenario() -> None:
        cache = ResponseCache(ttl=10, stale_while_revalidate=50, clock=clock)
        client = make_client(cache, server, seat)
        first = await text_of(client)
        clock.now += 10
        assert await text_of(client) == first
        assert status(cache) == "stale"

        await until(lambda: cache.stats().kept == 2, seat)
        second = await text_of(client)
        assert second != first
        assert status(cache) == "hit"
        assert (server.count, cache.stats().stale) == (2, 1)

        clock.now += 60
        assert await text_of(client) not in (first, second)

    run_both(seat, scenario)


async def until(condition: Any, seat: str) -> None:
    """Wait for what happens in the background."""
    waiting = threading.Event()
    for _ in range(2000):
        if condition():
            return
        if seat == "async":
            await anyio.sleep(0.005)
        else:
            waiting.wait(0.005)
    raise AssertionError("it did not happen")


def test_a_stale_stream_is_renewed_as_a_whole(server: ClaudeServer, clock: Clock) -> None:
    """Also where trio runs the tasks."""
    import trio

    cache = ResponseCache(ttl=10, stale_while_revalidate=50, clock=clock)

    async def scenario() -> None:
        client = make_client(cache, server, "async")

        async def say() -> str:
            async with client.messages.stream(**ask("Hello [ordinal]")) as stream:
                return str(await stream.get_final_text())

        first = await say()
        clock.now += 10
        assert await say() == first
        while cache.stats().kept < 2:
            await trio.sleep(0.005)
        assert await say() != first
        await client.close()

    trio.run(scenario)
    assert server.count == 2


def test_only_one_renews(server: ClaudeServer, clock: Clock) -> None:
    """However many are given the stale answer meanwhile, and in however many caches."""
    store = MemoryStore(clock=clock)
    caches = [ResponseCache(store, ttl=10, stale_while_revalidate=50, clock=clock) for _ in range(2)]
    clients = [make_client(cache, server) for cache in caches]
    drive(text_of(clients[0], "Hello [slow 100]"))
    clock.now += 10
    for client in clients * 3:
        drive(text_of(client, "Hello [slow 100]"))
    drive(until(lambda: sum(cache.stats().kept for cache in caches) == 2, "sync"))

    assert server.count == 2


@pytest.mark.parametrize("seat", SEATS)
def test_a_renewal_that_fails_is_only_logged(
    seat: str, server: ClaudeServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The stale answer is given until its time is over for good."""

    async def scenario() -> None:
        cache = ResponseCache(ttl=10, stale_while_revalidate=50, clock=clock)
        client = make_client(cache, server, seat)
        first = await text_of(client)
        clock.now += 10
        server.script("[cut-json]")
        assert await text_of(client) == first
        await until(lambda: "could not be fetched anew" in caplog.text, seat)
        assert await text_of(client) == first
        await until(lambda: cache.stats().kept == 2, seat)

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_nothing_is_renewed_under_a_cassette(
    seat: str, server: ClaudeServer, clock: Clock, tmp_path: Path
) -> None:
    """The cache makes no call by itself there."""

    async def scenario() -> None:
        cache = ResponseCache(ttl=10, stale_while_revalidate=50, clock=clock)
        client = make_client(cache, server, seat)
        with use_cassette(tmp_path / "c.yaml", mode="once"):
            await text_of(client, "Other")
        first = await text_of(client)
        clock.now += 10
        with use_cassette(tmp_path / "c.yaml", mode="none", unplayed="ignore"):
            assert await text_of(client) == first
        await text_of(client, "Hello")
        assert (server.count, cache.stats().kept) == (3, 2)

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("place", ["memory", "file"])
def test_clearing_forgets_what_it_is_told_to(
    seat: str, place: str, server: ClaudeServer, tmp_path: Path, clock: Clock
) -> None:
    """By model, tag and age, or everything; only in its own namespace."""

    async def scenario() -> None:
        store = SQLiteStore(tmp_path / "a.db", clock=clock) if place == "file" else MemoryStore(clock=clock)
        cache = ResponseCache(store, namespace="mine", clock=clock)
        other = ResponseCache(store, namespace="other", clock=clock)
        client, another = make_client(cache, server, seat), make_client(other, server, seat)

        async def fill() -> None:
            store.delete_where(Selection())
            await text_of(another)
            with cache.options(tags=["a"]):
                await text_of(client, "One")
            clock.now += 100
            await text_of(client, "Two", model="claude-opus-5")

        async def clear(**conditions: Any) -> tuple[int, int]:
            await fill()
            removed = await settle(
                cache.aclear(**conditions) if seat == "async" else cache.clear(**conditions)
            )
            return removed, store.stats().entries

        assert await clear(model="claude-opus-5") == (1, 2)
        assert await clear(tag="a") == (1, 2)
        assert await clear(older_than=50) == (1, 2)
        assert await clear(older_than="1h") == (0, 3)
        assert await clear(tag="a", model="claude-opus-5") == (0, 3)
        assert await clear() == (2, 1)
        store.close()

    run_both(seat, scenario)


@pytest.mark.parametrize("conditions", [{}, {"tag": "t"}, {"model": "claude-sonnet-5"}])
def test_what_was_asked_before_clearing_is_not_kept_after(
    conditions: dict[str, str], server: ClaudeServer
) -> None:
    """Also where another process clears."""
    store = MemoryStore()
    cache, other = ResponseCache(store, tags=["t"]), ResponseCache(store)
    client = make_client(cache, server)
    with client.messages.stream(**ask("Hello [ordinal]")) as stream:
        other.clear(**conditions)
        first = stream.get_final_text()

    assert dict(cache.stats().not_kept) == {"cleared": 1}
    assert drive(text_of(client, "Hello [ordinal]")) != first


def test_clearing_something_else_does_not_matter(server: ClaudeServer) -> None:
    """What is on its way then is kept."""
    cache = ResponseCache()
    client = make_client(cache, server)
    with client.messages.stream(**ask("Hello")) as stream:
        cache.clear(tag="x")
        cache.clear(model="claude-opus-5")
        ResponseCache(cache.store, namespace="x").clear()
        stream.until_done()

    assert cache.stats().kept == 1


def test_a_new_version_asks_anew(server: ClaudeServer) -> None:
    """Old entries stay for those who still ask by the old one."""
    store = MemoryStore()
    old, new = ResponseCache(store, version="prompts-1"), ResponseCache(store, version="prompts-2")
    first = drive(text_of(make_client(old, server)))
    assert drive(text_of(make_client(new, server))) != first
    assert drive(text_of(make_client(old, server))) == first
    assert dict(new.stats().misses) == {"scope_changed": 1}


def test_an_entry_of_another_version_of_the_format_is_asked_anew(
    server: ClaudeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Or one that cannot be read at all: said, counted, replaced."""
    from dataclasses import replace

    caplog.set_level(logging.WARNING)
    cache = ResponseCache()
    client = make_client(cache, server)
    drive(text_of(client))
    (listed,) = cache.store.listed()
    entry = cache.store.load(listed.key)
    assert entry is not None
    for envelope in (b'{"v":99}\n{}', b"not json", entry.envelope.replace(b'"kind":"json"', b'"kind":"sse"')):
        cache.store.put(replace(entry, envelope=envelope))
        drive(text_of(client) if b"sse" not in envelope else stream_once(client))

    assert dict(cache.stats().misses)["unreadable"] == 2
    assert "an entry is left out: not an entry of this version" in caplog.text


async def stream_once(client: Any) -> None:
    with client.messages.stream(**ask("Name three colors. [ordinal]")) as stream:
        stream.until_done()


def test_many_tasks_renew_once(server: ClaudeServer, clock: Clock) -> None:
    """All are given the stale answer at the same moment."""
    cache = ResponseCache(ttl=10, stale_while_revalidate=50, clock=clock)

    async def scenario() -> None:
        client = make_client(cache, server, "async")
        await text_of(client, "Hello [slow 50]")
        clock.now += 10
        await asyncio.gather(*(text_of(client, "Hello [slow 50]") for _ in range(5)))
        await until(lambda: cache.stats().kept == 2, "async")
        await close_all()

    asyncio.run(scenario())
    assert server.count == 2


def test_a_renewal_that_is_turned_off_meanwhile_makes_no_call(
    server: ClaudeServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A cassette was opened before it began."""
    later = list[Any]()
    monkeypatch.setattr("claude_replay.cache.live.in_thread", later.append)
    cache = ResponseCache(ttl=10, stale_while_revalidate=50, clock=clock)
    client = make_client(cache, server)
    drive(text_of(client))
    clock.now += 10
    drive(text_of(client))
    with use_cassette(tmp_path / "c.yaml", mode="once"):
        later[0]()
    assert server.count == 1


@pytest.mark.parametrize("seat", SEATS)
def test_the_transport_renews_too(seat: str, server: ClaudeServer, clock: Clock) -> None:
    """With a request of its own."""
    cache = ResponseCache(ttl=10, stale_while_revalidate=50, clock=clock)
    http: Any = (
        anthropic.DefaultAsyncHttpxClient(transport=cache.async_transport())
        if seat == "async"
        else anthropic.DefaultHttpxClient(transport=cache.transport())
    )

    async def scenario() -> None:
        client = make_client(None, server, seat, http_client=http)
        first = await text_of(client)
        clock.now += 10
        assert await text_of(client) == first
        assert status(cache) == "stale"
        await until(lambda: cache.stats().kept == 2, seat)
        assert await text_of(client) != first
        assert server.count == 2

    run_both(seat, scenario)
