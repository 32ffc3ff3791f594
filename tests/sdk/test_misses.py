"""A request that is not recorded stops the test at once, wherever it was made and whoever catches what."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import anthropic
import anyio
import pytest

from claude_replay import CassetteMiss, use_cassette
from sdk_ways import ASYNC_WAYS, ASYNCIO, SYNC, WAYS, Scenario, Tape, Way, ask, describe, each, enter, settle


async def known(client: Any) -> Any:
    return describe(await settle(client.messages.create(**ask("known"))))


async def unknown(client: Any) -> Any:
    return describe(await settle(client.messages.create(**ask("unknown"))))


async def unknown_stream(client: Any) -> Any:
    async with enter(client.messages.stream(**ask("unknown"))) as stream:
        return [describe(event) async for event in each(stream)]


async def unknown_raw(client: Any) -> Any:
    return await settle(client.messages.with_raw_response.create(**ask("unknown")))


async def unknown_count(client: Any) -> Any:
    return await settle(
        client.messages.count_tokens(model="claude-sonnet-5", messages=ask("unknown")["messages"])
    )


async def unknown_models(client: Any) -> Any:
    return [model async for model in each(client.models.list())]


UNKNOWN: list[Scenario] = [unknown, unknown_stream, unknown_raw, unknown_count, unknown_models]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("scenario", UNKNOWN, ids=lambda scenario: scenario.__name__)
def test_a_miss_comes_at_once(tape: Tape, way: Way, scenario: Scenario, sleeps: list[float]) -> None:
    """One attempt, no retry, no pause, and the explanation itself instead of "Connection error."."""
    tape.record(known)
    with pytest.raises(CassetteMiss) as miss:
        tape.replay(scenario, way)
    assert miss.value.reason in ("differs", "nothing_similar")
    assert (tape.attempts, sleeps) == (1, [])


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_nothing_recorded_at_all_is_its_own_reason(tape: Tape, way: Way) -> None:
    """Without a cassette the miss names the file and how to record it."""
    with pytest.raises(CassetteMiss, match="there is no such cassette yet") as miss:
        tape.replay(unknown, way)
    assert miss.value.reason == "no_cassette"
    assert f"use_cassette('{tape.path}', mode='once')" in str(miss.value)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_one_call_more_than_recorded_is_its_own_reason(tape: Tape, way: Way) -> None:
    """When all equal recordings are played, the miss says so."""
    tape.record(known)

    async def twice(client: Any) -> None:
        await known(client)
        await known(client)

    with pytest.raises(CassetteMiss, match="has been played already") as miss:
        tape.replay(twice, way)
    assert miss.value.reason == "all_played"


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("recorded_as_stream", [True, False])
def test_a_stream_is_no_answer_to_a_call_without(tape: Tape, way: Way, recorded_as_stream: bool) -> None:
    """A request with `stream=True` never gets a recording without, nor the reverse."""

    async def ask_for(client: Any, *, stream: bool) -> Any:
        answer = await settle(client.messages.create(**ask("Hello"), **({"stream": True} if stream else {})))
        return [describe(event) async for event in each(answer)] if stream else describe(answer)

    tape.record(lambda client: ask_for(client, stream=recorded_as_stream), way)
    with pytest.raises(CassetteMiss, match=r"\bstream\b"):
        tape.replay(lambda client: ask_for(client, stream=not recorded_as_stream), way)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_except_exception_does_not_catch_a_miss(tape: Tape, way: Way) -> None:
    """An application that falls back on any error does not hide it."""
    tape.record(known)

    async def fall_back(client: Any) -> str:
        try:
            await unknown(client)
        except Exception:
            return "fallback"
        return "answer"

    with pytest.raises(CassetteMiss):
        tape.replay(fall_back, way)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_miss_that_was_swallowed_comes_out_at_the_end(tape: Tape, way: Way) -> None:
    """Catching even BaseException only delays it until the cassette closes."""
    tape.record(known)

    async def swallow(client: Any) -> None:
        with suppress(BaseException):
            await unknown(client)

    with pytest.raises(CassetteMiss, match="unknown"):
        tape.replay(swallow, way)


def test_a_miss_that_was_raised_comes_out_once(tape: Tape) -> None:
    """The error that leaves the block is the miss itself, not a second one on top."""
    tape.record(known)
    with pytest.raises(CassetteMiss) as miss:
        tape.replay(unknown)
    assert miss.value.__context__ is None


def test_another_error_after_a_swallowed_miss_is_shown_as_it_is(tape: Tape) -> None:
    """What a test fails with is not replaced by what happened before."""
    tape.record(known)

    async def fail_later(client: Any) -> None:
        with suppress(BaseException):
            await unknown(client)
        raise KeyError("a consequence")

    with pytest.raises(KeyError):
        tape.replay(fail_later)


def test_a_miss_in_a_pool_comes_out_of_its_future(tape: Tape) -> None:
    """`future.result()` raises it."""
    tape.record(known)

    async def work(client: Any) -> None:
        with ThreadPoolExecutor(2) as pool:
            pool.submit(client.messages.create, **ask("unknown")).result()

    with pytest.raises(CassetteMiss):
        tape.replay(work)


def test_a_miss_in_a_task_group_comes_out_in_the_group(tape: Tape) -> None:
    """`asyncio.TaskGroup` wraps it in a BaseExceptionGroup, and cancels the other tasks."""
    tape.record(known)

    async def work(client: Any) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(unknown(client))
            group.create_task(asyncio.sleep(60))

    with pytest.raises(BaseExceptionGroup) as errors:
        tape.replay(work, ASYNCIO)
    [miss] = errors.value.exceptions
    assert isinstance(miss, CassetteMiss)


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
def test_a_miss_in_a_group_of_anyio_comes_out_in_the_group(tape: Tape, way: Way) -> None:
    """The same for groups and nurseries of anyio and trio."""
    tape.record(known)

    async def work(client: Any) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(unknown, client)
            group.start_soon(anyio.sleep, 60)

    with pytest.raises(BaseExceptionGroup) as errors:
        tape.replay(work, way)
    assert errors.value.subgroup(CassetteMiss) is not None


def test_a_miss_of_a_task_that_nobody_awaits_comes_out_at_the_end(tape: Tape) -> None:
    """A forgotten task cannot take the miss with it."""
    tape.record(known)

    async def work(client: Any) -> None:
        task = asyncio.create_task(unknown(client))
        await asyncio.wait([task])
        task.exception()

    with pytest.raises(CassetteMiss):
        tape.replay(work, ASYNCIO)


def test_every_miss_counts(tape: Tape) -> None:
    """The account names how many there were."""
    tape.record(known)

    async def work(client: Any) -> None:
        for _ in range(3):
            with suppress(BaseException):
                await unknown(client)

    with pytest.raises(CassetteMiss):
        tape.replay(work)
    assert tape.tallies[-1].missed == 3


def test_no_key_is_needed_and_none_is_left_behind(tape: Tape) -> None:
    """The SDK builds no request without a key; replay lends it one, for as long as the cassette is open."""
    recorded = tape.record(known)
    with use_cassette(tape.path, mode="none"), anthropic.Anthropic(base_url=tape.server.url) as client:
        assert describe(client.messages.create(**ask("known"))) == recorded
    assert anthropic.Anthropic(base_url=tape.server.url, auth_token="x").api_key is None


@pytest.mark.parametrize("way", [SYNC, ASYNCIO], ids=str)
def test_once_needs_no_key_for_a_cassette_that_is_there(tape: Tape, way: Way) -> None:
    """It replays then like `none`, and a request it finds nothing for is a miss, not a live call."""
    recorded = tape.run(known, way, mode="once")
    # To this run of the tests, a file that it has not made itself.
    there = tape.path.rename(tape.path.with_name("there.yaml"))

    async def both(client: Any) -> None:
        assert await known(client) == recorded
        await unknown(client)

    with pytest.raises(CassetteMiss), use_cassette(there, mode="once"):
        way.run(both, tape.server.url)
    assert tape.server.count == 1
