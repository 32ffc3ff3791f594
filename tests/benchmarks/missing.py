"""A request that nothing answers: how long until the test knows, and how often the SDK tries."""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from anthropic import DefaultHttpxClient

from benchmarks.figures import Figure, Run
from benchmarks.measure import interleave, run_apart
from benchmarks.recorders import RECORDERS, find_cassette
from benchmarks.traffic import make_call, make_client

_RECORDED = 100
_MISSES = 5


def measure_miss(run: Run) -> list[Figure]:
    """A prompt that differs in a few words from one of 100 recorded ones; wall time, the SDK's own retries included."""
    arms = {
        name: partial(run_apart, time_misses, recorder=name, path=str(find_cassette(run, name, _RECORDED)))
        for name in run.recorders
    }
    results = interleave(arms, run.choose(5, 2))
    later = {name: _median(found, "later") for name, found in results.items()}
    cells = {
        name: f"{_number(later[name])} ms, {found[0]['attempts']} attempt{'s' * (found[0]['attempts'] > 1)}"
        f" ({found[0]['error']})"
        for name, found in results.items()
    }
    first = {name: f"{_number(_median(found, 'first'))} ms" for name, found in results.items()}
    ours = results["claude_replay"]
    reached = later["claude_replay"] <= 0.005 and all(result["attempts"] == 1 for result in ours)
    return [
        Figure(f"a miss, call to error, {_RECORDED} exchanges (wall)", cells, "<= 5 ms, 1 attempt", reached),
        Figure("the same, the first one of a process", first),
    ]


def _median(results: list[dict[str, Any]], name: str) -> float:
    return float(statistics.median(result[name] for result in results))


def _number(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f}" if seconds < 0.1 else f"{seconds * 1e3:,.0f}"


def time_misses(recorder: str, path: str) -> dict[str, Any]:
    """Wall seconds to the error: the first miss of this process, and the median of some more."""
    attempts: list[object] = []
    client = make_client(http_client=DefaultHttpxClient(event_hooks={"request": [attempts.append]}))
    times, error = [], ""
    opened = RECORDERS[recorder].replaying(Path(path))
    opened.__enter__()
    client.messages.create(**make_call(0))
    attempts.clear()
    for number in range(_MISSES):
        call = make_call(10 + number)
        prompt = call["messages"][0]["content"]
        call["messages"] = [{"role": "user", "content": prompt.replace(" ", " well ", 3)}]
        begun = perf_counter()
        try:
            client.messages.create(**call)
        except BaseException as miss:
            error = type(miss).__name__
        times.append(perf_counter() - begun)
    return {
        "first": times[0],
        "later": statistics.median(times[1:]),
        "attempts": len(attempts) // _MISSES,
        "error": error,
    }
