"""Calls that the application cancels: stored as what they were, and replayed to be cancelled again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from claude_replay import RecordingEnded
from sdk_ways import (
    AIOHTTP,
    ASYNC_WAYS,
    ASYNCIO,
    SYNC,
    UNFINISHED_GENERATORS,
    Scenario,
    Tape,
    Way,
    ask,
    describe,
)

pytestmark = pytest.mark.filterwarnings(UNFINISHED_GENERATORS)

SILENT = "[hang-after 0]"
LOSERS = (f"one {SILENT}", f"two {SILENT}")


def take_the_first(tape: Tape) -> Scenario:
    """Ask three times side by side, and cancel the others when one has answered."""

    async def race(client: Any) -> Any:
        tasks = [asyncio.create_task(client.messages.create(**ask(text))) for text in LOSERS]
        while tape.attempts < len(LOSERS):
            await asyncio.sleep(0)
        tasks.append(asyncio.create_task(client.messages.create(**ask("winner"))))
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return [describe(task.result()) for task in done], [task.cancelled() for task in tasks]

    return race


def take_the_first_anywhere(tape: Tape) -> Scenario:
    """The same on any event loop."""

    async def race(client: Any) -> Any:
        answers = []
        async with anyio.create_task_group() as group:
            for text in LOSERS:
                group.start_soon(lambda text: client.messages.create(**ask(text)), text)
            while tape.attempts < len(LOSERS):
                await anyio.lowlevel.checkpoint()
            answers.append(describe(await client.messages.create(**ask("winner"))))
            group.cancel_scope.cancel()
        return answers

    return race


@pytest.mark.parametrize("way", [ASYNCIO, AIOHTTP], ids=str)
def test_the_first_answer_wins_again(tape: Tape, way: Way) -> None:
    """Calls that lost a race and were cancelled are issued again on replay, lose again, and are no misses."""
    answers, cancelled = tape.round_trip(take_the_first(tape), way)
    assert cancelled == [True, True, False]
    assert len(answers) == 1
    assert tape.attempts == 3


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
def test_the_first_answer_wins_again_in_a_task_group(tape: Tape, way: Way) -> None:
    """The same in task groups of anyio, on asyncio and trio."""
    assert len(tape.round_trip(take_the_first_anywhere(tape), way)) == 1
    assert tape.attempts == 3


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
def test_a_call_cancelled_without_an_answer_has_none_in_the_cassette(tape: Tape, way: Way) -> None:
    """The cassette says in plain words that there was no answer, and why."""
    tape.record(take_the_first_anywhere(tape), way)
    text = tape.path.read_text(encoding="utf-8")
    assert len(re.findall(r"^  response:\n    ended: cancelled$", text, re.MULTILINE)) == 2


async def read_until_cancelled(client: Any) -> list[str]:
    """Read a stream in a task that is cancelled when three deltas are there."""
    deltas: list[str] = []

    async def read() -> None:
        async with client.messages.stream(**ask("[pieces a|b|c|d|e] [hang-after 3]")) as stream:
            async for delta in stream.text_stream:
                deltas.append(delta)
                if len(deltas) == 3:
                    enough.set()

    enough = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await enough.wait()
        await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    return deltas


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
def test_a_stream_cancelled_while_it_waits_is_cancelled_again(tape: Tape, way: Way) -> None:
    """What had arrived comes again, and then nothing, until the reader is cancelled."""
    assert tape.round_trip(read_until_cancelled, way) == ["a", "b", "c"]


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
def test_a_stream_cancelled_while_its_reader_does_something_else_is_cancelled_again(
    tape: Tape, way: Way
) -> None:
    """It makes no difference what the task was waiting for when it was cancelled."""

    async def read_slowly(client: Any) -> list[str]:
        deltas: list[str] = []

        async def read() -> None:
            async with client.messages.stream(**ask("[pieces a|b|c|d|e] [hang-after 3]")) as stream:
                async for delta in stream.text_stream:
                    deltas.append(delta)
                    if len(deltas) == 3:
                        enough.set()
                        await anyio.sleep_forever()

        enough = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await enough.wait()
            group.cancel_scope.cancel()
        return deltas

    tape.record(read_slowly, way)
    # The reader that reads on is cancelled as well, not told that the recording has ended.
    assert tape.replay(read_until_cancelled, way) == ["a", "b", "c"]


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
def test_a_deadline_of_the_application_runs_out_again(tape: Tape, way: Way) -> None:
    """A call that the application gave up after a while is given up on replay, after the same while."""

    async def call(client: Any) -> str:
        with anyio.move_on_after(0.05):
            await client.messages.create(**ask(f"Hello {SILENT}"))
            return "answered"
        return "given up"

    assert tape.round_trip(call, way) == "given up"


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
@pytest.mark.parametrize("text", [f"Hello {SILENT}", "[pieces a|b|c] [hang-after 2]"])
def test_waiting_for_a_cancelled_answer_comes_to_an_end(
    tape: Tape,
    way: Way,
    text: str,
    sleeps: list[float],
    edit: Callable[[str, str], None],
) -> None:
    """An application that no longer cancels waits 10 seconds longer than the recorded one, not for ever."""

    async def call(client: Any, *, patient: bool) -> None:
        async def read() -> None:
            async with client.messages.stream(**ask(text)) as stream:
                async for _ in stream.text_stream:
                    arrived.set()
                    await anyio.lowlevel.checkpoint()

        arrived = anyio.Event()
        if SILENT in text:
            arrived.set()
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            while not patient and not tape.server.count:
                await anyio.lowlevel.checkpoint()
            await arrived.wait()
            if not patient:
                group.cancel_scope.cancel()

    tape.record(lambda client: call(client, patient=False), way)
    duration = re.search(r"duration: ([\d.]+)", tape.path.read_text(encoding="utf-8"))
    assert duration is not None
    edit(duration[0], "duration: 2.5")

    with pytest.raises(BaseExceptionGroup) as errors:
        tape.replay(lambda client: call(client, patient=True), way)
    assert sleeps == [12.5]
    [error] = errors.value.exceptions
    assert isinstance(error, RecordingEnded)
    assert "cancelled this call, and this run still waits for it (12 s in async code)" in str(error)
    assert "mode='rewrite'" in str(error)


def test_sync_code_is_told_at_once_that_a_call_was_cancelled(tape: Tape, sleeps: list[float]) -> None:
    """Nobody can cancel a sync call, so it does not wait for that."""
    tape.record(take_the_first(tape), ASYNCIO)

    async def call(client: Any) -> None:
        client.messages.create(**ask(f"one {SILENT}"))

    with pytest.raises(RecordingEnded, match="cancelled this call"):
        tape.replay(call, SYNC)
    assert sleeps == []


def test_calls_cancelled_by_a_failing_test_are_not_recorded(tape: Tape) -> None:
    """A fault may have cancelled them; once it is mended, they are recorded like any other call."""

    async def fail(client: Any) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(client.messages.create(**ask(f"one {SILENT}")))
            await client.messages.create(**ask("two"))
            raise KeyError("a fault")

    with pytest.raises(ExceptionGroup):
        tape.record(fail, ASYNCIO)
    assert "ended: cancelled" not in tape.path.read_text(encoding="utf-8")
    assert any("1 answer was not read to the end, and the test did not pass" in note for note in tape.notes)


def test_streams_left_by_a_failing_test_are_not_recorded(tape: Tape) -> None:
    """The same for an answer that an exception kept from being read to its end."""

    async def fail(client: Any) -> None:
        with client.messages.stream(**ask("[pieces a|b] [hang-after 1]")) as stream:
            for _ in stream.text_stream:
                raise KeyError("a fault")

    with pytest.raises(KeyError):
        tape.record(fail)
    assert not tape.path.exists()
    assert any("1 answer was not read to the end, and the test did not pass" in note for note in tape.notes)


def test_cancelled_calls_that_are_not_issued_again_are_not_missed(tape: Tape) -> None:
    """Whether a call that loses a race gets as far as being sent is chance: it does not count as unplayed."""
    tape.record(take_the_first(tape), ASYNCIO)

    async def call(client: Any) -> None:
        await client.messages.create(**ask("winner"))

    tape.replay(call, ASYNCIO)
    assert tape.tallies[-1].unplayed == []


def test_verify_does_not_compare_with_a_cancelled_answer(tape: Tape) -> None:
    """An answer that nobody waited for when it was recorded says nothing about drift."""

    async def call(client: Any, *, patient: bool) -> None:
        task = asyncio.create_task(client.messages.create(**ask("Hello")))
        while not patient and not tape.server.count:
            await asyncio.sleep(0)
        if not patient:
            task.cancel()
        await asyncio.wait([task])

    tape.server.script("[hang-after 0]")
    tape.run(lambda client: call(client, patient=False), ASYNCIO, mode="once")
    tape.run(lambda client: call(client, patient=True), ASYNCIO, mode="verify")
    assert (tape.server.count, tape.tallies[-1].drift) == (2, [])


def test_verify_does_not_compare_a_cancelled_answer(tape: Tape) -> None:
    """Nor does one that nobody waits for now; a note says that it was not compared."""
    tape.run(take_the_first(tape), ASYNCIO, mode="once")
    tape.run(take_the_first(tape), ASYNCIO, mode="verify")
    assert tape.tallies[-1].drift == []
    assert [note.rpartition(": ")[2] for note in tape.tallies[-1].notes] == [
        "it was cancelled; not recorded"
    ] * 2
