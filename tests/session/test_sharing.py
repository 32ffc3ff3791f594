"""Tests, threads and processes that record into one cassette, and the order in which it is written."""

from __future__ import annotations

import asyncio
import re
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anthropic
import pytest

from claude_replay.cassette import load_cassette
from plugin_project import Project
from recordings import KEY, MODEL, Studio, ask, make_client
from standin import ClaudeServer


def read_prompts(path: Path) -> list[str]:
    """The prompts in a cassette, in file order."""
    found = load_cassette(path)
    assert found is not None
    return [entry.request.json["messages"][0]["content"] for entry in found.entries]


TESTS = """
@pytest.mark.parametrize("number", range(24))
@pytest.mark.claude_replay("shared.yaml")
def test_ask(number):
    assert ask(f"question {number}") == f"You said: question {number}"
"""


@pytest.mark.parametrize("mode", ["once", "rewrite"])
def test_tests_in_two_workers_lose_nothing_of_a_shared_cassette(
    pytester: pytest.Pytester, server: ClaudeServer, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """24 tests record 24 exchanges, whichever worker runs them, and all of them replay."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    project = Project(pytester, server, monkeypatch)
    project.test(TESTS)
    if mode == "rewrite":
        project.write("cassettes/shared.yaml", "version: 1\nexchanges: []\n...\n")
    project.run_apart("-n2", f"--claude-record={mode}").assert_outcomes(passed=24)
    assert project.cassettes == ["shared.yaml"]
    assert sorted(read_prompts(project.path / "cassettes/shared.yaml")) == sorted(
        f"question {number}" for number in range(24)
    )
    project.run().assert_outcomes(passed=24)
    assert server.count == 24


def test_threads_lose_nothing_of_a_shared_cassette(studio: Studio) -> None:
    """Each opens the cassette on its own, all at the same time."""
    studio.is_one_run = True
    ready = threading.Barrier(8)

    def record(number: int) -> None:
        client = make_client(studio.server)
        ready.wait()
        for turn in range(3):
            with studio.open("once"):
                ask(client, f"question {number} {turn}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(8)))
    assert sorted(read_prompts(studio.path)) == [f"question {n} {t}" for n in range(8) for t in range(3)]
    assert studio.files == ["chat.yaml"]


def test_processes_lose_nothing_of_a_shared_cassette(studio: Studio) -> None:
    """Each process merges what it recorded with what is there by then."""
    script = """
    for turn in range(6):
        with use_cassette(path, mode="new_episodes"):
            ask(client, f"question {sys.argv[3]} {turn}")
    """
    processes = [
        subprocess.Popen(studio.script_command(script, number), env=studio.environ()) for number in range(3)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert sorted(read_prompts(studio.path)) == [f"question {n} {t}" for n in range(3) for t in range(6)]
    assert studio.files == ["chat.yaml"]


def test_two_sessions_on_one_cassette_keep_what_both_recorded(studio: Studio) -> None:
    """One opened within the other adds to what is there; the outer one then adds to that."""
    client = make_client(studio.server)
    studio.is_one_run = True
    with studio.open("once"):
        ask(client, "outer")
        with studio.open("once"):
            ask(client, "inner")
        ask(client, "outer again")
    assert read_prompts(studio.path) == ["inner", "outer", "outer again"]


def forget_clocks(content: bytes) -> bytes:
    """A cassette without what differs from one recording to the next."""
    content = re.sub(rb"meta: \{.*\}", b"", content)
    return re.sub(rb"times: .*", b"", content)


async def fan_out(studio: Studio, *, stream: bool) -> None:
    """20 calls at once, the first ones slower than the last."""
    async with anthropic.AsyncAnthropic(base_url=studio.server.url, api_key=KEY) as client:

        async def put(number: int) -> None:
            messages = [{"role": "user", "content": f"question {number} [slow {3 * (20 - number)}]"}]
            if stream:
                async with client.messages.stream(model=MODEL, max_tokens=9, messages=messages) as answer:  # type: ignore[arg-type]
                    await answer.until_done()
            else:
                await client.messages.create(model=MODEL, max_tokens=9, messages=messages)  # type: ignore[arg-type]

        async with studio.open("rewrite"):
            await asyncio.gather(*map(put, range(20)))


@pytest.mark.parametrize("stream", [False, True])
def test_concurrent_calls_stand_in_the_order_they_were_issued(studio: Studio, stream: bool) -> None:
    """Two recordings of the same calls are the same file, but for clocks, whichever answer came first."""
    asyncio.run(fan_out(studio, stream=stream))
    first = studio.path.read_bytes()
    assert [int(prompt.split()[1]) for prompt in read_prompts(studio.path)] == list(range(20))
    studio.server.close()
    with ClaudeServer(port=int(studio.server.url.rpartition(":")[2])) as studio.server:
        asyncio.run(fan_out(studio, stream=stream))
    assert forget_clocks(first) == forget_clocks(studio.path.read_bytes())


class Unruly(ThreadPoolExecutor):
    """A pool whose threads are done in another order than they were started in."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Start a thread; the later, the sooner it is done."""
        self._wait = getattr(self, "_wait", 0.2) / 2

        def run(wait: float) -> Any:
            time.sleep(wait)
            return function(*args, **kwargs)

        return super().submit(run, self._wait)


def test_a_client_that_asks_where_it_runs_does_not_change_the_order(studio: Studio) -> None:
    """The SDK has a thread find that out for each of the first calls, and whichever is done first would be first."""

    async def fan_out_in_disorder() -> None:
        asyncio.get_running_loop().set_default_executor(Unruly(32))
        await fan_out(studio, stream=False)

    asyncio.run(fan_out_in_disorder())
    assert [int(prompt.split()[1]) for prompt in read_prompts(studio.path)] == list(range(20))
