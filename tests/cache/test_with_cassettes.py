"""A cassette that records sees every call; one that replays is below the cache."""

from __future__ import annotations

import contextvars
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cache.asking import SEATS, make_client, run_both, text_of
from claude_replay import CassetteMiss, MemoryStore, ResponseCache, use_cassette
from claude_replay.intercept.ambient import Ambient, pop_ambient, push_ambient
from sdk_ways import drive, in_thread
from standin import ClaudeServer


@pytest.fixture(autouse=True)
def _ambient() -> Iterator[None]:
    """Keeps these cassettes out of the summary of this run."""
    ambient = Ambient()
    push_ambient(ambient)
    yield
    pop_ambient(ambient)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("mode", ["once", "new_episodes", "rewrite", "all", "verify", "off"])
def test_a_warm_cache_steps_aside_while_a_cassette_may_send(
    seat: str, mode: str, server: ClaudeServer, tmp_path: Path
) -> None:
    """It neither reads nor keeps, so the recorder is not starved."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        await text_of(client)
        with use_cassette(tmp_path / "c.yaml", mode=mode) as cassette:
            await text_of(client)
            await text_of(client)
            assert len(cassette.sent) == 2

        assert server.count == 3
        assert dict(cache.stats().bypassed) == {"cassette_records": 2}
        assert cache.stats().kept == 1

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_a_cache_sits_above_a_cassette_that_replays(seat: str, server: ClaudeServer, tmp_path: Path) -> None:
    """Cold, it plays once and serves the other calls."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        with use_cassette(tmp_path / "c.yaml", mode="once"):
            recorded = await text_of(client)
        with use_cassette(tmp_path / "c.yaml", mode="none") as cassette:
            assert [await text_of(client) for _ in range(3)] == [recorded] * 3
            assert len(cassette.played) == 1

        assert server.count == 1
        assert (cache.stats().hits, cache.stats().kept) == (2, 1)

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_a_miss_of_a_cassette_passes_through_the_cache(
    seat: str, server: ClaudeServer, tmp_path: Path
) -> None:
    """Untouched; whoever asks next is not kept waiting."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        with use_cassette(tmp_path / "c.yaml", mode="none") as cassette:
            for _ in range(2):
                with pytest.raises(CassetteMiss):
                    await text_of(client)
            cassette.misses.clear()
        assert server.count == 0
        assert dict(cache.stats().not_kept) == {"failed_CassetteMiss": 2}

    run_both(seat, scenario)


def test_a_thread_that_could_belong_to_two_cassettes_is_told_so(server: ClaudeServer, tmp_path: Path) -> None:
    """The cache leaves that to the cassettes."""
    client = make_client(ResponseCache(), server)
    left, right = (use_cassette(tmp_path / f"{name}.yaml", mode="once") for name in "ab")
    for side in (left, right):
        contextvars.Context().run(side.__enter__).misses.clear()
    with pytest.raises(CassetteMiss, match="this thread was started without its context"):
        in_thread(lambda: drive(text_of(client)))
    for side in (left, right):
        with pytest.raises(CassetteMiss):
            side.__exit__(None, None, None)

    assert server.count == 0


def test_without_a_cassette_nothing_of_them_is_loaded(server: ClaudeServer) -> None:
    """An application that only caches does not pay for it."""
    code = """
import sys
from claude_replay import ResponseCache
cache = ResponseCache()
from claude_replay.cache.cassettes import state_of_cassettes
assert state_of_cassettes() == "none"
heavy = ("claude_replay.session", "claude_replay.intercept", "vcr", "yaml")
print(*(name for name in sys.modules if name.startswith(heavy)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_kept_answer_of_a_cassette_is_the_recorded_one(server: ClaudeServer, tmp_path: Path) -> None:
    """In whatever store."""
    store = MemoryStore()
    client = make_client(ResponseCache(store), server)
    with use_cassette(tmp_path / "c.yaml", mode="once"):
        recorded = drive(text_of(client))
    assert store.stats().entries == 0
    with use_cassette(tmp_path / "c.yaml", mode="none"):
        drive(text_of(client))
    assert drive(text_of(client)) == recorded
