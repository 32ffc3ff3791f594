"""Recorded exchanges into the file, merged with what other processes wrote meanwhile."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from claude_replay.cassette import (
    Cassette,
    Journal,
    Recorded,
    dump_cassette,
    leave_out_known,
    load_cassette,
    lock_cassette,
    merge,
    save_cassette,
    write_bytes,
)
from claude_replay.errors import CassetteError, CassetteSaveError
from claude_replay.session.run import Run

__all__ = ["Saver", "explain_failure", "refuse_foreign", "rejected_path"]

_Saved = Sequence[Recorded]


class Saver:
    """
    Writes what one session recorded into the cassette at `path`.

    `label` names the owner; `shared` says that others may own the same file; `home` is the folder of all
    cassettes. Every method holds the lock of
    the cassette and raises CassetteSaveError, or CassetteLoadError where what is there now cannot be read (it
    is left alone then).
    """

    def __init__(self, path: Path, run: Run, *, label: str, shared: bool, home: str) -> None:
        self._path = path
        self._run = run
        self._label = label
        self._shared = shared
        self._home = home

    def add(self, recorded: _Saved, *, passed: bool, was_taken: bool, begins: bool = False) -> None:
        """
        Put `recorded` into the cassette, and strike the owner from the tests that have yet to pass, or add
        it.

        The file is read again, so what others added since it was opened is kept. `was_taken` says that
        another process may have put some of it there already; `begins`, that nobody is to replace in this run what
        is there now.
        """
        with lock_cassette(self._path):
            current = load_cassette(self._path) or Cassette()
            if current.foreign:
                raise CassetteSaveError(
                    f"{self._path}: {current.foreign} has written this cassette meanwhile"
                )
            if was_taken:
                recorded = leave_out_known(current.entries, recorded)
            self._write(current, recorded, passed=passed)
            if begins:
                self._run.mark(self._path, "rewritten")

    def replace(self, recorded: _Saved) -> None:
        """
        Put `recorded` in place of everything the cassette held before this run.

        What other owners of a shared cassette have recorded in this run stays.
        """
        with lock_cassette(self._path):
            is_first = not self._shared or not self._run.is_marked(self._path, "rewritten")
            current = Cassette() if is_first else load_cassette(self._path) or Cassette()
            self._write(current, recorded, passed=True)
            self._run.mark(self._path, "rewritten")
            if not self._run.is_marked(self._path, "rejected"):
                with contextlib.suppress(OSError):
                    rejected_path(self._path).unlink()

    def reject(self, recorded: _Saved) -> Path:
        """Keep what a failing test recorded, beside the cassette it must not replace; gives the file."""
        aside = rejected_path(self._path)
        with lock_cassette(self._path):
            is_first = not self._shared or not self._run.is_marked(self._path, "rejected")
            before = None if is_first else load_cassette(aside)
            save_cassette(aside, merge(before.entries if before else [], recorded), home=self._home)
            self._run.mark(self._path, "rejected")
        return aside

    def _write(self, current: Cassette, recorded: _Saved, *, passed: bool) -> None:
        waiting = [name for name in current.incomplete if name != self._label]
        waiting += [] if passed else [self._label]
        entries = merge(current.entries, recorded)
        save_cassette(self._path, entries, incomplete=waiting, comments=current.comments, home=self._home)


def rejected_path(path: Path) -> Path:
    """Where recordings go that must not replace the cassette at `path`."""
    return path.with_name(path.name + ".rejected")


def refuse_foreign(path: Path, foreign: str | None, mode: str, command: Callable[[str], str]) -> None:
    """
    Refuse to record into a cassette that another tool wrote, unless all of it is to be replaced.

    Raises CassetteSaveError; `command` gives the command line that records in a mode.
    """
    if foreign is not None and mode != "rewrite":
        raise CassetteSaveError(
            f"{path}: this cassette was written by {foreign}, which could not read it any more if mode "
            f"{mode!r} recorded into it. Nothing was sent. Replay it as it is (mode 'none'), name another "
            f"cassette, or record all of it anew in the format of this tool: {command('rewrite')}"
        )


def explain_failure(
    path: Path, error: CassetteError, journal: Journal, recorded: _Saved, command: str
) -> CassetteSaveError:
    """The error for a save that failed, saying where the exchanges are that were paid for."""
    count = "1 exchange was" if len(recorded) == 1 else f"{len(recorded):,} exchanges were"
    journaled = journal.kept if journal.path.exists() else 0
    if journaled == len(recorded):
        kept = f"kept in {journal.path}; mend the cause, and the next recording takes them up"
    elif (rescued := _rescue(path, recorded)) is not None:
        kept = f"kept in {rescued}, which is a cassette; mend the cause and move it, or record again"
    else:
        but = f", but for {journaled:,} in {journal.path}" if journaled else ""
        kept = f"LOST{but}: the temporary folder cannot be written either; mend the cause and record again"
    return CassetteSaveError(f"{error}\n{count} recorded and {kept}: {command}")


def _rescue(path: Path, recorded: _Saved) -> Path | None:
    """A last resort for what cannot be written where it belongs: a cassette in the temporary folder."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="claude-replay-rescued-"))
    except OSError:
        return None
    rescued = folder / path.name
    try:
        write_bytes(rescued, dump_cassette([item.entry for item in recorded]))
    except CassetteError:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return rescued
