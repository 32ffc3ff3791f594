"""Cassettes that no collected test owns."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_replay.cassette import cassette_name
from claude_replay.errors import SettingsError
from claude_replay.plugin.extent import collected_folders
from claude_replay.plugin.items import MARK, cassette_path, module_of, settings_of

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["find_orphans"]

_OURS = b"# claude_replay cassette"
# A folder that could not be named as its module is: see `cassette_name`.
_RENAMED = re.compile(r"-[0-9a-f]{8}(?:/|$)")


def find_orphans(state: State, session: pytest.Session) -> list[str]:
    """
    The cassettes in the folders of fully collected modules that no test of them owns, below the project root.

    Of modules that are gone as well, where everything was collected. Modules of which a part was left out are
    not judged. Tests that were skipped own their cassettes. Files
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
    found += _find_in_gone_modules(folder, state, session)
    return [os.path.relpath(path, state.config.rootpath) for path in found]


def _find_in_gone_modules(folder: Path, state: State, session: pytest.Session) -> list[Path]:
    # To a worker of xdist, what it collects is always named.
    collected = state.worker["claude_replay_folders"] if state.worker else collected_folders(state.config)
    # The main process of xdist has no tests: its workers judge.
    if not collected or state.partial or not session.items:
        return []
    tops = [Path(name) for name in collected]
    left = [
        path
        for home in _find_gone_modules(folder, state.config)
        if any(top in _module_path(home, folder, state.config).parents for top in tops)
        for path in _find_unused(home, state)
    ]
    owners = [_owned_by(item, state) for item in session.items] if left else []
    owned = {os.path.realpath(path) for path in owners if path is not None}
    return [path for path in left if os.path.realpath(path) not in owned]


def _find_gone_modules(folder: Path, config: pytest.Config) -> Iterator[Path]:
    """The folders named like a test module that is not there; others are somebody's choice."""
    patterns: list[str] = config.getini("python_files")
    for parent, names, _ in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for home in (Path(parent, name) for name in names):
            module = _module_path(home, folder, config)
            if (
                any(fnmatchcase(module.name, pattern) for pattern in patterns)
                and not _RENAMED.search(home.relative_to(folder).as_posix())
                and not module.exists()
            ):
                yield home


def _module_path(home: Path, folder: Path, config: pytest.Config) -> Path:
    module = Path(os.path.realpath(config.rootpath)) / home.relative_to(folder)
    return module.with_name(f"{module.name}.py")


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
