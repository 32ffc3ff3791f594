"""Calls that run side by side get their own answers, whoever makes them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import anthropic
import pytest

from claude_replay import use_cassette
from sdk_ways import ASYNC_WAYS, ASYNCIO, KEY, SYNC, UNFINISHED_GENERATORS, Tape, Way, ask, call_all, describe


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
def test_each_of_many_different_calls_gets_its_own_answer(tape: Tape, way: Way) -> None:
    """Twenty at once, half of them streams: what each got is what it got before."""

    async def fan_out(client: Any) -> Any:
        async def call(number: int) -> Any:
            if number % 2:
                return describe(await client.messages.create(**ask(f"question {number}")))
            async with client.messages.stream(**ask(f"[words 5] question {number}")) as stream:
                return describe(await stream.get_final_message())

        return await call_all([partial(call, number) for number in range(20)])

    answers = tape.round_trip(fan_out, way)
    assert len({answer["id"] for answer in answers}) == 20
    assert tape.attempts == 20


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
def test_equal_calls_get_all_the_answers_that_were_recorded(tape: Tape, way: Way) -> None:
    """Four equal ones at once: which task gets which answer is chance, but none is given twice."""

    async def roll_four(client: Any) -> Any:
        async def roll() -> Any:
            return describe(await client.messages.create(**ask("Roll. [ordinal]")))

        answers = await call_all([roll] * 4)
        return sorted(answers, key=lambda answer: str(answer["id"]))

    answers = tape.round_trip(roll_four, way)
    assert len({answer["id"] for answer in answers}) == 4


def test_equal_calls_in_turn_get_the_answers_in_turn(tape: Tape) -> None:
    """The order in which equal calls were issued is the order in which they are answered."""

    async def roll(client: Any) -> list[str]:
        return [client.messages.create(**ask("Roll. [ordinal]")).content[0].text for _ in range(3)]

    assert [text[-11:] for text in tape.round_trip(roll)] == ["(request 1)", "(request 2)", "(request 3)"]


@pytest.mark.parametrize("shared", [True, False], ids=["one client", "a client each"])
def test_threads_started_inside_belong_to_the_cassette(tape: Tape, shared: bool) -> None:
    """Neither plain threads nor pools hand on the context; their calls are recorded all the same."""

    async def work(client: Any) -> Any:
        def call(number: int) -> Any:
            used = client if shared else client.copy(http_client=anthropic.DefaultHttpxClient())
            answer = describe(used.messages.create(**ask(f"question {number}")))
            if not shared:
                used.close()
            return answer

        results: dict[int, Any] = {}
        threads = [
            threading.Thread(target=lambda number=number: results.update({number: call(number)}))
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with ThreadPoolExecutor(3) as pool:
            pooled = list(pool.map(call, range(10, 16)))
        return [results[number] for number in range(4)], pooled

    threaded, pooled = tape.round_trip(work)
    assert len({answer["id"] for answer in [*threaded, *pooled]}) == 10


def test_a_thread_that_asks_after_the_end_is_in_no_cassette(tape: Tape) -> None:
    """Its call is nobody's: it goes where it goes without cassettes, and leaves no trace in the one that was."""
    closed = threading.Event()
    answers: list[Any] = []

    async def work(client: Any) -> Any:
        def call() -> None:
            closed.wait(10)
            answers.append(SYNC.run(late, tape.server.url, api_key=KEY))

        async def late(client: Any) -> Any:
            return describe(client.messages.create(**ask("late")))

        thread = threading.Thread(target=call)
        thread.start()
        return thread, describe(client.messages.create(**ask("in time")))

    thread, _ = tape.run(work, mode="once")
    closed.set()
    thread.join()
    assert answers[0]["content"]
    assert "late" not in tape.path.read_text(encoding="utf-8")
    assert tape.tallies[-1].recorded == 1


def test_a_pool_made_before_the_cassette_belongs_to_it_too(tape: Tape) -> None:
    """Pools that live longer than a test serve whatever cassette is open when they work."""
    with ThreadPoolExecutor(2) as pool:
        pool.submit(int).result()

        async def work(client: Any) -> Any:
            calls = [pool.submit(client.messages.create, **ask(f"question {number}")) for number in range(4)]
            return [describe(call.result()) for call in calls]

        tape.round_trip(work)


def test_sync_calls_in_worker_threads_of_an_event_loop_belong_to_the_cassette(tape: Tape) -> None:
    """`asyncio.to_thread` around the sync client works as well."""

    async def work(client: Any) -> Any:
        async def ask_in_threads() -> Any:
            calls = [asyncio.to_thread(client.messages.create, **ask(f"question {n}")) for n in range(4)]
            return [describe(answer) for answer in await asyncio.gather(*calls)]

        return asyncio.run(ask_in_threads())

    tape.round_trip(work, SYNC)


def test_tasks_with_cassettes_of_their_own_do_not_mix(tape: Tape, tmp_path: Path) -> None:
    """Two tasks, two cassettes, in turns: each records its own calls and replays them."""

    async def converse(client: Any, name: str, turn: asyncio.Lock, mode: str) -> Any:
        answers = []
        async with use_cassette(tmp_path / f"{name}.yaml", mode=mode) as handle:
            for number in range(3):
                async with turn:
                    answers.append(describe(await client.messages.create(**ask(f"{name} {number}"))))
                await asyncio.sleep(0)
        return answers, [sent.json["messages"][0]["content"] for sent in handle.sent]

    async def both(mode: str, **options: Any) -> Any:
        turn = asyncio.Lock()
        client = anthropic.AsyncAnthropic(base_url=tape.server.url, **options)
        names = ("left", "right")
        try:
            return await asyncio.gather(*(converse(client, name, turn, mode) for name in names))
        finally:
            await client.close()

    recorded = asyncio.run(both("once", api_key=KEY))
    tape.server.close()
    # The client is made outside the cassettes here, so it needs a key, though nothing is sent.
    assert asyncio.run(both("none", api_key="unused")) == recorded
    assert [sent for _, sent in recorded] == [[f"{name} {n}" for n in range(3)] for name in ("left", "right")]


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
@pytest.mark.filterwarnings(UNFINISHED_GENERATORS)
def test_streams_read_in_turns_keep_their_own_events(tape: Tape, way: Way) -> None:
    """Two streams that are read event by event in turn do not get into each other's way."""

    async def interleave(client: Any) -> Any:
        streams = [
            await client.messages.create(**ask(f"[pieces {name}1|{name}2|{name}3]", stream=True))
            for name in "ab"
        ]
        iterators = [aiter(stream) for stream in streams]
        seen: list[Any] = []
        for _ in range(8):
            seen += [describe(await anext(iterator)) for iterator in iterators]
        for stream in streams:
            await stream.close()
        return seen

    events = tape.round_trip(interleave, way)
    assert [event["type"] for event in events[::2]] == [event["type"] for event in events[1::2]]


def test_a_task_group_of_streams_and_calls(tape: Tape) -> None:
    """`asyncio.TaskGroup` hands each task its own answer."""

    async def work(client: Any) -> Any:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.messages.create(**ask(f"question {n}"))) for n in range(5)]
        return [describe(task.result()) for task in tasks]

    tape.round_trip(work, ASYNCIO)
