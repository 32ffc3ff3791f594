"""How fast a cassette is read, and how much memory that takes."""

from __future__ import annotations

import os
import resource
import statistics
import sys
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.figures import Figure, Run
from benchmarks.measure import interleave, run_apart
from benchmarks.recorders import RECORDERS, find_cassette

_OPEN, _PARSED = "claude_replay", "claude_replay, parsed"


def measure_load(run: Run) -> list[Figure]:
    """
    A large cassette, opened until it can answer; for this package also until all of it is parsed.

    The others parse all of a file when they open it.
    """
    count = run.choose(10_000, 1000)
    arms = {}
    for name in run.recorders:
        # cassetter cannot load more than 250,000 YAML nodes.
        size = min(count, 1000) if name == "cassetter" else count
        one, many = str(find_cassette(run, name, 1)), str(find_cassette(run, name, size))
        arms[name] = partial(run_apart, load_all, recorder=name, one=one, many=many, parse=False)
    arms[_PARSED] = partial(arms[_OPEN], parse=True)
    # vcrpy takes a quarter of a minute.
    results = interleave({name: arm for name, arm in arms.items() if name != "vcrpy"}, run.choose(5, 2))
    results.update(interleave({name: arm for name, arm in arms.items() if name == "vcrpy"}, 1, warm=False))
    megabytes = find_cassette(run, "claude_replay", count).stat().st_size / 1e6
    what = f"{count:,} exchanges ({megabytes:.0f} MB), "
    speed = {name: _median(found, "speed") for name, found in results.items()}
    memory = {name: _median(found, "memory") for name, found in results.items()}
    return [
        _speed(what + "load speed: ready to answer", speed, speed[_OPEN]),
        _speed("the same, everything parsed", {**speed, _OPEN: speed[_PARSED]}, speed[_PARSED]),
        _memory("peak memory / file size: ready to answer", memory, memory[_OPEN]),
        _memory("the same, everything parsed", {**memory, _OPEN: memory[_PARSED]}, memory[_PARSED]),
    ]


def _median(results: list[dict[str, Any]], name: str) -> float:
    return float(statistics.median(result[name] for result in results))


def _speed(what: str, values: dict[str, float], ours: float) -> Figure:
    cells = {name: f"{value / 1e6:.1f} MB/s" for name, value in values.items()}
    return Figure(what, cells, ">= 40 MB/s", ours >= 40e6)


def _memory(what: str, values: dict[str, float], ours: float) -> Figure:
    return Figure(what, {name: f"{value:.1f} x" for name, value in values.items()}, "<= 4 x", ours <= 4)


def load_all(recorder: str, one: str, many: str, parse: bool) -> dict[str, float]:
    """Open a cassette: bytes for each CPU second, and bytes of memory at the peak for each byte of the file."""
    import anthropic  # noqa: F401  # memory that is not ours

    with RECORDERS[recorder].replaying(Path(one)):
        pass
    path = Path(many)
    size = path.stat().st_size
    before, begun = reset_peak(), process_time()
    if parse:
        _parse_all(path)
    else:
        RECORDERS[recorder].replaying(path).__enter__()
    took = process_time() - begun
    return {"speed": size / took, "memory": (read_peak() - before) / size}


def _parse_all(path: Path) -> None:
    import gc

    from claude_replay.cassette import load_cassette

    # As the package does where it parses many.
    gc.disable()
    cassette = load_cassette(path)
    assert cassette is not None
    kept = [entry.exchange for entry in cassette.entries]
    gc.enable()
    assert len(kept) == len(cassette.entries)


def reset_peak() -> float:
    """Forget the peak where the system can; the memory in use now, in bytes."""
    if os.path.exists("/proc/self/clear_refs"):
        Path("/proc/self/clear_refs").write_text("5")
    return read_peak()


def read_peak() -> float:
    """The most memory that was in use, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024
