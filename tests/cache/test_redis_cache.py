"""The response cache over Redis: one call for all machines, and none that fails because the server does."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cache.asking import SEATS, make_client, run_both, text_of
from claude_replay import ResponseCache
from redis_server import RedisServer
from sdk_ways import KEY
from standin import ClaudeServer

ASK = """
import sys, time
from pathlib import Path

import anthropic

from claude_replay import ResponseCache

store, url, key, folder, name = sys.argv[1:]
client = anthropic.Anthropic(base_url=url, api_key=key, middleware=[ResponseCache(store)])
Path(folder, name).touch()
while len(list(Path(folder).glob("ready-*"))) < 4:
    time.sleep(0.01)
message = client.messages.create(
    model="claude-sonnet-5", max_tokens=100, messages=[{"role": "user", "content": "[slow 300] [ordinal] Hi"}]
)
print(message.content[0].text)
"""


def test_processes_that_ask_the_same_at_once_make_one_call(server: ClaudeServer, tmp_path: Path) -> None:
    """Whoever has the lease fetches, the others wait for what it puts on the shelf."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    with RedisServer(tmp_path) as redis:
        running = [
            subprocess.Popen(
                [sys.executable, "-c", ASK, redis.url, server.url, KEY, str(tmp_path), f"ready-{number}"],
                stdout=subprocess.PIPE,
                text=True,
                env=kept,
            )
            for number in range(4)
        ]
        answers = {process.communicate()[0] for process in running}

    assert [process.returncode for process in running] == [0, 0, 0, 0]
    assert len(answers) == 1
    assert server.count == 1


@pytest.mark.parametrize("seat", SEATS)
def test_a_server_that_goes_away_costs_live_calls_only(
    server: ClaudeServer, tmp_path: Path, seat: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And a warning; when it is back, the cache goes on."""
    with RedisServer(tmp_path, persist=True, appendfsync="always") as redis:
        cache = ResponseCache(redis.url)

        async def scenario() -> None:
            client = make_client(cache, server, seat)
            first = await text_of(client)
            assert await text_of(client) == first
            redis.stop()
            with caplog.at_level(logging.WARNING, "claude_replay.cache"):
                assert await text_of(client) != first
                assert await text_of(client) != first
            assert f"Redis at {redis.url}" in caplog.text
            assert server.count == 3
            redis.start()
            assert await text_of(client) == first
            await cache.aclose() if seat == "async" else cache.close()

        run_both(seat, scenario)
    assert server.count == 3
