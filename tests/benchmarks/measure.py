"""Arms that take turns, processes and what they cost."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

TESTS = Path(__file__).parents[1]

_Result = TypeVar("_Result")
_FOREIGN = ("ANTHROPIC_", "CLAUDE_REPLAY_", "PYTEST_", "PYTHON")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took, in seconds; `cpu` is user and system time, its own and its children's."""

    cpu: float
    wall: float
    output: str


def interleave(
    arms: Mapping[str, Callable[[], _Result]], rounds: int, *, warm: bool = True
) -> dict[str, list[_Result]]:
    """
    Let the arms take turns for so many rounds, in an order that rotates; what each gave, by round.

    With `warm` a first round is run and thrown away.
    """
    names = list(arms)
    if not names:
        return {}
    results: dict[str, list[_Result]] = {name: [] for name in names}
    for number in range(-1 if warm else 0, rounds):
        start = number % len(names)
        order = names[start:] + names[:start]
        for name in reversed(order) if number % 2 else order:
            result = arms[name]()
            if number >= 0:
                results[name].append(result)
    return results


def median_ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(value / floor for value, floor in zip(values, base, strict=True))


def clean_environment() -> dict[str, str]:
    """
    The environment without keys, proxies and settings of whoever runs this.

    Bytecode is kept, as on the machines of users: without it every process compiles what it imports, and all
    modules of a plugin twice.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "PYTHONDONTWRITEBYTECODE")
        and not name.startswith(_FOREIGN)
        and not name.lower().endswith("_proxy")
    }
    return {**kept, "PYTHONPATH": str(TESTS)}


def run_process(
    arguments: Sequence[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Cost:
    """
    Run Python with these arguments and wait for it.

    Raises RuntimeError with the end of its output where it does not succeed.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**clean_environment(), **(environment or {})},
        capture_output=True,
        text=True,
    )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(cpu, wall, done.stdout)


def run_apart(function: Callable[..., Any], **arguments: object) -> Any:
    """Call a function of this package in a process of its own; arguments and result travel as JSON."""
    target = f"{function.__module__}:{function.__name__}"
    # From here, so that the package is found where it is installed.
    cost = run_process(["-m", "benchmarks.apart", target, json.dumps(arguments)], folder=TESTS)
    return json.loads(cost.output.splitlines()[-1])
