"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.agents import measure_agent
from benchmarks.caching import measure_bound, measure_flight, measure_hit, measure_key, measure_peer
from benchmarks.environment import run_in_environment
from benchmarks.figures import Figure, Run, print_head, print_machine, print_rows
from benchmarks.growth import measure_ten_thousand, measure_thousand
from benchmarks.loading import measure_load
from benchmarks.marked import measure_marked, measure_own_client
from benchmarks.missing import measure_miss
from benchmarks.recorders import installed_recorders
from benchmarks.saving import measure_saving
from benchmarks.sharing import measure_sharing
from benchmarks.similar import measure_similar
from benchmarks.startup import measure_startup, measure_tax
from benchmarks.stores import measure_killing, measure_million
from benchmarks.streaming import measure_first_token, measure_stream

_MEASUREMENTS: dict[str, Callable[[Run], list[Figure]]] = {
    "startup": measure_startup,
    "tax": measure_tax,
    "marked": measure_marked,
    "own_client": measure_own_client,
    "thousand": measure_thousand,
    "ten_thousand": measure_ten_thousand,
    "load": measure_load,
    "stream": measure_stream,
    "first_token": measure_first_token,
    "miss": measure_miss,
    "saving": measure_saving,
    "sharing": measure_sharing,
    "agent": measure_agent,
    "cache_hit": measure_hit,
    "cache_key": measure_key,
    "cache_flight": measure_flight,
    "cache_bound": measure_bound,
    "cache_killing": measure_killing,
    "cache_million": measure_million,
    "cache_peer": measure_peer,
    "cache_similar": measure_similar,
}


def main() -> None:
    """Measure what was asked for; figures go to standard output, progress to standard error."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=main.__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"one of {', '.join(_MEASUREMENTS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller sizes: a rough idea")
    parser.add_argument("--here", action="store_true", help="measure what is installed here, not a new wheel")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in _MEASUREMENTS]
    if unknown:
        parser.error(f"there is no measurement {unknown[0]!r}; there are: {', '.join(_MEASUREMENTS)}")
    if not given.here:
        run_in_environment(sys.argv[1:])
    print_machine()
    print_head()
    with tempfile.TemporaryDirectory(prefix="claude-replay-benchmarks-") as scratch:
        run = Run(Path(scratch), installed_recorders(), given.quick)
        for name in given.names or _MEASUREMENTS:
            started = time.monotonic()
            print_rows(_measure(name, run))
            print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _measure(name: str, run: Run) -> list[Figure]:
    """The rows of one measurement; without the peers where one of them breaks, and one that says so where all does."""
    try:
        return _MEASUREMENTS[name](run)
    except Exception:
        traceback.print_exc()
    alone = replace(run, scratch=run.scratch / f"{name} alone", recorders=run.recorders[:1])
    try:
        return _MEASUREMENTS[name](alone)
    except Exception as error:
        traceback.print_exc()
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return [Figure(name, {run.recorders[0]: f"failed ({reason[:80]})"}, reached=False)]
