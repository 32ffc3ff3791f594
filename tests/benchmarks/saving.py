"""Recording many exchanges into one cassette: what each costs when it arrives, and what the end costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Run
from benchmarks.measure import interleave, run_apart
from benchmarks.recorders import RECORDERS
from benchmarks.traffic import make_call, make_client
from standin import ClaudeServer

_LIVE = "live"
_WINDOW = 20
_MOST_SECONDS = 20.0


def measure_saving(run: Run) -> list[Figure]:
    """1,000 calls to a server on this machine, recorded and not; wall time, since it is the disk that matters."""
    count = run.choose(1000, 200)
    folder = run.make_folder("saving")
    with ClaudeServer() as server:
        arms = {
            name: partial(_record, name, folder, server.url, count)
            for name in [_LIVE, *run.recorders]
            if name != "vcrpy"
        }
        results = interleave(arms, run.choose(3, 1), warm=False)
        if "vcrpy" in run.recorders:
            results["vcrpy"] = [_record("vcrpy", folder, server.url, count)]
    live = results.pop(_LIVE)
    firsts = (0, 100 - _WINDOW // 2, count - _WINDOW)
    figures = [_compare_window(slice(first, first + _WINDOW), results, live) for first in firsts]
    saves = [statistics.median(result["saving"]) for result in results["claude_replay"]]
    worst = statistics.median(saves) * 1e3
    figures.append(
        Figure(
            "of it saving: redact, write YAML, look for secrets, journal (fsync in a thread beside it)",
            {"claude_replay": f"{worst:.2f} ms"},
            "<= 1 ms",
            worst <= 1,
        )
    )
    close = {name: statistics.median(result["close"] for result in found) for name, found in results.items()}
    cells = {name: f"{value:.2f} s{_cut(results[name], count)}" for name, value in close.items()}
    figures.append(
        Figure(f"closing the cassette at n = {count:,}", cells, "<= 1 s", close["claude_replay"] <= 1)
    )
    return figures


def _compare_window(
    window: slice, results: dict[str, list[dict[str, Any]]], live: list[dict[str, Any]]
) -> Figure:
    base = statistics.median(statistics.median(result["calls"][window]) for result in live)
    cells = {}
    for recorder, found in results.items():
        each = [
            statistics.median(result["calls"][window])
            for result in found
            if len(result["calls"]) >= window.stop
        ]
        cells[recorder] = f"+{(statistics.median(each) - base) * 1e3:.2f} ms" if each else "cut off"
    what = (
        f"what recording adds to a call, {window.start + 1:,} to {window.stop:,} ({base * 1e3:.1f} ms live)"
    )
    return Figure(what, cells)


def _cut(results: list[dict[str, Any]], count: int) -> str:
    done = len(results[0]["calls"])
    return f" (cut off after {done} exchanges)" if done < count else ""


def _record(recorder: str, folder: Path, url: str, count: int) -> Any:
    path = folder / f"{recorder}.yaml"
    path.unlink(missing_ok=True)
    return run_apart(record_calls, recorder=recorder, path=str(path), url=url, count=count)


def record_calls(recorder: str, path: str, url: str, count: int) -> dict[str, Any]:
    """Wall seconds of each call, of closing the cassette, and (this package only) of saving each exchange."""
    opened = nullcontext() if recorder == _LIVE else RECORDERS[recorder].recording(Path(path))
    client, saving, times = make_client(url), list[float](), list[float]()
    if recorder == "claude_replay":
        _watch_saving(saving)
    client.messages.create(**make_call(0))
    opened.__enter__()
    begun = time.perf_counter()
    for number in range(count):
        call = make_call(number)
        before = time.perf_counter()
        client.messages.create(**call)
        times.append(time.perf_counter() - before)
        if time.perf_counter() - begun > _MOST_SECONDS:
            break
    before = time.perf_counter()
    opened.__exit__(None, None, None)
    return {"calls": times, "close": time.perf_counter() - before, "saving": saving}


def _watch_saving(times: list[float]) -> None:
    from claude_replay.session import LiveCalls

    original: Callable[..., None] = LiveCalls.finish

    def finish(*arguments: Any) -> None:
        before = time.perf_counter()
        original(*arguments)
        times.append(time.perf_counter() - before)

    setattr(LiveCalls, "finish", finish)  # noqa: B010  # mypy knows methods as they are
