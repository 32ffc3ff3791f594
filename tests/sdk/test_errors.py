"""Failures: recorded ones come back as the SDK's typed errors, overcome ones do not come back at all."""

from __future__ import annotations

from typing import Any

import pytest

from sdk_ways import KEY, UNFINISHED_GENERATORS, WAYS, Tape, Way, ask, attempt, describe, each, settle

HELLO = ask("Hello")


async def hello(client: Any) -> Any:
    return await attempt(lambda: client.messages.create(**HELLO))


async def hello_streamed(client: Any) -> Any:
    return await attempt(lambda: client.messages.create(**HELLO, stream=True))


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_a_refused_request_is_refused_again(tape: Tape, way: Way, status: int) -> None:
    """Type, status, body, message and request id of the SDK's error are those that were recorded."""
    tape.server.script(f"[status {status}]", f"[status {status}]")

    async def both(client: Any) -> Any:
        return await hello(client), await hello_streamed(client)

    for error in tape.round_trip(both, way):
        assert error["status_code"] == status
        assert error["body"]["error"]["message"]
    assert tape.attempts == 2


def test_a_refused_key_is_not_recorded(tape: Tape) -> None:
    """A 401 says nothing about the test: no cassette appears, and a note names the reason."""
    tape.server.rejected_keys.add(KEY)
    assert tape.record(hello)["error"] == "AuthenticationError"
    assert not tape.path.exists()
    assert tape.notes == [
        'messages · claude-sonnet-5 · "Hello": answered 401, the key was refused; not recorded'
    ]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_a_failure_that_a_retry_overcame_is_forgotten(
    tape: Tape, way: Way, status: int, sleeps: list[float]
) -> None:
    """Only the answer is in the cassette, so replay needs one attempt and never sleeps."""
    tape.server.script(f"[status {status}] [retry-after 3]", f"[status {status}] [retry-after 3]")
    recorded = tape.record(hello, way)
    assert recorded["content"]
    assert (tape.server.count, sleeps) == (3, [3.0, 3.0])

    sleeps.clear()
    assert tape.replay(hello, way) == recorded
    assert (tape.attempts, sleeps) == (1, [])
    assert tape.notes == [
        'messages · claude-sonnet-5 · "Hello": 2 failed before it succeeded; only the answer was recorded'
    ]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_record_errors_keeps_what_a_retry_overcame(tape: Tape, way: Way, sleeps: list[float]) -> None:
    """The whole sequence comes back, and the SDK is told to go on at once instead of after 3 seconds."""
    tape.server.script("[status 429] [retry-after 3]", "[status 529] [retry-after 3]")
    recorded = tape.record(hello, way, record_errors=True)
    assert sleeps == [3.0, 3.0]

    sleeps.clear()
    assert tape.replay(hello, way) == recorded
    assert tape.attempts == 3
    assert max(sleeps) <= 0.001


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_failure_that_nobody_overcame_fails_again(tape: Tape, way: Way, sleeps: list[float]) -> None:
    """Three attempts in vain are three attempts in vain on replay, ending in the same error."""
    tape.server.script(*["[status 529] [retry-after 3]"] * 3)
    recorded = tape.record(hello, way)
    assert recorded["status_code"] == 529
    assert sleeps == [3.0, 3.0]

    sleeps.clear()
    assert tape.replay(hello, way) == recorded
    assert tape.attempts == 3
    assert max(sleeps) <= 0.001


def test_a_paced_replay_waits_before_its_retries_as_the_recording_did(
    tape: Tape, sleeps: list[float]
) -> None:
    """With `pace="recorded"` the server's `retry-after` is left as it was."""
    tape.server.script(*["[status 529] [retry-after 3]"] * 3)
    recorded = tape.record(hello)
    sleeps.clear()
    assert tape.replay(hello, pace="recorded") == recorded
    assert sleeps == [3.0, 3.0]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.filterwarnings(UNFINISHED_GENERATORS)
def test_an_error_in_the_middle_of_a_stream_comes_again(tape: Tape, way: Way) -> None:
    """The events before it arrive, then the SDK raises what it raised."""

    async def read(client: Any) -> Any:
        seen = []

        async def collect() -> None:
            stream = await settle(client.messages.create(**ask("[words 9] [error-after 4]", stream=True)))
            async for event in each(stream):
                seen.append(describe(event))  # noqa: PERF401  # what came before the error counts

        return await attempt(collect), seen

    error, seen = tape.round_trip(read, way)
    assert error["body"]["error"]["type"] == "overloaded_error"
    assert [event["type"] for event in seen].count("content_block_delta") == 4
