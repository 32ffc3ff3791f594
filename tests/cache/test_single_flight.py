"""Who asks the same at the same time waits for one call."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from cache.asking import ask, close_all, make_client, text_of
from cache.processes import say
from claude_replay import MemoryStore, ResponseCache
from claude_replay.cache.flight import Flights, Place, here, here_async
from sdk_ways import UNFINISHED_GENERATORS, drive
from standin import ClaudeServer

SLOW = "Name three colors. [ordinal] [slow 30]"


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What each of several threads gives, which begin together."""
    results: list[Any] = [None] * count
    ready = threading.Barrier(count)

    def run(number: int) -> None:
        ready.wait()
        try:
            results[number] = work(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("place", ["memory", "file"])
def test_eight_threads_make_one_call(place: str, server: ClaudeServer, tmp_path: Path) -> None:
    """And all have its answer."""
    with ResponseCache(tmp_path / "answers.db" if place == "file" else None) as cache:
        client = make_client(cache, server)
        texts = in_threads(8, lambda _: drive(text_of(client, SLOW)))

    assert len(set(texts)) == 1
    assert server.count == 1


@pytest.mark.parametrize("place", ["memory", "file"])
def test_fifty_tasks_make_one_call(place: str, server: ClaudeServer, tmp_path: Path) -> None:
    """And all have its answer."""

    async def scenario() -> list[str]:
        async with ResponseCache(tmp_path / "answers.db" if place == "file" else None) as cache:
            client = make_client(cache, server, "async")
            texts = await asyncio.gather(*(text_of(client, SLOW) for _ in range(50)))
            stats = await cache.astats()
            assert (stats.hits, dict(stats.misses)) == (49, {"new": 1})
            await close_all()
            return texts

    assert len(set(asyncio.run(scenario()))) == 1
    assert server.count == 1


@pytest.mark.filterwarnings(UNFINISHED_GENERATORS)
def test_trio_tasks_make_one_call(server: ClaudeServer) -> None:
    """On its own event loop."""
    texts = list[str]()

    async def scenario() -> None:
        client = make_client(ResponseCache(), server, "async")

        async def say_it() -> None:
            texts.append(await text_of(client, SLOW))

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(say_it)
        await close_all()

    trio.run(scenario)
    assert len(texts) == 20
    assert len(set(texts)) == server.count == 1


def test_streams_make_one_call(server: ClaudeServer) -> None:
    """Who waits has the whole answer as soon as the first has read it."""
    cache = ResponseCache()
    client = make_client(cache, server)

    def say_it(_: int) -> str:
        with client.messages.stream(**ask("Say it. [ordinal] [words 20] [slow 1]")) as stream:
            return str(stream.get_final_text())

    assert len(set(in_threads(8, say_it))) == 1
    assert server.count == 1


def test_different_requests_do_not_wait_for_each_other(server: ClaudeServer) -> None:
    """Each has a flight of its own."""
    client = make_client(ResponseCache(), server)
    texts = in_threads(8, lambda number: drive(text_of(client, f"{SLOW} {number}")))

    assert len(set(texts)) == server.count == 8


def test_a_leader_that_fails_hands_over(server: ClaudeServer) -> None:
    """One after the other tries, until one has an answer for all that are left."""
    server.script("[status 400]", "[status 400]")
    client = make_client(ResponseCache(), server)
    results = in_threads(8, lambda _: drive(text_of(client, SLOW)))

    assert [type(result).__name__ for result in results].count("BadRequestError") == 2
    assert len({result for result in results if isinstance(result, str)}) == 1
    assert server.count == 3


def test_a_leader_that_is_cancelled_hands_over(server: ClaudeServer) -> None:
    """The next one in line makes the call."""

    async def scenario() -> list[Any]:
        client = make_client(ResponseCache(), server, "async")
        tasks = [asyncio.create_task(text_of(client, f"{SLOW} [slow 200]")) for _ in range(5)]
        while not server.count:
            await asyncio.sleep(0.005)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await close_all()
        return results

    results = asyncio.run(scenario())
    assert isinstance(results[0], asyncio.CancelledError)
    assert len(set(results[1:])) == 1
    assert server.count == 2


def test_a_cancelled_follower_leaves_the_others_alone(server: ClaudeServer) -> None:
    """The leader goes on."""

    async def scenario() -> list[Any]:
        client = make_client(ResponseCache(), server, "async")
        tasks = [asyncio.create_task(text_of(client, f"{SLOW} [slow 100]")) for _ in range(3)]
        while not server.count:
            await asyncio.sleep(0.005)
        tasks[1].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await close_all()
        return results

    first, second, third = asyncio.run(scenario())
    assert isinstance(second, asyncio.CancelledError)
    assert first == third
    assert server.count == 1


@pytest.mark.parametrize("seat", ["sync", "async"])
def test_who_holds_the_stream_open_does_not_wait_for_itself(seat: str, server: ClaudeServer) -> None:
    """The same question within the answer to it is a call of its own."""
    cache = ResponseCache()

    def sync() -> None:
        client = make_client(cache, server)
        with client.messages.stream(**ask("Hello")) as stream:
            assert client.messages.create(**ask("Hello")).content[0].text == stream.get_final_text()

    async def task() -> None:
        client = make_client(cache, server, "async")
        async with client.messages.stream(**ask("Hello")) as stream:
            message = await client.messages.create(**ask("Hello"))
            assert message.content[0].text == await stream.get_final_text()
        await close_all()

    sync() if seat == "sync" else asyncio.run(task())
    assert server.count == 2


def test_a_stream_that_is_dropped_lets_the_others_go_on(server: ClaudeServer) -> None:
    """Without being closed."""
    cache = ResponseCache()
    client = make_client(cache, server)
    response = client.messages.with_raw_response.create(**ask("Hello"), stream=True)
    waiting = threading.Thread(target=lambda: drive(text_of(client, "Hello")))
    waiting.start()
    response.http_response.close()
    del response
    waiting.join(20)

    assert not waiting.is_alive()
    assert server.count == 2


def test_nobody_waits_for_ever(server: ClaudeServer) -> None:
    """After `wait` seconds a call goes its own way."""
    cache = ResponseCache(wait=0.05)
    client = make_client(cache, server)
    with client.messages.stream(**ask("Hello")):
        (text,) = in_threads(1, lambda _: drive(text_of(client, "Hello")))

    assert text == "You said: Hello"
    assert server.count == 2


def test_each_event_loop_waits_for_itself(server: ClaudeServer) -> None:
    """A flight of a loop that is gone holds nobody up."""
    cache = ResponseCache()

    async def leave_open() -> None:
        client = make_client(cache, server, "async")
        stream = await client.messages.create(**ask("Hello"), stream=True)
        await stream.response.aclose()

    async def say_it() -> str:
        text = await text_of(make_client(cache, server, "async"), "Hello")
        await close_all()
        return text

    asyncio.run(leave_open())
    assert asyncio.run(say_it()) == "You said: Hello"
    assert asyncio.run(say_it()) == "You said: Hello"
    assert server.count == 2


def test_modes_that_want_a_fresh_answer_do_not_wait(server: ClaudeServer) -> None:
    """Each asked for a call of its own."""
    cache = ResponseCache(mode="refresh")
    client = make_client(cache, server)
    texts = in_threads(4, lambda _: drive(text_of(client, SLOW)))

    assert len(set(texts)) == server.count == 4


def test_two_caches_of_one_store_make_one_call(server: ClaudeServer) -> None:
    """As two processes do, through the store's lease."""
    store = MemoryStore()
    clients = [make_client(ResponseCache(store), server) for _ in range(4)]
    texts = in_threads(4, lambda number: drive(text_of(clients[number], SLOW)))

    assert len(set(texts)) == server.count == 1


def test_a_lease_of_somebody_killed_runs_out(server: ClaudeServer) -> None:
    """After `wait` seconds another one fetches."""
    store = MemoryStore()
    cache = ResponseCache(store, wait=0.2)
    client = make_client(cache, server)
    with cache.options(mode="refresh"):
        drive(text_of(client, "Hello"))
    (listed,) = store.listed()
    store.delete(listed.key)
    assert store.lease(listed.key, "killed", 3600)

    assert drive(text_of(client, "Hello")) == "You said: Hello"
    assert server.count == 2


def test_processes_make_one_call(server: ClaudeServer, tmp_path: Path) -> None:
    """Those that share a file."""
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    path = str(tmp_path / "answers.db")
    processes = [context.Process(target=say, args=(path, server.url, results, SLOW)) for _ in range(2)]
    for process in processes:
        process.start()
    texts = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()

    assert len(set(texts)) == 1
    assert server.count == 1


def test_a_flight_ends_once_and_from_anywhere() -> None:
    """Ending it in another thread than its event loop's is seen all the same."""

    async def scenario() -> None:
        flights = Flights()
        place = Place(1, 1, is_async=True)
        flight, leads = flights.join(place, "k")
        assert leads
        assert flights.join(place, "k") == (flight, False)
        thread = threading.Thread(target=flight.finish)
        thread.start()
        await flight.await_(20)
        thread.join()
        assert flight.done
        flight.finish()
        other, leads = flights.join(place, "k")
        assert leads
        assert other is not flight

    asyncio.run(scenario())
    assert here().id == 0


def hold_lease(cache: ResponseCache, server: ClaudeServer) -> Any:
    """As another process would that fetches the answer to "Hello"; gives its entry, which is not kept yet."""
    drive(text_of(make_client(cache, server), "Hello"))
    (listed,) = cache.store.listed()
    entry = cache.store.load(listed.key)
    cache.store.delete(listed.key)
    assert cache.store.lease(listed.key, "another process", 3600)
    return entry


def test_what_another_process_fetched_is_given(server: ClaudeServer) -> None:
    """To threads and tasks that wait for it."""
    cache = ResponseCache()
    entry = hold_lease(cache, server)

    async def scenario() -> str:
        client = make_client(cache, server, "async")
        task = asyncio.create_task(text_of(client, "Hello"))
        while not cache.desk.policy.waiting:
            await asyncio.sleep(0.005)
        cache.store.put(entry)
        text = await task
        await close_all()
        return text

    assert asyncio.run(scenario()) == "You said: Hello"
    assert server.count == 1


def test_who_is_cancelled_while_waiting_for_another_process_holds_nobody_up(server: ClaudeServer) -> None:
    """The next task waits in its place."""
    cache = ResponseCache()
    entry = hold_lease(cache, server)

    async def scenario() -> str:
        client = make_client(cache, server, "async")
        first = asyncio.create_task(text_of(client, "Hello"))
        while not cache.desk.policy.waiting:
            await asyncio.sleep(0.005)
        second = asyncio.create_task(text_of(client, "Hello"))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        cache.store.put(entry)
        text = await second
        await close_all()
        return text

    assert asyncio.run(scenario()) == "You said: Hello"
    assert server.count == 1


def test_a_place_can_be_told_without_trio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most applications have none."""
    monkeypatch.delitem(sys.modules, "trio")

    async def scenario() -> int:
        return here_async().id

    assert asyncio.run(scenario()) != 0


def test_an_unread_answer_of_a_fresh_call_may_be_dropped(server: ClaudeServer) -> None:
    """Nobody waits for it."""
    cache = ResponseCache(mode="refresh")
    client = make_client(cache, server)
    stream = client.messages.create(**ask("Hello"), stream=True)
    stream.response.stream._stream.close()
    del stream
    gc.collect()
    assert cache.stats().kept == 0
