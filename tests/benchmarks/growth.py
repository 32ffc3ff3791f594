"""One cassette with many exchanges: all of its requests, in order."""

from __future__ import annotations

import statistics
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.figures import Figure, Run
from benchmarks.measure import interleave, median_ratio, run_apart
from benchmarks.recorders import RECORDERS, find_cassette
from benchmarks.traffic import make_answer, make_call, make_client, make_floor_client

_FLOOR = "floor"
_MOST_SECONDS = 20.0


def measure_thousand(run: Run) -> list[Figure]:
    """1,000 exchanges; whatever needs more than 20 seconds is cut off, and then measured once only."""
    count = run.choose(1000, 200)
    results = _measure(run, count, run.choose(5, 2), slow=("vcrpy",))
    return [_summarize(f"{count:,} exchanges in one cassette, (load + replay) / floor", results, count, 1.3)]


def measure_ten_thousand(run: Run) -> list[Figure]:
    """10,000 exchanges, and whether the last ones take longer than the first."""
    count = run.choose(10_000, 1000)
    results = _measure(run, count, run.choose(3, 1), slow=("vcrpy", "cassetter"))
    tenths = {
        name: statistics.median(result["last"] / result["first"] for result in results[name])
        for name in (_FLOOR, "claude_replay")
    }
    what = f"{count:,} exchanges: last tenth / first tenth (floor {tenths[_FLOOR]:.2f} x)"
    growth = tenths["claude_replay"]
    return [
        _summarize(f"{count:,} exchanges in one cassette, (load + replay) / floor", results, count, 1.4),
        Figure(what, {"claude_replay": f"{growth:.2f} x"}, "<= 1.2 x", growth <= 1.2),
    ]


def _measure(run: Run, count: int, rounds: int, slow: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    arms = {_FLOOR: partial(run_apart, replay_all, recorder="", one="", many="", count=count)}
    for recorder in run.recorders:
        one, many = (str(find_cassette(run, recorder, size)) for size in (1, count))
        arms[recorder] = partial(run_apart, replay_all, recorder=recorder, one=one, many=many, count=count)
    quick = {name: arm for name, arm in arms.items() if name not in slow}
    results = interleave(quick, rounds)
    results.update(interleave({name: arms[name] for name in arms if name in slow}, 1, warm=False))
    return results


def _summarize(what: str, results: dict[str, list[dict[str, Any]]], count: int, target: float) -> Figure:
    floor = [result["cpu"] for result in results[_FLOOR]]
    cells = {}
    for name, found in results.items():
        last = found[-1]
        if "problem" in last:
            cells[name] = f"refuses to load ({last['problem']})"
        elif last["done"] < count:
            cells[name] = (
                f"cut off after {last['done']:,} exchanges ({last['cpu']:.0f} s, load {last['load']:.1f} s)"
            )
        else:
            each = [result["cpu"] for result in found]
            load = statistics.median(result["load"] for result in found)
            cells[name] = (
                f"{_ratio(each, floor):.2f} x, of it loading {load / statistics.median(floor):.2f} x"
            )
    reached = _ratio([result["cpu"] for result in results["claude_replay"]], floor)
    return Figure(
        f"{what} ({statistics.median(floor):.2f} s CPU)", cells, f"<= {target} x", reached <= target
    )


def _ratio(values: list[float], floor: list[float]) -> float:
    if len(values) == len(floor):
        return median_ratio(values, floor)
    return statistics.median(values) / statistics.median(floor)


def replay_all(recorder: str, one: str, many: str, count: int) -> dict[str, Any]:
    """
    Load a cassette, ask for all of it and close it; CPU seconds.

    `first` and `last` are those of the first and last tenth. What is done once in a process (imports, the first
    call of the SDK) is done before the clock starts.
    """
    make_floor_client([make_answer(0)]).messages.create(**make_call(0))
    client = (
        make_client() if recorder else make_floor_client([make_answer(number) for number in range(count)])
    )
    calls = [make_call(number) for number in range(count)]
    opened: AbstractContextManager[Any] = nullcontext()
    if recorder:
        with RECORDERS[recorder].replaying(Path(one)):
            client.messages.create(**calls[0])
        opened = RECORDERS[recorder].replaying(Path(many))
    begun = process_time()
    try:
        opened.__enter__()
    except Exception as error:
        return {"problem": f"{error}".splitlines()[0][:80]}
    marks = [process_time()]
    for call in calls:
        client.messages.create(**call)
        marks.append(process_time())
        if marks[-1] - begun > _MOST_SECONDS:
            break
    opened.__exit__(None, None, None)
    end, done = process_time(), len(marks) - 1
    tenth = max(1, done // 10)
    return {
        "cpu": end - begun,
        "load": marks[0] - begun,
        "done": done,
        "first": marks[tenth] - marks[0],
        "last": marks[-1] - marks[-1 - tenth],
    }
