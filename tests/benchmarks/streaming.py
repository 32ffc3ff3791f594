"""Streams: a long one replayed, and when the first token arrives while one is recorded."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import httpx2
from anthropic import Anthropic

from benchmarks.figures import Figure, Run
from benchmarks.measure import interleave, median_ratio, run_apart
from benchmarks.recorders import RECORDERS
from benchmarks.traffic import make_call, make_client, make_floor_client
from standin import ClaudeServer

_FLOOR = "floor"
_TIMES = 5


def _ask(words: int, *, slow: int = 0) -> dict[str, Any]:
    directives = f"[words {words}] [slow {slow}]" if slow else f"[words {words}]"
    return {**make_call(0), "messages": [{"role": "user", "content": directives}]}


# ------------------------------------------------------------------ replay


def measure_stream(run: Run) -> list[Figure]:
    """2,000 deltas, loading the cassette included, by both ways of the SDK to read a stream."""
    words = run.choose(2000, 500)
    folder = run.make_folder("stream")
    with ClaudeServer() as server:
        fetched = folder / "floor.txt"
        fetched.write_bytes(_fetch(server.url, words))
        arms = {}
        for name in [_FLOOR, *run.recorders]:
            path = folder / f"{name}.yaml" if name != _FLOOR else fetched
            if name != _FLOOR:
                run_apart(record_stream, recorder=name, path=str(path), url=server.url, words=words)
            arms[name] = partial(
                run_apart, replay_stream, recorder=name, path=str(path), url=server.url, words=words
            )
        results = interleave(arms, run.choose(7, 2))
    return [_compare(way, results, words) for way in ("stream", "create")]


def _fetch(url: str, words: int) -> bytes:
    body = {**_ask(words), "stream": True}
    return httpx2.post(f"{url}/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"}).content


def _compare(way: str, results: dict[str, list[dict[str, float]]], words: int) -> Figure:
    times = {name: [result[way] for result in found] for name, found in results.items()}
    floor = times.pop(_FLOOR)
    ratios = {name: median_ratio(values, floor) for name, values in times.items()}
    call = {"stream": "messages.stream()", "create": "create(stream=True)"}[way]
    what = f"replay of a {words:,}-delta stream, {call} / floor ({statistics.median(floor) * 1e3:.0f} ms CPU)"
    cells = {name: f"{ratio:.2f} x" for name, ratio in ratios.items()}
    return Figure(what, cells, "<= 1.05 x", ratios["claude_replay"] <= 1.05)


def record_stream(recorder: str, path: str, url: str, words: int) -> None:
    """Record one stream from the stand-in server by each way to read it."""
    client = make_client(url)
    with RECORDERS[recorder].recording(Path(path)):
        _read_stream(client, words)


def _read_stream(client: Anthropic, words: int) -> None:
    with client.messages.stream(**_ask(words)) as stream:
        count = sum(1 for _ in stream.text_stream)
    assert count == words


def _read_events(client: Anthropic, words: int) -> None:
    count = sum(1 for _ in client.messages.create(**_ask(words), stream=True))
    assert count > words


def replay_stream(recorder: str, path: str, url: str, words: int) -> dict[str, float]:
    """CPU seconds to open the cassette and read the stream, by both ways; the median of some times."""
    if recorder == _FLOOR:
        client = make_floor_client([Path(path).read_bytes()], "text/event-stream; charset=utf-8")
    else:
        client = make_client(url)

    def time_once(read: Callable[[Anthropic, int], None]) -> float:
        begun = process_time()
        with nullcontext() if recorder == _FLOOR else RECORDERS[recorder].replaying(Path(path)):
            read(client, words)
        return process_time() - begun

    readers = {"stream": _read_stream, "create": _read_events}
    times = interleave({way: partial(time_once, read) for way, read in readers.items()}, _TIMES)
    return {way: statistics.median(values) for way, values in times.items()}


# ------------------------------------------------------------------ recording


def measure_first_token(run: Run) -> list[Figure]:
    """50 deltas, one each 20 ms; wall time from the call to the first text."""
    folder = run.make_folder("first_token")
    with ClaudeServer() as server:
        arms: dict[str, Callable[[], Any]] = {}
        for name in ["", *run.recorders]:
            arms[name] = partial(_record_slowly, name, folder, server.url)
        results = interleave(arms, run.choose(5, 2), warm=False)
    live = [result["first"] for result in results.pop("")]
    ratios = {
        name: median_ratio([result["first"] for result in found], live) for name, found in results.items()
    }
    cells = {
        name: f"{ratios[name]:.2f} x, {statistics.median(result['first'] for result in found) * 1e3:.0f} ms"
        for name, found in results.items()
    }
    what = f"first token while recording, an event each 20 ms / live ({statistics.median(live) * 1e3:.0f} ms wall)"
    return [Figure(what, cells, "<= 1.1 x", ratios["claude_replay"] <= 1.1)]


def _record_slowly(recorder: str, folder: Path, url: str) -> Any:
    path = folder / f"{recorder}.yaml"
    path.unlink(missing_ok=True)
    return run_apart(time_first_token, recorder=recorder, path=str(path), url=url)


def time_first_token(recorder: str, path: str, url: str) -> dict[str, float]:
    """Wall seconds to the first text of a slow stream, and to its end; the recorder has recorded something before."""
    client = make_client(url)
    opened = RECORDERS[recorder].recording if recorder else lambda path: nullcontext()
    warm = Path(f"{path}.warm.yaml")
    warm.unlink(missing_ok=True)
    with opened(warm):
        _read_stream(client, 5)
    with opened(Path(path)):
        begun = time.perf_counter()
        with client.messages.stream(**_ask(50, slow=20)) as stream:
            marks = [time.perf_counter() - begun for _ in stream.text_stream]
    return {"first": marks[0], "whole": marks[-1]}
