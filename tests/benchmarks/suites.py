"""Test suites that are written, run by pytest and timed."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Cost, run_process

# The SDK depends on anyio, whose plugin is therefore part of every suite that calls Claude.
_ALWAYS = "anyio"
_TIMES = "times.json"
_INSTALLED = sorted({entry.name for entry in entry_points(group="pytest11")} - {_ALWAYS})

CLOCK = f"""
    import json
    from time import process_time

    TESTS, COLLECTION = [], []


    def _measure(add):
        begun = process_time()
        try:
            return (yield)
        finally:
            add(process_time() - begun)


    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection():
        return (yield from _measure(COLLECTION.append))


    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(item):
        return (yield from _measure(lambda took: TESTS.append((item.name, took))))


    def pytest_sessionfinish():
        with open("{_TIMES}", "w") as file:
            json.dump({{"tests": TESTS, "collection": sum(COLLECTION)}}, file)
"""
"""A fixture to write into a suite, so that it can say what its tests took."""


class Times(NamedTuple):
    """CPU seconds of each test in the order they ran, with its name, and of finding them all."""

    tests: list[tuple[str, float]]
    collection: float


@dataclass(frozen=True, slots=True)
class Suite:
    """
    A folder with tests, and the plugins it is run with.

    pytest finds them by itself, as it does for users; all others are switched off before they are imported, so
    that two arms differ in nothing but the plugin.
    """

    folder: Path
    plugins: tuple[str, ...] = ()

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Cost:
        """Run all tests; raises RuntimeError where one does not pass."""
        others = [word for name in _INSTALLED if name not in self.plugins for word in ("-p", f"no:{name}")]
        return run_process(
            ["-m", "pytest", "-q", "-p", "no:cacheprovider", *others, *arguments],
            folder=self.folder,
            environment=environment,
        )

    def measure(self, environment: Mapping[str, str] | None = None) -> Times:
        """Run all tests of a suite that was written with `CLOCK`; raises as `run` does."""
        self.run(environment=environment)
        found = json.loads((self.folder / _TIMES).read_text(encoding="utf-8"))
        return Times([(name, took) for name, took in found["tests"]], found["collection"])


def write_suite(
    folder: Path, tests: str, *, fixtures: Sequence[str] = (), plugins: Sequence[str] = ()
) -> Suite:
    """Write a module of tests, with a conftest.py that holds `fixtures`."""
    folder.mkdir(parents=True, exist_ok=True)
    # Without it pytest would look for a project further up.
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    parts = ["import pytest\n", *(textwrap.dedent(fixture) for fixture in fixtures)]
    (folder / "conftest.py").write_text("\n\n".join(parts), encoding="utf-8")
    (folder / "test_suite.py").write_text(tests, encoding="utf-8")
    return Suite(folder, tuple(plugins))


def count_passed(cost: Cost) -> int:
    """How many tests passed."""
    found = re.search(r"(\d+) passed", cost.output)
    return int(found[1]) if found else 0
