"""Recorded exchanges into the file, merged with what other processes wrote meanwhile."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from claude_replay.cassette import (
    Cassette,
    Entry,
    dump_cassette,
    load_cassette,
    lock_cassette,
    read_journals,
    write_bytes,
)
from claude_replay.errors import CassetteError, CassetteLoadError, CassetteSaveError
from claude_replay.session.loaded import Loaded
from claude_replay.session.recording import Recorded

__all__ = ["Saved", "adopt_journals", "save_cassette", "save_rejected"]

Saved = Sequence[Recorded]


def save_cassette(path: Path, recorded: Saved, base: Loaded, *, replace_all: bool, label: str, passed: bool) -> None:
    """
    Write `recorded` into the cassette at `path`.

    The file is read again under the lock, so that what another worker added since `base` was read is kept.
    `replace_all` starts from nothing; `label` is struck from the tests that have yet to pass, or added to them.
    Raises CassetteSaveError, or CassetteLoadError where what is there now cannot be read (it is left alone).
    """
    with lock_cassette(path):
        current = Cassette() if replace_all else load_cassette(path) or Cassette()
        entries = _merge(current.entries, recorded, base)
        waiting = [name for name in current.incomplete if name != label]
        if not passed:
            waiting.append(label)
        write_bytes(path, dump_cassette(entries, incomplete=waiting))


def _merge(current: list[Entry], recorded: Saved, base: Loaded) -> list[Entry]:
    entries = list(current)
    # Places refer to the file as it was read; they hold as long as it still begins the same way.
    stable = [entry.data for entry in entries[: len(base.entries)]] == [entry.data for entry in base.entries]
    for item in recorded:
        if item.replaces is not None and stable:
            entries[item.replaces] = item.entry
        else:
            entries.append(item.entry)
    return entries


def save_rejected(path: Path, recorded: Saved) -> Path:
    """Keep what a test recorded that did not pass, beside the cassette it must not replace."""
    aside = path.with_name(path.name + ".rejected")
    write_bytes(aside, dump_cassette([item.entry for item in recorded]))
    return aside


def rescue(path: Path, recorded: Saved) -> Path | None:
    """A last resort for exchanges that cannot be written where they belong: a file in the temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="claude-replay-rescued-"))
    try:
        write_bytes(folder / path.name, dump_cassette([item.entry for item in recorded]))
    except CassetteError:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return folder / path.name


def adopt_journals(path: Path, label: str) -> int:
    """
    Put what killed runs left in journals into the cassette at `path`, marked as not yet complete.

    Returns how many exchanges were recovered. Exchanges the cassette holds already are not added again. A journal
    that cannot be read is left where it is.
    """
    with lock_cassette(path):
        journals = list(read_journals(path))
        if not journals:
            return 0
        current = load_cassette(path) or Cassette()
        known = Counter(entry.data for entry in current.entries)
        found = [entry for _, entries in journals for entry in entries if _is_new(entry, known)]
        if found:
            waiting = [*(name for name in current.incomplete if name != label), label]
            write_bytes(path, dump_cassette([*current.entries, *found], incomplete=waiting))
        for journal, _ in journals:
            journal.unlink(missing_ok=True)
    return len(found)


def _is_new(entry: Entry, known: Counter[bytes]) -> bool:
    with contextlib.suppress(CassetteLoadError):
        entry.exchange  # noqa: B018  # a torn or damaged item must not get into the cassette
        known[entry.data] -= 1
        return known[entry.data] < 0
    return False


def explain_failure(path: Path, error: CassetteError, journal: Path | None, recorded: Saved) -> CassetteSaveError:
    """The error for a save that failed, saying where the paid exchanges are."""
    kept = journal if journal is not None and journal.exists() else rescue(path, recorded)
    where = f"kept in {kept}" if kept is not None else "LOST: no folder could be written"
    count = "1 exchange is" if len(recorded) == 1 else f"{len(recorded):,} exchanges are"
    return CassetteSaveError(f"{error}\nThe {count} {where}; mend the cause and run again with --claude-record=once.")
