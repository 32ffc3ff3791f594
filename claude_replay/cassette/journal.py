"""
The journal: finished exchanges are on disk before the cassette is saved.

A journal is a cassette that is being written: each finished exchange is appended as one YAML item and synced, so
its cost does not depend on how many there are, and a process that is killed loses none that was complete.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from claude_replay.cassette.entry import Entry
from claude_replay.cassette.store import state_folder

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["Journal", "read_journals"]

_END = re.compile(rb"^# end (\d+)\n", re.MULTILINE)


class Journal:
    """The journal of one open cassette; nothing is created before the first exchange."""

    def __init__(self, cassette: Path) -> None:
        self._name = f"{uuid.uuid4().hex[:12]}"
        self.path = cassette.with_name(f".{cassette.name}.{self._name}.journal")
        self._file: IO[bytes] | None = None
        self._owner: BaseFileLock | None = None
        self._lock = threading.Lock()

    def append(self, order: int, entry: Entry) -> None:
        """Keep one finished exchange; `order` is its place among the requests issued. Raises OSError."""
        data = b"%b# end %d\n" % (entry.data, order)
        with self._lock:
            if self._file is None:
                self._open()
            assert self._file is not None
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())

    def _open(self) -> None:
        self._owner = _owner_lock(self._name)
        self._owner.acquire(timeout=0)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.path, "ab")

    def close(self, *, discard: bool) -> None:
        """Stop writing; `discard` removes the file because the cassette holds what it held."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                if discard:
                    self.path.unlink(missing_ok=True)
            self._file = None
            if self._owner is not None:
                self._owner.release()
                with contextlib.suppress(OSError):
                    os.unlink(self._owner.lock_file)
                self._owner = None


def _owner_lock(name: str) -> BaseFileLock:
    from filelock import FileLock

    return FileLock(state_folder() / f"journal-{name}.lock", thread_local=False)


def read_journals(cassette: Path) -> Iterator[tuple[Path, list[Entry]]]:
    """
    The journals that killed runs left for the cassette at `cassette`, each with its exchanges in issue order.

    A journal that a living process of this machine still writes is left alone; a torn last item is left out.
    """
    prefix, suffix = f".{cassette.name}.", ".journal"
    try:
        names = sorted(name for name in os.listdir(cassette.parent) if name.startswith(prefix) and name.endswith(suffix))
    except OSError:
        return
    for name in names:
        path = cassette.parent / name
        if _is_abandoned(name.removeprefix(prefix).removesuffix(suffix)):
            with contextlib.suppress(FileNotFoundError):
                yield path, _read_entries(path)


def _is_abandoned(name: str) -> bool:
    from filelock import Timeout

    lock = _owner_lock(name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    with contextlib.suppress(OSError):
        os.unlink(lock.lock_file)
    return True


def _read_entries(path: Path) -> list[Entry]:
    content = path.read_bytes()
    found: list[tuple[int, Entry]] = []
    position, line = 0, 1
    for end in _END.finditer(content):
        data = content[position : end.start()]
        found.append((int(end[1]), Entry(name=str(path), line=line, data=data)))
        position, line = end.end(), line + data.count(b"\n") + 1
    return [entry for _, entry in sorted(found, key=lambda item: item[0])]
