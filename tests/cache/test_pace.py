"""Stored answers, streamed at the pace they came."""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest

from cache.asking import SEATS, make_client, run_both
from claude_replay import CacheError, ResponseCache
from claude_replay.cache.envelope import load_answer
from claude_replay.cache.pacing import time_events
from sdk_ways import ask, each, settle
from standin import ClaudeServer

SLOW = "[slow 20] [words 5]"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that are made, without making them."""
    made: list[float] = []

    async def pause(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr("claude_replay.cache.pacing.time.sleep", made.append)
    monkeypatch.setattr(anyio, "sleep", pause)
    return made


def stream(cache: ResponseCache, server: ClaudeServer, seat: str, text: str = SLOW) -> list[str]:
    """The types of the events of one streamed call."""

    async def scenario() -> list[str]:
        client = make_client(cache, server, seat)
        events = await settle(client.messages.create(**ask(text), stream=True))
        return [event.type async for event in each(events)]

    found: list[str] = run_both(seat, scenario)
    return found


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize(("pace", "factor"), [("recorded", 1), (4, 4), (0.5, 0.5)])
def test_events_come_as_they_came(
    server: ClaudeServer, pauses: list[float], seat: str, pace: Any, factor: float
) -> None:
    """Or a multiple as fast."""
    cache = ResponseCache(pace=pace)
    first = stream(cache, server, seat)
    pauses.clear()

    assert stream(cache, server, seat) == first

    assert server.count == 1
    (listed,) = cache.store.listed()
    entry = cache.store.load(listed.key)
    assert entry is not None
    times = load_answer(entry.envelope).times
    assert len(times) == len(pauses) >= len(first)  # the SDK keeps pings to itself
    assert list(times) == sorted(times)
    assert times[-1] >= 20 * (len(first) - 1)
    assert sum(pauses) == pytest.approx(times[-1] / 1000 / factor)


def test_a_stored_stream_comes_at_once_by_default(server: ClaudeServer, pauses: list[float]) -> None:
    """Who wants to wait says so."""
    cache = ResponseCache()
    stream(cache, server, "sync")
    stream(cache, server, "sync")
    assert pauses == []


def test_what_was_not_streamed_is_spread_evenly(server: ClaudeServer, pauses: list[float]) -> None:
    """Over the time that the call took."""
    cache = ResponseCache(pace="recorded")
    client = make_client(cache, server)
    client.messages.create(**ask("[slow 60] [words 40]"))

    count = len(stream(cache, server, "sync", "[slow 60] [words 40]"))

    assert server.count == 1
    waited = len(pauses)
    assert waited >= count
    assert sum(pauses) >= 0.06
    assert max(pauses) - min(pauses) <= 0.0021
    client.messages.create(**ask("[slow 60] [words 40]"))
    assert len(pauses) == waited


def test_times_of_a_compressed_stream() -> None:
    """Pieces say when something came, not when an event was whole."""
    import zlib

    packer = zlib.compressobj(wbits=31)
    one = packer.compress(b"data: {}\n\ndata:") + packer.flush(zlib.Z_SYNC_FLUSH)
    two = packer.compress(b" {}\n\ndata: {}\n\n") + packer.flush()
    pieces = [(5, 4), (9, len(one) - 4), (20, len(two))]

    assert time_events(one + two, pieces, "gzip") == (9, 20, 20)


@pytest.mark.parametrize("pace", ["slow", 0, -1, None])
def test_a_pace_is_checked(pace: Any) -> None:
    """When the cache is made."""
    with pytest.raises(CacheError, match='pace is "instant", "recorded", or a factor more than 0'):
        ResponseCache(pace=pace)


def test_it_really_waits(server: ClaudeServer) -> None:
    """In threads and in tasks."""
    for seat in SEATS:
        cache = ResponseCache(pace="recorded")
        stream(cache, server, seat, f"{SLOW} {seat}")
        begun = time.monotonic()
        stream(cache, server, seat, f"{SLOW} {seat}")
        assert time.monotonic() - begun >= 0.1
