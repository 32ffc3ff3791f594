"""The response cache: what a hit costs, what a key costs, and how often Claude is asked."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import anthropic
import httpx2

from benchmarks.figures import Figure, Run
from benchmarks.measure import clean_environment, interleave, run_apart
from benchmarks.traffic import KEY, make_answer, make_call, make_client, make_floor_client, make_text
from claude_replay import MemoryStore, RedisStore, ResponseCache, SQLiteStore
from claude_replay.api import describe_endpoint
from claude_replay.cache.keys import Question, Sender, Sent, ask
from redis_server import RedisServer
from standin import ClaudeServer

_FLOOR = "floor"
_TARGETS = {"memory": 0.7, "SQLite": 0.9, "Redis": 1.1}
_LITELLM = ("litellm==1.106.2", "diskcache", "redis", "fastapi", "orjson", "soundfile")


# ------------------------------------------------------------------ hits


def measure_hit(run: Run) -> list[Figure]:
    """
    Wall time of a hit over the same call on a mock transport: medians of calls that take turns one by one.

    In one process, so that what else runs on the machine meets all of them alike.
    """
    folder = run.make_folder("cache_hit")
    with RedisServer(folder) as redis:
        results = run_apart(
            time_hits,
            folder=str(folder),
            redis=redis.url,
            calls=run.choose(3000, 300),
        )
    floor = statistics.median(results.pop(_FLOOR))
    figures = []
    for name, times in results.items():
        hit, target = statistics.median(times), _TARGETS[name]
        ratio = hit / floor
        what = f"hit in {name} / the same call on a mock transport ({_us(floor)} wall)"
        cell = f"{ratio:.2f} x, {_us(hit)}"
        figures.append(Figure(what, {"claude_replay": cell}, f"<= {target} x", ratio <= target))
    return figures


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs"


def time_hits(folder: str, redis: str, calls: int) -> dict[str, list[float]]:
    """Seconds of each call on the floor, and of each hit in each store."""
    stores = {
        "memory": MemoryStore(),
        "SQLite": SQLiteStore(Path(folder, "a.db")),
        "Redis": RedisStore(redis),
    }
    clients = {_FLOOR: make_floor_client([make_answer(0)])}
    for name, store in stores.items():
        # Nothing to send to: what is no hit fails.
        clients[name] = make_client("http://127.0.0.1:9", middleware=[ResponseCache(store)], max_retries=0)
        floor = make_floor_client([make_answer(0)]).with_options(base_url="http://127.0.0.1:9")
        floor.with_middleware(ResponseCache(store)).messages.create(**make_call(0))
    return interleave({name: partial(_time_calls, client, 1) for name, client in clients.items()}, calls)


def _time_calls(client: anthropic.Anthropic, calls: int) -> float:
    call = make_call(0)
    begun = perf_counter()
    for _ in range(calls):
        client.messages.create(**call)
    return (perf_counter() - begun) / calls


# ------------------------------------------------------------------ a peer


def measure_peer(run: Run) -> list[Figure]:
    """Hits of litellm's disk and Redis caches on the same bodies, in an environment of their own, in turn with ours."""
    folder = run.make_folder("cache_peer")
    python = install(folder / "litellm", _LITELLM)
    with RedisServer(folder) as redis, ClaudeServer() as server:
        rounds, calls = run.choose(3, 1), run.choose(60, 20)
        arms: dict[str, Callable[[], dict[str, float]]] = {
            "ours": partial(
                run_apart, time_ours, folder=str(folder), redis=redis.url, url=server.url, calls=calls
            ),
            "litellm": partial(_time_litellm, python, folder, redis, server.url, calls),
        }
        results = interleave(arms, rounds, warm=False)
    figures = []
    for name in ("SQLite", "Redis"):
        ours = statistics.median(result[name] for result in results["ours"])
        theirs = statistics.median(result[name] for result in results["litellm"])
        peer = f"{_LITELLM[0].replace('==', ' ')}'s in {'disk' if name == 'SQLite' else name}"
        what = f"hit in {name} against {peer} ({_us(theirs)} wall)"
        figures.append(Figure(what, {"claude_replay": _us(ours)}, "less", ours < theirs))
    return figures


def install(folder: Path, packages: tuple[str, ...], *options: str) -> Path:
    """A new environment with these packages; gives its Python."""
    subprocess.run(["uv", "venv", "--quiet", str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        ["uv", "pip", "install", "--quiet", "--python", str(python), *options, *packages], check=True
    )
    return python


def time_ours(folder: str, redis: str, url: str, calls: int) -> dict[str, float]:
    """Seconds of a hit in a file and in Redis; the first answers come from the stand-in."""
    found = {}
    for name, store in (("SQLite", SQLiteStore(Path(folder, "ours.db"))), ("Redis", RedisStore(redis))):
        client = make_client(url, middleware=[ResponseCache(store)], max_retries=0)
        client.messages.create(**make_call(0))
        found[name] = min(_time_calls(client, 2) for _ in range(calls))
    return found


def _time_litellm(python: Path, folder: Path, redis: RedisServer, url: str, calls: int) -> dict[str, float]:
    call = make_call(0)
    messages = [{"role": "system", "content": call["system"]}, *call["messages"]]
    given = {
        "messages": messages,
        "url": url,
        "port": redis.port,
        "folder": str(folder / "disk"),
        "calls": calls,
    }
    done = subprocess.run(
        [python, str(Path(__file__).with_name("litellm_cache.py")), json.dumps(given)],
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"litellm: {(done.stdout + done.stderr)[-3000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


# ------------------------------------------------------------------ keys


def measure_key(run: Run) -> list[Figure]:
    """CPU time of the key of a conversation of 400 KB; the body is there as plain objects, as middleware gets it."""
    turns = [
        {"role": "user" if number % 2 == 0 else "assistant", "content": make_text(2000, number)}
        for number in range(199)
    ]
    body = {**make_call(0), "messages": turns}
    size = len(json.dumps(body, ensure_ascii=False).encode())
    sent = Sent(
        Sender("Anthropic", "https://api.anthropic.com"), describe_endpoint("POST", "/v1/messages"), {}, body
    )
    times = []
    for _ in range(run.choose(60, 10)):
        begun = process_time()
        question = ask(sent)
        times.append(process_time() - begun)
        assert isinstance(question, Question)
    median = statistics.median(times)
    what = f"key of a conversation of {size // 1000} kB, CPU"
    return [Figure(what, {"claude_replay": f"{median * 1e3:.1f} ms"}, "<= 3 ms", median <= 0.003)]


# ------------------------------------------------------------------ one call for all


def measure_flight(run: Run) -> list[Figure]:
    """Calls that reach the server when 8 threads, 50 tasks, or 4 processes ask the same at once; it takes 0.2 s."""
    folder = run.make_folder("cache_flight")
    figures = []
    with RedisServer(folder) as redis:
        arms: dict[str, Callable[[str], None]] = {
            "8 threads": _ask_in_threads,
            "50 tasks": _ask_in_tasks,
            "4 processes, one SQLite file": partial(_ask_in_processes, str(folder / "flight.db")),
            "4 processes, one Redis": partial(_ask_in_processes, redis.url),
        }
        for name, arm in arms.items():
            with ClaudeServer() as server:
                arm(server.url)
                count = server.count
            what = f"calls sent when {name} ask the same at once"
            figures.append(Figure(what, {"claude_replay": str(count)}, "1", count == 1))
    return figures


_SAME: dict[str, Any] = {**make_call(0), "messages": [{"role": "user", "content": "[slow 200] The same."}]}


def _ask_in_threads(url: str) -> None:
    client, barrier = make_client(url, middleware=[ResponseCache()]), threading.Barrier(8)

    def ask_once(_: int) -> None:
        barrier.wait()
        client.messages.create(**_SAME)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask_once, range(8)))


def _ask_in_tasks(url: str) -> None:
    async def ask_all() -> None:
        async with anthropic.AsyncAnthropic(
            api_key=KEY, base_url=url, middleware=[ResponseCache()]
        ) as client:
            await asyncio.gather(*(client.messages.create(**_SAME) for _ in range(50)))

    asyncio.run(ask_all())


def _ask_in_processes(store: str, url: str) -> None:
    start = time.time() + 6  # when all have imported what they need
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: run_apart(ask_at, store=store, url=url, start=start), range(4)))


def ask_at(store: str, url: str, start: float) -> None:
    """Ask at a moment given in Unix seconds."""
    client = make_client(url, middleware=[ResponseCache(store)])
    time.sleep(max(start - time.time(), 0))
    client.messages.create(**_SAME)


# ------------------------------------------------------------------ size


def measure_bound(run: Run) -> list[Figure]:
    """The most bytes that a memory store of 10 MB ever held while answers of all sizes went through it."""
    limit, most, largest = 10_000_000, 0, 0
    store = MemoryStore(max_bytes=limit)
    sizes = [1500, 40_000, 3_000, 400_000]
    bodies = [
        make_answer(0).replace(b"Number 0.", make_text(size, 0).encode("unicode_escape")[:size])
        for size in sizes
    ]
    turns = iter(range(10**9))

    def respond(request: httpx2.Request) -> httpx2.Response:
        body = bodies[next(turns) % len(bodies)]
        return httpx2.Response(
            200, headers={"content-type": "application/json"}, content=json.dumps(_text(body)).encode()
        )

    http = httpx2.Client(transport=httpx2.MockTransport(respond))
    client = make_client(http_client=http, middleware=[ResponseCache(store)])
    for number in range(run.choose(1500, 300)):
        client.messages.create(**make_call(number))
        held = store.stats().bytes
        most = max(most, held)
    largest = max(listed.size for listed in store.listed())
    what = f"most bytes in a memory store of {limit:,}, answers up to {largest:,}"
    return [Figure(what, {"claude_replay": f"{most:,}"}, "max_bytes + 1 entry", most <= limit + largest)]


def _text(body: bytes) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(make_answer(0))
    message["content"] = [{"type": "text", "text": body.decode("utf-8", "replace")}]
    return message
