"""Side files of cassettes: which there are, and which of them no cassette names."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from claude_replay.cassette.media import FOLDER, find_names, is_media_name
from claude_replay.cli.project import read_project

__all__ = ["SideFile", "find_side_files"]


@dataclass(frozen=True, slots=True)
class SideFile:
    """A file in a folder of side files; `is_used` says that a cassette, a journal or any other file names it."""

    path: Path
    is_used: bool


def find_side_files(paths: Sequence[str], without: Container[Path] = ()) -> Iterator[SideFile]:
    """
    The side files in the folders at `paths`, without paths in the project's folder of cassettes.

    Used are those that any file below the same folder names, as text, but for the files `without`: also what
    cannot be read as a cassette may come to be mended.
    """
    for name in paths or [str(read_project().folder)]:
        for folder in _find_folders(Path(name)):
            found = [path for path in sorted(folder.iterdir()) if is_media_name(path.name) and path.is_file()]
            used = _find_used(folder.parent, without) if found else set()
            yield from (SideFile(path, path.name in used) for path in found)


def _find_folders(top: Path) -> list[Path]:
    return sorted(Path(parent) for parent, _, _ in _walk(top) if Path(parent).name == FOLDER)


def _find_used(top: Path, without: Container[Path]) -> set[str]:
    used: set[str] = set()
    for parent, _, names in _walk(top):
        for path in (Path(parent, name) for name in names if os.path.basename(parent) != FOLDER):
            # Not pipes, which would be waited for.
            if path.is_file() and path.resolve() not in without:
                used |= find_names(path.read_bytes())
    return used


def _walk(top: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    for parent, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield parent, folders, names
