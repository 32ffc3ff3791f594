"""Cassettes that no collected test owns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_replay.cassette import cassette_name

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["find_orphans"]


def find_orphans(state: State, session: pytest.Session) -> list[str]:
    """
    The cassettes of fully collected modules that no test of them owns, relative to the project root.

    Modules of which a part was left out (`-k`, `-m`, a node id, `--lf`) are not judged, nor are runs that stopped
    before all tests were collected. Cassettes of skipped tests have an owner.
    """
    if session.testsfailed and not state.owned:
        return []
    root = Path(state.config.rootpath)
    partly = state.partly | {_relative(arg.partition("::")[0], state) for arg in state.config.args if "::" in arg}
    folder = root / state.base_settings().dir
    found: list[str] = []
    for module in sorted(state.modules - partly):
        home = folder / cassette_name(f"{module}::x").parent
        found.extend(_unowned(home, state))
    return [os.path.relpath(path, root) for path in found]


def _relative(argument: str, state: State) -> str:
    path = Path(state.config.invocation_params.dir, argument)
    return Path(os.path.relpath(path, state.config.rootpath)).as_posix()


def _unowned(home: Path, state: State) -> Iterator[str]:
    try:
        names = sorted(os.listdir(home))
    except OSError:
        return
    for name in names:
        path = home / name
        if name.endswith((".yaml", ".yml")) and not name.startswith(".") and os.path.realpath(path) not in state.owned:
            yield str(path)
