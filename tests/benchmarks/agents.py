"""An agent's tool loop in one cassette: each turn sends the whole conversation again."""

from __future__ import annotations

import gc
import json
import math
import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import httpx2
from anthropic import Anthropic

from benchmarks.figures import Figure, Run
from benchmarks.loading import read_peak, reset_peak
from benchmarks.measure import interleave, run_apart
from benchmarks.recorders import RECORDERS
from benchmarks.traffic import MODEL, RESPONSE_HEADERS, Call, make_client, make_floor_client, make_text

_FLOOR = "floor"
_MOST_SECONDS = 100.0
_WARM = 2
_TOOLS = [
    {
        "name": name,
        "description": make_text(300, number),
        "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    }
    for number, name in enumerate(("read_file", "write_file", "search", "run_tests"), 1)
]


def measure_agent(run: Run) -> list[Figure]:
    """Size, growth, time and memory of a loop of 200 turns with 2 KB new in each."""
    turns = run.choose(200, 50)
    sizes = {name: _measure_sizes(run, name) for name in run.recorders}
    calls = list_turns(turns)
    distinct = _count_distinct(calls)
    ratios = {name: found[turns] / distinct for name, found in sizes.items() if turns in found}
    growth = {
        name: _fit({count: float(size) for count, size in found.items()}) for name, found in sizes.items()
    }
    ranges = {name: f"{min(found)} to {max(found)} turns" for name, found in sizes.items()}
    return [
        Figure(
            f"agent of {turns} turns: cassette / all distinct content ({distinct / 1000:,.0f} kB)",
            {name: f"{ratio:.2f} x" for name, ratio in ratios.items()},
            "<= 1.5 x",
            ratios["claude_replay"] <= 1.5,
        ),
        Figure(
            "agent: size grows with turns to the power of",
            {name: f"{power:.2f} ({ranges[name]})" for name, power in growth.items()},
            "<= 1.1",
            growth["claude_replay"] <= 1.1,
        ),
        *_measure_replay(run, turns),
    ]


def _measure_sizes(run: Run, recorder: str) -> dict[int, int]:
    # The files of the others have 190 MB at 400 turns.
    most = run.choose(400, 100) if recorder == "claude_replay" else run.choose(200, 50)
    counts = [count for count in (25, 50, 100, 200, 400) if count <= most]
    # The longest first: the others are the beginning of it.
    return {
        count: find_agent_cassette(run, recorder, count).stat().st_size
        for count in sorted(counts, reverse=True)
    }


def find_agent_cassette(run: Run, recorder: str, turns: int) -> Path:
    """A cassette with so many turns, written when it is first asked for."""
    path = run.scratch / "cassettes" / f"{recorder}-agent-{turns}.yaml"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        RECORDERS[recorder].write(path, list_turns(turns))
    return path


def _fit(values: dict[int, float]) -> float:
    """The power with which values grow: the slope between logarithms, by least squares."""
    points = [(math.log(count), math.log(value)) for count, value in values.items()]
    return float(statistics.linear_regression(*zip(*points, strict=True)).slope)


def _count_distinct(calls: Sequence[Call]) -> int:
    """Bytes of JSON in which everything stands once: the last request, and each answer but for its content."""
    envelopes = [{**json.loads(answer), "content": None} for _, _, answer in calls]
    last = json.loads(calls[-1][2])["content"]
    return len(calls[-1][1]) + sum(map(_length, envelopes)) + _length(last)


def _length(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


# ------------------------------------------------------------------ the loop


def make_turn(number: int) -> bytes:
    """The answer of a turn: some text and one call of a tool, 1 KB."""
    message = {
        "id": f"msg_{number:024}",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [
            {"type": "text", "text": make_text(800, -number)},
            {
                "type": "tool_use",
                "id": f"toolu_{number:024}",
                "name": _TOOLS[number % 4]["name"],
                "input": {"path": f"src/module_{number}.py"},
            },
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 812 + 500 * number,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 377,
            "service_tier": "standard",
        },
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def run_loop(client: Anthropic, turns: int, after: Callable[[], bool] = lambda: False) -> int:
    """A tool loop as people write it; how many turns it has done when `after` one it is told to stop."""
    messages: list[Any] = [{"role": "user", "content": make_text(500, 1)}]
    given: Any = {"model": MODEL, "max_tokens": 1024, "system": make_text(600, 0), "tools": _TOOLS}
    for turn in range(turns):
        answer: Any = client.messages.create(**given, messages=messages)
        result = {
            "type": "tool_result",
            "tool_use_id": answer.content[-1].id,
            "content": make_text(900, 3 * turn + 2),
        }
        messages.append({"role": "assistant", "content": answer.content})
        messages.append({"role": "user", "content": [result]})
        if after():
            return turn + 1
    return turns


def list_turns(turns: int) -> Sequence[Call]:
    """The requests of the loop as the SDK sends them, and their answers."""
    if len(_known_turns) < turns:
        _known_turns[:] = _make_turns(turns)
    return _known_turns[:turns]


_known_turns: list[Call] = []


def _make_turns(turns: int) -> list[Call]:
    calls: list[Call] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        answer = make_turn(len(calls))
        calls.append((dict(request.headers), request.content, answer))
        return httpx2.Response(200, headers=RESPONSE_HEADERS, content=answer)

    with make_client(http_client=httpx2.Client(transport=httpx2.MockTransport(respond))) as client:
        run_loop(client, turns)
    return calls


# ------------------------------------------------------------------ replaying it


def _measure_replay(run: Run, turns: int) -> list[Figure]:
    """At a quarter of `turns` and at all of them; the others once only, and cut off after 100 s."""
    results: dict[str, dict[int, list[dict[str, Any]]]] = {}
    for count in (turns // 4, turns):
        arms = {_FLOOR: partial(run_apart, replay_loop, recorder="", one="", path="", turns=count)}
        for recorder in run.recorders:
            one, path = (str(find_agent_cassette(run, recorder, number)) for number in (_WARM, count))
            arms[recorder] = partial(
                run_apart, replay_loop, recorder=recorder, one=one, path=path, turns=count
            )
        ours = {name: arms.pop(name) for name in (_FLOOR, "claude_replay")}
        found = {**interleave(ours, run.choose(5, 2)), **interleave(arms, 1, warm=False)}
        for name, each in found.items():
            results.setdefault(name, {})[count] = each
    return [
        *(_compare_times(count, results) for count in (turns // 4, turns)),
        _compare_memory(run, turns, results),
    ]


def _median(found: Sequence[dict[str, Any]], name: str) -> float:
    return float(statistics.median(result[name] for result in found))


def _describe(found: Sequence[dict[str, Any]], turns: int) -> str:
    if "problem" in found[0]:
        return f"refuses to load ({found[0]['problem']})"
    if found[0]["done"] < turns:
        return f"cut off after {found[0]['done']} turns ({found[0]['cpu']:.0f} s)"
    return f"{_median(found, 'cpu'):.2f} s"


def _compare_times(turns: int, results: dict[str, dict[int, list[dict[str, Any]]]]) -> Figure:
    cells = {name: _describe(found[turns], turns) for name, found in results.items() if name != _FLOOR}
    floor = _median(results[_FLOOR][turns], "cpu")
    ours = _median(results["claude_replay"][turns], "cpu")
    cells["claude_replay"] += f", {ours / floor:.2f} x floor"
    what = f"agent of {turns} turns, load + replay of all (floor {floor:.2f} s CPU)"
    target = ">= 50 x faster than vcrpy"
    if "vcrpy" not in results:
        return Figure(what, cells, target)
    vcrpy = results["vcrpy"][turns][0]
    times = vcrpy["cpu"] / ours
    least = "at least " if vcrpy["done"] < turns else ""
    cells["claude_replay"] += f", {least}{times:.0f} x faster than vcrpy"
    return Figure(what, cells, target, True if times >= 50 else None if least else False)


def _compare_memory(run: Run, turns: int, results: dict[str, dict[int, list[dict[str, Any]]]]) -> Figure:
    floor = _median(results[_FLOOR][turns], "memory")
    ratios = {}
    for name, found in results.items():
        if name != _FLOOR and "problem" not in found[turns][0]:
            size = find_agent_cassette(run, name, turns).stat().st_size
            ratios[name] = (_median(found[turns], "memory") - floor) / size
    return Figure(
        f"agent of {turns} turns: peak memory over the floor's / file size",
        {name: f"{ratio:.1f} x" for name, ratio in ratios.items()},
        "<= 3 x",
        ratios["claude_replay"] <= 3,
    )


def replay_loop(recorder: str, one: str, path: str, turns: int) -> dict[str, Any]:
    """
    Load a cassette and run the loop: CPU seconds, and bytes of memory at the peak.

    What is done once in a process (imports, the first calls) is done before, with the cassette `one`.
    """
    answers = [make_turn(number) for number in range(turns)]
    run_loop(make_floor_client(answers[:_WARM]), _WARM)
    if recorder:
        with RECORDERS[recorder].replaying(Path(one)):
            run_loop(make_client(), _WARM)
    client = make_client() if recorder else make_floor_client(answers)
    opened: AbstractContextManager[Any] = nullcontext()
    if recorder:
        opened = RECORDERS[recorder].replaying(Path(path))
    gc.collect()
    before, begun = reset_peak(), process_time()
    try:
        opened.__enter__()
    except Exception as error:
        return {"problem": f"{error}".splitlines()[0][:80], "done": 0, "cpu": 0.0, "memory": 0.0}
    done = run_loop(client, turns, lambda: process_time() - begun > _MOST_SECONDS)
    opened.__exit__(None, None, None)
    return {"cpu": process_time() - begun, "done": done, "memory": read_peak() - before}
