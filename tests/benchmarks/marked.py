"""Marked tests that replay one call, with a client that all share and with one of their own."""

from __future__ import annotations

import statistics
from pathlib import Path

from benchmarks.figures import Figure, Run
from benchmarks.measure import Cost, interleave, median_ratio
from benchmarks.recorders import RECORDERS
from benchmarks.suites import Suite, write_suite
from benchmarks.traffic import list_calls

_FLOOR = "floor"
_SHARED = """
    @pytest.fixture(scope="session")
    def claude():
        from benchmarks.traffic import make_client
        return make_client()
"""
_SHARED_FLOOR = """
    @pytest.fixture(scope="session")
    def claude():
        from benchmarks.traffic import make_answer, make_floor_client
        return make_floor_client([make_answer(0)])
"""
_OWN = _SHARED.replace('(scope="session")', "")
_OWN_FLOOR = _SHARED_FLOOR.replace('(scope="session")', "")


def measure_marked(run: Run) -> list[Figure]:
    """A test with a cassette of its own; what the start of pytest costs is taken off."""
    count = run.choose(500, 200)
    folder = run.make_folder("marked")
    suites = {_FLOOR: (_SHARED_FLOOR, ""), **{name: (_SHARED, name) for name in run.recorders}}
    each, first = _measure(folder, suites, count, run.choose(5, 2))
    floor = statistics.median(each[_FLOOR])
    ratios = {name: median_ratio(each[name], each[_FLOOR]) for name in run.recorders}
    cells = {
        name: f"{ratios[name]:.2f} x, {statistics.median(each[name]) * 1e3:.2f} ms" for name in run.recorders
    }
    what = f"marked test, one replayed call, shared client / floor ({floor * 1e3:.2f} ms CPU)"
    begin = {
        name: f"{(statistics.median(first[name]) - statistics.median(first[_FLOOR])) * 1e3:+.0f} ms"
        for name in run.recorders
    }
    return [
        Figure(what, cells, "<= 1.4 x", ratios["claude_replay"] <= 1.4),
        Figure("one marked test alone, over the same test on the floor", begin),
    ]


def measure_own_client(run: Run) -> list[Figure]:
    """The usual way to write a test: it makes its own client, which builds a TLS context."""
    count = run.choose(100, 50)
    folder = run.make_folder("own_client")
    suites = {_FLOOR: (_OWN_FLOOR, ""), **{name: (_OWN, name) for name in run.recorders}}
    suites["not shared"] = (_OWN, "claude_replay")
    each, _ = _measure(folder, suites, count, run.choose(5, 2))
    took = {name: statistics.median(values) * 1e3 for name, values in each.items()}
    what = (
        f"marked test that makes its own client ({took[_FLOOR]:.2f} ms CPU on the floor, "
        f"{took['not shared']:.1f} ms with share_tls = false)"
    )
    cells = {name: f"{took[name]:.2f} ms" for name in run.recorders}
    return [Figure(what, cells, "<= 2 ms", took["claude_replay"] <= 2)]


def _measure(
    folder: Path, kinds: dict[str, tuple[str, str]], count: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """CPU seconds for each test, and for a suite of one test, by arm and round."""
    arms = {}
    for name, (fixture, recorder) in kinds.items():
        for size in (count, 1):
            suite = _write_suite(folder / f"{name} {size}", fixture, recorder, size)
            environment = {"CLAUDE_REPLAY_SHARE_TLS": "false"} if name == "not shared" else {}
            arms[name, size] = _Arm(suite, environment)
    costs = interleave({f"{name} {size}": arm.run for (name, size), arm in arms.items()}, rounds)
    first = {name: [cost.cpu for cost in costs[f"{name} 1"]] for name in kinds}
    each = {
        name: [
            (cost.cpu - one) / (count - 1)
            for cost, one in zip(costs[f"{name} {count}"], first[name], strict=True)
        ]
        for name in kinds
    }
    return each, first


class _Arm:
    def __init__(self, suite: Suite, environment: dict[str, str]) -> None:
        self._suite = suite
        self._environment = environment

    def run(self) -> Cost:
        return self._suite.run(environment=self._environment)


def _write_suite(folder: Path, fixture: str, recorder: str, count: int) -> Suite:
    chosen = RECORDERS[recorder] if recorder else None
    mark = f"@{chosen.mark}\n" if chosen else ""
    lines = ["import pytest\nfrom benchmarks.traffic import make_call\n\n"]
    for number in range(count):
        lines.append(f"CALL_{number} = make_call({number})\n")
        lines.append(f"{mark}def test_{number}(claude):\n")
        lines.append(f"    assert claude.messages.create(**CALL_{number}).id\n\n")
    if chosen is None:
        return write_suite(folder, "".join(lines), fixtures=[fixture])
    for number in range(count):
        chosen.write(folder / "cassettes" / "test_suite" / f"test_{number}.yaml", list_calls([number]))
    return write_suite(folder, "".join(lines), fixtures=[fixture, chosen.config], plugins=[chosen.plugin])
