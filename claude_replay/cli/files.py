"""Which files a command is about."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from claude_replay.cassette import Cassette, load_cassette
from claude_replay.cassette.formats import find_format
from claude_replay.cli.project import read_project
from claude_replay.errors import SettingsError

__all__ = ["FOLDER_HELP", "Found", "find_files", "is_cassette", "read_cassette"]

FOLDER_HELP = "default: the project's setting `dir`, cassettes"
"""What is looked at where no path is given."""

_ENDINGS = (".yaml", ".yml", ".json", ".toml", ".httprr", ".yaml.gz", ".yml.gz", ".json.gz")
_JOURNAL = re.compile(r"\.(.+)\.[0-9a-f]{12}\.journal")
_COMMENT = re.compile(rb"^(?:\xef\xbb\xbf)?# claude_replay cassette\b", re.MULTILINE)
_KEYS = (re.compile(rb"^version:", re.MULTILINE), re.compile(rb"^exchanges:", re.MULTILINE))
_HEAD_BYTES = 65536
_STARTS = (b"# claude_replay cassette", b"version: 1\nexchanges:")
_PADDING = b"\0 \t\r\n"


@dataclass(frozen=True, slots=True)
class Found:
    """
    Cassette files in order, and journals.

    `journaled` are the cassettes to look for journals of; there need not be such a file. `journals` are those
    that were named.
    """

    cassettes: tuple[Path, ...]
    journaled: tuple[Path, ...]
    journals: tuple[Path, ...]


def find_files(paths: Sequence[str]) -> Found:
    """
    The cassettes at `paths`: files as they are named, folders searched for files that look like cassettes.

    Without paths the project's folder of cassettes is searched. What is left of a cassette that was cut off
    near its beginning counts below that folder. Files and folders that begin with a dot are passed over. Raises
    SettingsError for a path that does not exist.
    """
    folder = read_project().folder
    cassettes: list[Path] = []
    journals: list[Path] = []
    named: list[Path] = []
    for path in [Path(name) for name in paths] or [folder]:
        if not path.exists():
            raise SettingsError(_explain_missing(path, named=bool(paths)))
        if path.is_dir():
            files = list(_walk(path))
            journals += filter(_owner_of, files)
            cassettes += [file for file in files if is_cassette(file) or _is_cut_off(file, folder)]
        else:
            (named if _owner_of(path) else cassettes).append(path)
    owners = [owner for journal in (*journals, *named) if (owner := _owner_of(journal))]
    return Found(
        tuple(dict.fromkeys(cassettes)),
        tuple(dict.fromkeys([*cassettes, *owners])),
        tuple(dict.fromkeys(named)),
    )


def _owner_of(file: Path) -> Path | None:
    """The cassette that this file is a journal of; None where it is none."""
    match = _JOURNAL.fullmatch(file.name)
    return file.with_name(match[1]) if match else None


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names))


def is_cassette(path: Path) -> bool:
    """Whether a file looks like a cassette, ours or another tool's, in name and content."""
    if not _may_be_one(path, _ENDINGS):
        return False
    head = _read_head(path)
    if find_format(head) is not None:
        return True
    return bool(_COMMENT.search(head) or all(key.search(head) for key in _KEYS))


def _is_cut_off(path: Path, folder: Path) -> bool:
    # Elsewhere an empty file is most likely somebody else's.
    if not _may_be_one(path, (".yaml", ".yml")) or not path.resolve().is_relative_to(folder.resolve()):
        return False
    # A disk that was cut off from power may leave zeros.
    left = _read_head(path).replace(b"\r\n", b"\n").strip(_PADDING)
    return any(start.startswith(left) for start in _STARTS)


def _may_be_one(path: Path, endings: tuple[str, ...]) -> bool:
    # Not pipes, which would be waited for.
    return not path.name.startswith(".") and path.name.endswith(endings) and path.is_file()


def _read_head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(_HEAD_BYTES)


def read_cassette(path: Path) -> Cassette:
    """The cassette at `path`; raises CassetteLoadError, or SettingsError that names the nearest file."""
    if path.is_dir():
        raise SettingsError(f"{path} is a folder; what is in it: claude-replay list {path}")
    cassette = load_cassette(path)
    if cassette is None:
        raise SettingsError(_explain_missing(path, named=True))
    return cassette


def _explain_missing(path: Path, *, named: bool) -> str:
    if not named:
        return f"there is no folder {str(path)!r} here; name a file or folder"
    near = _find_nearest(path)
    return f"there is no file or folder {str(path)!r}" + (f"; did you mean {str(near)!r}?" if near else "")


def _find_nearest(path: Path) -> Path | None:
    # Neighbors of the path first, then files of the same name anywhere below the default folder.
    parent = path.parent
    names = os.listdir(parent) if parent.is_dir() else []
    near = difflib.get_close_matches(path.name, names, 1, 0.7)
    if near:
        return parent / near[0]
    below = [file for file in _walk(read_project().folder) if file.name.endswith(_ENDINGS)]
    close = difflib.get_close_matches(path.name, [file.name for file in below], 1, 0.7)
    return next((file for file in below if close and file.name == close[0]), None)
