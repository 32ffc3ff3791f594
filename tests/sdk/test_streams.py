"""Streams reach the application as they come, live and on replay, and end the way they ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anthropic
import pytest

from claude_replay import RecordingEnded
from sdk_ways import (
    ASYNC_WAYS,
    ASYNCIO,
    SYNC,
    UNFINISHED_GENERATORS,
    WAYS,
    Tape,
    Way,
    ask,
    attempt,
    describe,
    each,
    enter,
    settle,
)

pytestmark = pytest.mark.filterwarnings(UNFINISHED_GENERATORS)

# The SDK passes errors of its HTTP library on while a stream is read: their base class is all they share.
BROKEN = Exception


async def read_deltas(client: Any, text: str, count: int | None = None) -> list[str]:
    """The text deltas of an answer, or the first `count` of them."""
    deltas: list[str] = []
    async with enter(client.messages.stream(**ask(text))) as stream:
        if count == 0:
            return deltas
        async for delta in each(stream.text_stream):
            deltas.append(delta)
            if len(deltas) == count:
                break
    return deltas


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_each_event_arrives_while_recording_when_the_server_sends_it(tape: Tape, way: Way) -> None:
    """A server that falls silent after three deltas has not kept the application from getting those three."""
    deltas = tape.record(lambda client: read_deltas(client, "[pieces a|b|c|d|e] [hang-after 3]", 3), way)
    assert deltas == ["a", "b", "c"]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_stream_that_was_left_early_can_be_left_early_again(tape: Tape, way: Way, count: int) -> None:
    """Leaving after the same events is fine on replay; nothing more is asked for."""
    # The answer hangs, so that exactly this much of it was received when it was left.
    text = f"[pieces a|b|c|d|e] [hang-after {count}]"
    tape.round_trip(lambda client: read_deltas(client, text, count), way)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_reading_on_where_the_recording_was_left_is_an_error(tape: Tape, way: Way) -> None:
    """The rest of the answer is not known, so it is neither made up nor left out in silence."""
    text = "[pieces a|b|c|d|e] [hang-after 3]"
    tape.record(lambda client: read_deltas(client, text, 3), way)
    with pytest.raises(RecordingEnded, match="stopped reading this answer here") as error:
        tape.replay(lambda client: read_deltas(client, text), way)
    assert f"use_cassette('{tape.path}', mode='rewrite')" in str(error.value)


def test_reading_on_is_found_out_even_if_the_error_is_swallowed(tape: Tape) -> None:
    """An application that catches everything does not get away with a shorter answer."""
    text = "[pieces a|b|c] [hang-after 2]"
    tape.record(lambda client: read_deltas(client, text, 2))

    async def read_and_swallow(client: Any) -> None:
        with suppress(BaseException):
            await read_deltas(client, text)

    with pytest.raises(RecordingEnded):
        tape.replay(read_and_swallow)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_stream_that_was_closed_unread_can_be_closed_unread(tape: Tape, way: Way) -> None:
    """A response whose body nobody wanted is recorded without it."""

    async def open_and_close(client: Any) -> Any:
        raw = await settle(
            client.messages.with_raw_response.create(**ask("Hello [hang-after 0]", stream=True))
        )
        stream = await settle(raw.parse())
        await settle(stream.close())
        return raw.status_code, raw.headers["request-id"]

    tape.round_trip(open_and_close, way)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_leaving_at_the_last_event_leaves_the_whole_answer(tape: Tape, way: Way) -> None:
    """Applications that stop at `message_stop`, and do not wait for the connection to end, miss nothing."""

    async def read(client: Any, *, to_the_end: bool) -> Any:
        events = []
        stream = await settle(client.messages.create(**ask("[pieces a|b]", stream=True)))
        async with enter(stream):
            async for event in each(stream):
                events.append(describe(event))
                if event.type == "message_stop" and not to_the_end:
                    break
        return events

    recorded = tape.record(lambda client: read(client, to_the_end=False), way)
    assert tape.replay(lambda client: read(client, to_the_end=True), way) == recorded


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_stream_that_broke_off_is_not_recorded(tape: Tape, way: Way) -> None:
    """A connection that was cut leaves no cassette with a shorter answer, but a note."""
    with pytest.raises(BROKEN):
        tape.run(lambda client: read_deltas(client, "[pieces a|b|c|d|e] [cut-after 3]"), way, mode="once")
    assert not tape.path.exists()
    [note] = tape.notes
    # start, block, ping and three deltas
    assert re.search(r"the answer broke off after 6 events \(.+\); not recorded$", note)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_stream_that_falls_silent_for_too_long_is_not_recorded(tape: Tape, way: Way) -> None:
    """A timeout in the middle is a break like any other."""

    async def read(client: Any) -> Any:
        return await read_deltas(client.with_options(timeout=0.05), "[pieces a|b|c|d|e] [hang-after 3]")

    with pytest.raises(BROKEN):
        tape.run(read, way, mode="once")
    assert not tape.path.exists()
    assert "the answer broke off after 6 events (ReadTimeout" in tape.notes[0]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_an_answer_that_broke_off_is_forgotten_once_a_retry_has_brought_it(
    tape: Tape, way: Way, sleeps: list[float]
) -> None:
    """Half a body is an error to the SDK, which asks again; only the whole answer is in the cassette."""
    tape.server.script("[cut-json]", "[cut-after 0]")
    request = ask("Hello")
    recorded = tape.record(lambda client: attempt(lambda: client.messages.create(**request)), way)
    assert (tape.server.count, len(tape.notes)) == (3, 2)
    assert tape.replay(lambda client: attempt(lambda: client.messages.create(**request)), way) == recorded
    assert tape.attempts == 1


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_timeout_is_not_recorded(tape: Tape, way: Way) -> None:
    """A call that the SDK gave up for lack of an answer leaves a note and nothing else."""

    async def call(client: Any) -> Any:
        impatient = client.with_options(timeout=0.05, max_retries=0)
        return await attempt(lambda: impatient.messages.create(**ask("Hello [hang-after 0]")))

    assert tape.record(call, way)["error"] == "APITimeoutError"
    assert not tape.path.exists()
    assert re.search(r"it could not be sent \(ReadTimeout.*\); not recorded$", tape.notes[0])


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_server_that_is_not_there_is_not_recorded(tape: Tape, way: Way) -> None:
    """Without a connection there is nothing to record."""
    tape.server.close()

    async def call(client: Any) -> Any:
        return await attempt(lambda: client.with_options(max_retries=0).messages.create(**ask("Hello")))

    # The SDKs' ways to aiohttp do not agree on what a refused connection is.
    assert tape.record(call, way)["error"] in ("APIConnectionError", "APITimeoutError")
    assert not tape.path.exists()
    assert "it could not be sent (Connect" in tape.notes[0]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(("pace", "factor"), [("recorded", 1), (2, 2), (0.5, 0.5)])
def test_a_paced_stream_pauses_as_the_live_one_did(
    tape: Tape,
    way: Way,
    pace: object,
    factor: float,
    sleeps: list[float],
    edit: Callable[[str, str], None],
) -> None:
    """Before each event stands the recorded pause, or that divided by the factor; the text is the same."""
    text = "[pieces a|b|c]"
    recorded = tape.record(lambda client: read_deltas(client, text), way)
    times = re.findall(r"^ +times: .*$", tape.path.read_text(encoding="utf-8"), re.MULTILINE)
    edit(times[0], "    times: 70 0 0 10 20 0*3 40")

    assert tape.replay(lambda client: read_deltas(client, text), way, pace=pace) == recorded
    assert sleeps == [pause / factor for pause in (0.07, 0.01, 0.02, 0.04)]


@pytest.mark.parametrize("way", [SYNC, ASYNCIO], ids=str)
def test_an_instant_stream_never_pauses(tape: Tape, way: Way, sleeps: list[float]) -> None:
    """Without a pace nothing sleeps, however slow the recorded answer was."""
    recorded = tape.record(lambda client: read_deltas(client, "[pieces a|b|c] [slow 3]"), way)
    assert tape.replay(lambda client: read_deltas(client, "[pieces a|b|c] [slow 3]"), way) == recorded
    assert sleeps == []


@pytest.mark.parametrize("way", ASYNC_WAYS, ids=str)
def test_paced_streams_run_side_by_side(tape: Tape, way: Way) -> None:
    """While one stream pauses on replay, another goes on: the event loop is not held up."""
    import anyio

    async def read_two(client: Any) -> list[str]:
        order: list[str] = []

        async def read(name: str) -> None:
            stream = await client.messages.create(**ask(f"[pieces {name}|{name}] [slow 100]", stream=True))
            async for event in stream:
                order.append(f"{name} {event.type}")  # noqa: PERF401  # the order among both streams counts

        async with anyio.create_task_group() as group:
            group.start_soon(read, "one")
            group.start_soon(read, "two")
        return order

    tape.record(read_two, way)
    order = tape.replay(read_two, way, pace="recorded")
    for name, other in (("one", "two"), ("two", "one")):
        assert order.index(f"{name} message_start") < order.index(f"{other} message_stop")


def test_errors_of_the_library_do_not_carry_the_key_into_notes(tape: Tape) -> None:
    """What a note quotes from an error is redacted like everything else."""
    key = "sk-ant-" + "api03-" + "y" * 24

    async def call(client: Any) -> None:
        with suppress(anthropic.APIConnectionError):
            client.with_options(api_key=key + "\n", max_retries=0).messages.create(**ask("Hello"))

    tape.run(call, mode="once")
    assert "it could not be sent (LocalProtocolError" in tape.notes[0]
    assert key not in tape.notes[0]
