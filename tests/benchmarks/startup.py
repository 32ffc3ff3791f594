"""What the plugin costs those who do not use it: at the start of pytest, and for each test."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, Run
from benchmarks.measure import interleave
from benchmarks.recorders import RECORDERS
from benchmarks.suites import CLOCK, Suite, Times, write_suite

_NOTHING, _AGAIN = "pytest alone", "pytest alone, again"
_FIXTURE = """
    @pytest.fixture(autouse=True)
    def nothing():
        yield
"""


def measure_startup(run: Run) -> list[Figure]:
    """A suite of one empty test with and without each plugin; without, twice, which shows how much of it is noise."""
    folder = run.make_folder("startup")
    suites = _write_suites(folder, 1, run.recorders)
    suites[_AGAIN] = write_suite(folder / "again", _list_tests(1))
    costs = interleave({name: suite.run for name, suite in suites.items()}, run.choose(75, 5))
    first, second = ([cost.cpu for cost in costs.pop(name)] for name in (_NOTHING, _AGAIN))
    base = [(one + other) / 2 for one, other in zip(first, second, strict=True)]
    noise = statistics.median(other - one for one, other in zip(first, second, strict=True))
    added = {
        name: statistics.median(cost.cpu - floor for cost, floor in zip(arm, base, strict=True))
        for name, arm in costs.items()
    }
    ratios = {name: 1 + extra / statistics.median(base) for name, extra in added.items()}
    arms = {name: f"{ratios[name]:.3f} x, {added[name] * 1e3:+.0f} ms" for name in costs}
    what = (
        f"empty suite, plugin installed / not installed ({statistics.median(base) * 1e3:.0f} ms CPU; "
        f"the same suite once more: {noise * 1e3:+.0f} ms)"
    )
    return [Figure(what, arms, "<= 1.02 x", ratios["claude_replay"] <= 1.02)]


def measure_tax(run: Run) -> list[Figure]:
    """
    Empty tests that use nothing: what each of them takes, and finding it.

    The median over tests, by the clock of the process that runs them: over whole processes the speed of a machine
    that others share changes by more than what is to be measured. What a plugin costs once is in `measure_startup`.
    """
    count, folder = run.choose(1500, 500), run.make_folder("tax")
    suites = _write_suites(folder, count, run.recorders, fixtures=[CLOCK])
    suites["autouse"] = write_suite(folder / "autouse", _list_tests(count), fixtures=[CLOCK, _FIXTURE])
    costs = interleave({name: suite.measure for name, suite in suites.items()}, run.choose(15, 3))
    each = {name: [_sum_up(times, count) for times in found] for name, found in costs.items()}
    tax = {
        name: statistics.median(ours - base for ours, base in zip(values, each[_NOTHING], strict=True)) * 1e6
        for name, values in each.items()
    }
    what = f"tax on a test that is not marked (an autouse fixture alone: {tax['autouse']:.0f} µs)"
    cells = {name: f"{tax[name]:.0f} µs" for name in run.recorders}
    return [Figure(what, cells, "<= 20 µs", tax["claude_replay"] <= 20)]


def _sum_up(times: Times, count: int) -> float:
    return statistics.median(took for _, took in times.tests) + times.collection / count


def _write_suites(
    folder: Path, count: int, recorders: Sequence[str], fixtures: Sequence[str] = ()
) -> dict[str, Suite]:
    write = partial(write_suite, tests=_list_tests(count), fixtures=fixtures)
    suites = {_NOTHING: write(folder / "nothing")}
    for name in recorders:
        suites[name] = write(folder / name, plugins=[RECORDERS[name].plugin])
    return suites


def _list_tests(count: int) -> str:
    return "".join(f"def test_{number}():\n    pass\n" for number in range(count))
