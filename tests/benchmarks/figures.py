"""What a measurement found, as rows of one table."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "anthropic",
    "httpx2",
    "pytest",
    "pytest-xdist",
    "PyYAML",
    "vcrpy",
    "pytest-recording",
    "cassetter",
)
_ARMS = ("vcrpy", "cassetter", "claude_replay")


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One row: what each recorder reached, in words with units.

    `reached` says whether this package meets `target`; None where there is no target.
    """

    what: str
    arms: Mapping[str, str]
    target: str = ""
    reached: bool | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """How much to measure, and where files may be put."""

    scratch: Path
    recorders: Sequence[str]
    quick: bool = False

    def choose(self, full: int, quick: int) -> int:
        """The number for this run."""
        return quick if self.quick else full

    def make_folder(self, name: str) -> Path:
        """A new folder for one measurement."""
        folder = self.scratch / name
        folder.mkdir(parents=True)
        return folder


def print_machine() -> None:
    """Say where and with what this was measured."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs ({_find_cpu()}), {platform.system()}")
    print(", ".join(f"{name} {_find_version(name)}" for name in _PACKAGES))
    print(f"load when it began: {os.getloadavg()[0]:.1f}\n")


def _find_cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _find_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def print_head() -> None:
    """Print the head of a Markdown table."""
    print("| what | " + " | ".join(_ARMS) + " | to reach | |")
    print("|---" * (len(_ARMS) + 3) + "|", flush=True)


def print_rows(figures: Sequence[Figure]) -> None:
    """Print the rows of one measurement."""
    for figure in figures:
        cells = [figure.arms.get(arm, "-") for arm in _ARMS]
        mark = {True: "yes", False: "**no**", None: ""}[figure.reached]
        print(f"| {figure.what} | {' | '.join(cells)} | {figure.target} | {mark} |", flush=True)
