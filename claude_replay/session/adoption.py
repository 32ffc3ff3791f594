"""What killed runs left in journals, taken up by the next recording."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from claude_replay.cassette import (
    Cassette,
    Leftover,
    Recorded,
    clear_hidden,
    has_journals,
    leave_out_known,
    load_cassette,
    lock_cassette,
    merge,
    read_journals,
    save_cassette,
)
from claude_replay.errors import CassetteLoadError
from claude_replay.session.saving import rejected_path

__all__ = ["adopt_journals"]


def adopt_journals(path: Path, label: str, home: str) -> list[str]:
    """
    Put what killed runs left in journals into the cassette at `path`, marked as not yet complete.

    What was to replace a cassette that is still there goes beside it instead. Exchanges the cassette holds
    already are not added again. A journal that cannot be read is left where it is. `label` is the owner where
    a journal names none, `home` the folder of all cassettes. Gives a line for people about each journal;
    raises CassetteSaveError and CassetteLoadError.
    """
    if not has_journals(path):
        return []
    with lock_cassette(path):
        adoption = _Adoption(path, label, home)
        for journal in read_journals(path):
            adoption.take(journal)
        adoption.write()
        clear_hidden(path)
    return adoption.notes


class _Adoption:
    """The cassette as it will be, and the journals that are then done with."""

    def __init__(self, path: Path, label: str, home: str) -> None:
        before = load_cassette(path)
        self.notes: list[str] = []
        self._path = path
        self._label = label
        self._home = home
        self._exists = before is not None
        self._cassette = before or Cassette()
        self._changed = False
        self._aside: list[Recorded] = []
        self._done: list[Path] = []

    def take(self, journal: Leftover) -> None:
        """Take up one journal, or say why not."""
        count = len(journal.recorded)
        what = f"{self._path}: {count:,} exchange{'' if count == 1 else 's'} of a run that was killed"
        is_aside = journal.mode == "rewrite" and self._exists
        problem = _find_damage(journal.recorded)
        if self._cassette.foreign and not is_aside:
            problem = f"the cassette was written by {self._cassette.foreign}"
        if problem:
            self.notes.append(f"{what} stayed in {journal.path}: {problem}")
            return
        self._done.append(journal.path)
        if is_aside:
            self._aside += journal.recorded
            self.notes.append(f"{what} recovered from its journal, into {rejected_path(self._path).name}")
        elif count:
            self._add(journal)
            self.notes.append(f"{what} recovered from its journal")

    def _add(self, journal: Leftover) -> None:
        cassette = self._cassette
        fresh = leave_out_known(cassette.entries, journal.recorded)
        if not fresh:
            return
        cassette.entries = merge(cassette.entries, fresh)
        label = journal.label or self._label
        cassette.incomplete = [*(name for name in cassette.incomplete if name != label), label]
        self._changed = True

    def write(self) -> None:
        """Write what changed, then remove the journals that hold nothing else."""
        cassette = self._cassette
        if self._changed:
            save_cassette(
                self._path,
                cassette.entries,
                incomplete=cassette.incomplete,
                comments=cassette.comments,
                home=self._home,
            )
        if self._aside:
            save_cassette(rejected_path(self._path), merge([], self._aside), home=self._home)
        for journal in self._done:
            with contextlib.suppress(OSError):
                journal.unlink()


def _find_damage(recorded: Iterable[Recorded]) -> str | None:
    for item in recorded:
        try:
            item.entry.exchange  # noqa: B018  # parses it
        except CassetteLoadError as error:
            return str(error).partition("\n")[0]
    return None
