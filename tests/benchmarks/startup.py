"""What the plugin costs those who do not use it: at the start of pytest, and for each test."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, Run
from benchmarks.measure import interleave
from benchmarks.recorders import RECORDERS
from benchmarks.suites import Suite, write_suite

_NOTHING = "pytest alone"
_FIXTURE = """
    @pytest.fixture(autouse=True)
    def nothing():
        yield
"""


def measure_startup(run: Run) -> list[Figure]:
    """A suite of one empty test with and without each plugin."""
    suites = _write_suites(run.make_folder("startup"), 1, run.recorders)
    costs = interleave({name: suite.run for name, suite in suites.items()}, run.choose(25, 5))
    base = [cost.cpu for cost in costs.pop(_NOTHING)]
    added = {
        name: statistics.median(cost.cpu - floor for cost, floor in zip(arm, base, strict=True))
        for name, arm in costs.items()
    }
    ratios = {name: 1 + extra / statistics.median(base) for name, extra in added.items()}
    arms = {name: f"{ratios[name]:.3f} x, {added[name] * 1e3:+.0f} ms" for name in costs}
    what = f"empty suite, plugin installed / not installed ({statistics.median(base) * 1e3:.0f} ms CPU)"
    return [Figure(what, arms, "<= 1.02 x", ratios["claude_replay"] <= 1.02)]


def measure_tax(run: Run) -> list[Figure]:
    """Empty tests that use nothing, by the thousand; what the start costs is taken off."""
    count = run.choose(1500, 500)
    folder = run.make_folder("tax")
    many, one = (_write_suites(folder / str(number), number, run.recorders) for number in (count, 1))
    many["autouse"] = write_suite(folder / "autouse", _list_tests(count), fixtures=[_FIXTURE])
    one["autouse"] = write_suite(folder / "autouse_one", _list_tests(1), fixtures=[_FIXTURE])
    arms = {
        f"{name} {size}": suite.run
        for size, suites in (("many", many), ("one", one))
        for name, suite in suites.items()
    }
    costs = interleave(arms, run.choose(7, 3))
    each = {
        name: [
            (full.cpu - empty.cpu) / (count - 1)
            for full, empty in zip(costs[f"{name} many"], costs[f"{name} one"], strict=True)
        ]
        for name in many
    }
    tax = {
        name: statistics.median(ours - base for ours, base in zip(values, each[_NOTHING], strict=True)) * 1e6
        for name, values in each.items()
    }
    what = f"tax on a test that is not marked (an autouse fixture alone: {tax['autouse']:.0f} µs)"
    cells = {name: f"{tax[name]:.0f} µs" for name in run.recorders}
    return [Figure(what, cells, "<= 20 µs", tax["claude_replay"] <= 20)]


def _write_suites(folder: Path, count: int, recorders: Sequence[str]) -> dict[str, Suite]:
    write = partial(write_suite, tests=_list_tests(count))
    suites = {_NOTHING: write(folder / "nothing")}
    for name in recorders:
        suites[name] = write(folder / name, plugins=[RECORDERS[name].plugin])
    return suites


def _list_tests(count: int) -> str:
    return "".join(f"def test_{number}():\n    pass\n" for number in range(count))
