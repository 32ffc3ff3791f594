"""Several files replaced together: all of them, or none."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from claude_replay.cassette.store import (
    clear_hidden,
    hidden_path,
    list_hidden,
    lock_cassette,
    real_path,
    sync_folder,
)
from claude_replay.errors import CassetteSaveError

__all__ = ["Replacement", "forget_originals", "has_originals", "replace_all"]

_BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Replacement:
    """
    A file at `path` that held `before` and is to be one at `target` that holds `content`.

    The two are the same file, or the one at `path` is removed.
    """

    path: Path
    target: Path
    before: bytes
    content: bytes


def replace_all(replacements: Sequence[Replacement]) -> None:
    """
    Write everything beside the files, then put it in place by renaming; after a failure all is as it was.

    Every file is whole at any moment. Of a process that is killed while it renames, some files are new and
    some old; what the new ones held before stands beside them (`.NAME.….before`) until the next run. Raises
    CassetteSaveError, also where a file was changed meanwhile.
    """
    written: list[Path] = []
    undo = _Undo()
    try:
        for replacement in replacements:
            clear_hidden(replacement.target)
            written.append(_write_beside(replacement))
        for replacement, temporary in zip(replacements, written, strict=True):
            undo.put_in_place(replacement, temporary)
    except BaseException as error:
        for temporary in written:
            with contextlib.suppress(OSError):
                temporary.unlink()
        undo.run()
        if isinstance(error, OSError):
            raise CassetteSaveError(f"{error.filename}: cannot be written: {error.strerror}") from None
        raise
    for replacement in replacements:
        forget_originals(replacement.path)


def _write_beside(replacement: Replacement) -> Path:
    temporary = hidden_path(replacement.target, "tmp")
    with open(temporary, "xb") as file:
        file.write(replacement.content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(temporary, stat.S_IMODE(replacement.path.stat().st_mode))
    return temporary


class _Undo:
    """What was put in place so far, and how to take it back."""

    def __init__(self) -> None:
        self._done: list[tuple[Path, Path, Path]] = []

    def put_in_place(self, replacement: Replacement, temporary: Path) -> None:
        """Rename, once it is sure that nobody else has written the file meanwhile."""
        source, target = real_path(replacement.path), real_path(replacement.target)
        with lock_cassette(replacement.path):
            if source.read_bytes() != replacement.before:
                raise CassetteSaveError(f"{replacement.path}: was changed by somebody else meanwhile")
            original = hidden_path(replacement.path, _BEFORE)
            # First of all: an interrupt may come at any point.
            self._done.append((source, target, original))
            _copy(source, original)
            os.replace(temporary, target)
            if source != target:
                source.unlink()
            sync_folder(target.parent)

    def run(self) -> None:
        """Put the originals back; what cannot be is named, with the place of the original."""
        lost = []
        for source, target, original in reversed(self._done):
            try:
                with contextlib.suppress(FileNotFoundError):
                    os.replace(original, source)
                    if source != target:
                        target.unlink(missing_ok=True)
                # Still there where the two are names of one file.
                original.unlink(missing_ok=True)
            except OSError:
                lost.append(f"{source} (what it held is in {original})")
        if lost:
            raise CassetteSaveError(f"could not be put back as they were: {', '.join(lost)}")


def _copy(source: Path, copy: Path) -> None:
    # A second name costs nothing and cannot fail for want of room; not every file system has them.
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy2(source, copy)


def has_originals(path: Path) -> bool:
    """Whether a run that was killed has left behind what the file at `path` held before."""
    return bool(list_hidden(path, _BEFORE))


def forget_originals(path: Path) -> None:
    """Remove what the file at `path` held before."""
    for original in list_hidden(path, _BEFORE):
        with contextlib.suppress(OSError):
            original.unlink()
