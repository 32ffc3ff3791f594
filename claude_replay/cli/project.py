"""The settings of the project that a command is run in, as pytest would find them; pytest is not imported."""

from __future__ import annotations

import configparser
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_replay.errors import SettingsError
from claude_replay.settings import COMMAND_LINE, INI_FILE, Layer, Settings, environment_layer, is_ci, resolve

__all__ = ["Project", "read_project"]

_PREFIX = "claude_replay_"
# In the order in which pytest 9 looks for them, in each folder upwards; those of the first kind count though
# they may say nothing.
_OWN_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
_SHARED_FILES = ("pyproject.toml", "tox.ini", "setup.cfg")
_SECTIONS = {"setup.cfg": "tool:pytest"}


@dataclass(frozen=True, slots=True)
class Project:
    """The settings of a project, and the folder of its cassettes, relative to the current one."""

    settings: Settings
    folder: Path


def read_project(command_line: Mapping[str, object] | None = None) -> Project:
    """
    The project of the current folder: that of the nearest configuration of pytest here or above.

    The ini file is weaker than the environment, and that than `command_line`; lists add up. Raises
    SettingsError for a value that is not valid, and for a file that cannot be read.
    """
    root, ini = _find_ini()
    layers = (ini, environment_layer(os.environ), Layer(COMMAND_LINE, command_line or {}))
    settings = resolve(layers, ci=is_ci(os.environ))
    return Project(settings, Path(os.path.relpath(root / settings.dir)))


def _find_ini() -> tuple[Path, Layer]:
    here = Path.cwd()
    for folder in (here, *here.parents):
        for name in (*_OWN_FILES, *_SHARED_FILES):
            path = folder / name
            if path.is_file() and (found := _read(path)) is not None:
                values = {
                    key.removeprefix(_PREFIX): value
                    for key, value in found.items()
                    if key.startswith(_PREFIX)
                }
                return folder, Layer(INI_FILE, values, os.path.relpath(path))
    return here, Layer(INI_FILE, {})


def _read(path: Path) -> Mapping[str, Any] | None:
    """What a file says to pytest; None where it says nothing."""
    try:
        text = path.read_text(encoding="utf-8")
        found = _read_toml(path.name, text) if path.suffix == ".toml" else _read_sections(path.name, text)
    except (ValueError, configparser.Error) as error:
        raise SettingsError(f"{os.path.relpath(path)}: {error}") from None
    return {} if found is None and path.name in _OWN_FILES else found


def _read_toml(name: str, text: str) -> Mapping[str, Any] | None:
    document = tomllib.loads(text)
    if name != "pyproject.toml":
        return _table(document, "pytest")
    table = _table(_table(document, "tool"), "pytest")
    if table is None:
        return None
    return {**(_table(table, "ini_options") or {}), **table}


def _table(document: Mapping[str, Any] | None, name: str) -> Mapping[str, Any] | None:
    found = (document or {}).get(name)
    return found if isinstance(found, dict) else None


def _read_sections(name: str, text: str) -> Mapping[str, Any] | None:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    # Keys are told apart by their case.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    section = _SECTIONS.get(name, "pytest")
    return dict(parser[section]) if parser.has_section(section) else None
