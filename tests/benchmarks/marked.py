"""Marked tests that replay one call, with a client that all share and with one of their own."""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, Run
from benchmarks.measure import interleave
from benchmarks.recorders import RECORDERS
from benchmarks.suites import CLOCK, Suite, write_suite
from benchmarks.traffic import list_calls

# What the process does once (imports, the first call) is over by then.
_WARM = 20
_CLIENTS = """
    @pytest.fixture(scope="session")
    def shared():
        from benchmarks.traffic import make_client
        return make_client()


    @pytest.fixture(scope="session")
    def shared_floor():
        from benchmarks.traffic import make_answer, make_floor_client
        return make_floor_client([make_answer(0)])


    @pytest.fixture
    def own():
        from benchmarks.traffic import make_client
        with make_client() as client:
            yield client


    @pytest.fixture
    def own_floor():
        from benchmarks.traffic import make_answer, make_floor_client
        with make_floor_client([make_answer(0)]) as client:
            yield client
"""


def measure_marked(run: Run) -> list[Figure]:
    """
    A test with a cassette of its own.

    Tests on the floor and marked ones take turns in one process: the speed of a machine that others share
    changes from second to second, and by more than what is to be measured.
    """
    folder, rounds = run.make_folder("marked"), run.choose(7, 2)
    suites = {
        name: _write_suite(folder / name, "shared", name, run.choose(400, 100)) for name in run.recorders
    }
    found = interleave({name: partial(_measure, suite) for name, suite in suites.items()}, rounds, warm=False)
    ratios = {
        name: statistics.median(marked / floor for floor, marked in values) for name, values in found.items()
    }
    took = {name: statistics.median(marked for _, marked in values) for name, values in found.items()}
    floor = statistics.median(floor for floor, _ in found["claude_replay"])
    cells = {name: f"{ratios[name]:.2f} x, {took[name] * 1e3:.2f} ms" for name in run.recorders}
    what = f"marked test, one replayed call, shared client / floor ({floor * 1e3:.2f} ms CPU)"
    return [
        Figure(what, cells, "<= 1.4 x", ratios["claude_replay"] <= 1.4),
        Figure("one marked test alone, over the same test on the floor", _measure_alone(run, folder, rounds)),
    ]


def measure_own_client(run: Run) -> list[Figure]:
    """The usual way to write a test: it makes its own client, which builds a TLS context."""
    folder, count = run.make_folder("own_client"), run.choose(100, 50)
    arms = {
        name: partial(_measure, _write_suite(folder / name, "own", name, count)) for name in run.recorders
    }
    arms["not shared"] = partial(
        _measure,
        _write_suite(folder / "not shared", "own", "claude_replay", count),
        {"CLAUDE_REPLAY_SHARE_TLS": "false"},
    )
    found = interleave(arms, run.choose(5, 2), warm=False)
    took = {name: statistics.median(marked for _, marked in values) * 1e3 for name, values in found.items()}
    floor = statistics.median(floor for floor, _ in found["claude_replay"]) * 1e3
    what = (
        f"marked test that makes its own client ({floor:.2f} ms CPU on the floor, "
        f"{took['not shared']:.1f} ms with share_tls = false)"
    )
    cells = {name: f"{took[name]:.2f} ms" for name in run.recorders}
    return [Figure(what, cells, "<= 2 ms", took["claude_replay"] <= 2)]


def _measure(suite: Suite, environment: dict[str, str] | None = None) -> tuple[float, float]:
    """CPU seconds for a test on the floor and for a marked one: the median, which no garbage collection is in."""
    times = suite.measure(environment).tests[_WARM:]
    floor, marked = (
        statistics.median(took for name, took in times if name.startswith(kind))
        for kind in ("test_floor", "test_marked")
    )
    return floor, marked


def _measure_alone(run: Run, folder: Path, rounds: int) -> dict[str, str]:
    """What the first marked test costs a process, and so everybody who runs a single one."""
    suites = {"floor": _write_suite(folder / "alone", "shared", "", 1)}
    suites |= {
        name: _write_suite(folder / f"{name} alone", "shared", name, 1, floors=False)
        for name in run.recorders
    }
    costs = interleave({name: suite.run for name, suite in suites.items()}, rounds)
    base = [cost.cpu for cost in costs["floor"]]
    extra = {
        name: statistics.median(cost.cpu - floor for cost, floor in zip(costs[name], base, strict=True))
        for name in run.recorders
    }
    return {name: f"{extra[name] * 1e3:+.0f} ms" for name in run.recorders}


def _write_suite(folder: Path, client: str, recorder: str, count: int, *, floors: bool = True) -> Suite:
    """So many tests of each kind, one after the other; no marked ones without a recorder."""
    chosen = RECORDERS[recorder] if recorder else None
    lines = ["import pytest\nfrom benchmarks.traffic import make_call\n\n"]
    for number in range(count):
        lines.append(f"CALL_{number} = make_call({number})\n")
        kinds = [("floor", "", f"{client}_floor")] if floors else []
        kinds += [("marked", f"@{chosen.mark}\n", client)] if chosen else []
        for kind, mark, fixture in kinds:
            lines.append(f"{mark}def test_{kind}_{number}({fixture}):\n")
            lines.append(f"    assert {fixture}.messages.create(**CALL_{number}).id\n\n")
        if chosen:
            path = folder / "cassettes" / "test_suite" / f"test_marked_{number}.yaml"
            chosen.write(path, list_calls([number]))
    fixtures = [_CLIENTS, CLOCK, *([chosen.config] if chosen else [])]
    return write_suite(folder, "".join(lines), fixtures=fixtures, plugins=[chosen.plugin] if chosen else [])
