"""Cassettes that no collected test owns."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_replay.cassette import cassette_name
from claude_replay.errors import SettingsError
from claude_replay.plugin.items import MARK, cassette_path, module_of, settings_of

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["find_orphans"]

_OURS = b"# claude_replay cassette"


def find_orphans(state: State, session: pytest.Session) -> list[str]:
    """
    The cassettes in the folders of fully collected modules that no test of them owns, below the project root.

    Modules of which a part was left out are not judged. Tests that were skipped own their cassettes. Files
    that another tool wrote are left to it.
    """
    folder = state.config.rootpath / state.given.settings.dir
    if state.config.getoption("lf", False):
        # Drops tests without a word.
        return []
    modules: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in session.items:
        modules[module_of(item)].append(item)
    found: list[Path] = []
    for module in sorted(modules.keys() - state.partial - _named_in_part(state.config)):
        left = list(_find_unused(folder / cassette_name(f"{module}::x").parent, state))
        if left:
            owners = [_owned_by(item, state) for item in modules[module]]
            owned = {os.path.realpath(path) for path in owners if path is not None}
            found += [path for path in left if os.path.realpath(path) not in owned]
    return [os.path.relpath(path, state.config.rootpath) for path in found]


def _named_in_part(config: pytest.Config) -> set[str]:
    """The modules of which the command line names single tests."""
    paths = [argument.partition("::")[0] for argument in config.args if "::" in argument]
    return {
        Path(os.path.relpath(config.invocation_params.dir / path, config.rootpath)).as_posix()
        for path in paths
    }


def _find_unused(home: Path, state: State) -> Iterator[Path]:
    try:
        names = sorted(os.listdir(home))
    except OSError:
        return
    for name in names:
        path = home / name
        if (
            name.endswith(".yaml")
            and not name.startswith(".")
            and str(path) not in state.opened
            and _is_ours(path)
        ):
            yield path


def _is_ours(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(len(_OURS)) == _OURS


def _owned_by(item: pytest.Item, state: State) -> Path | None:
    is_marked = MARK in getattr(item, "fixturenames", ())
    # Who knows what a test that was skipped would have opened.
    if not is_marked and item.nodeid not in state.skipped:
        return None
    try:
        return cassette_path(state, item, settings_of(state, item, {}))
    except SettingsError:
        return cassette_path(state, item, state.given.settings)
