"""
The journal: finished exchanges are on disk before the cassette is saved.

A journal is a cassette that is being written: each finished exchange is appended as one YAML item, so its cost
does not depend on how many there are, and a process that is killed loses none that was complete. What a loss of
power would take, the disk is told to keep at once, but nobody waits for it: a thread does, until the next one.

    # claude_replay journal {"label": "tests/test_chat.py::test_chat", "mode": "once"}
    - id: 6f1c0d9a4b7e2c11-5d41402a
      …
    # end 0
"""

from __future__ import annotations

import _thread
import contextlib
import json
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from claude_replay.cassette.entry import Entry
from claude_replay.cassette.links import Links
from claude_replay.cassette.merge import Recorded
from claude_replay.cassette.store import hidden_path, list_hidden, state_folder, sync_folder

if TYPE_CHECKING:
    from io import FileIO

    from filelock import BaseFileLock

__all__ = ["Journal", "Leftover", "has_journals", "read_journals"]

_SUFFIX = "journal"
_PATIENCE = 10.0
_HEAD = re.compile(rb"# claude_replay journal (\{.*\})\n")
_END = re.compile(rb"^# end (\d+)(?: replaces ([0-9a-f]+))?\n", re.MULTILINE)


class Journal:
    """
    The journal of one open cassette; nothing is created before the first exchange.

    `label` and `mode` are those of the session that writes it, `kept` is how many exchanges it holds for sure;
    `refusal` is why the disk would not keep one that was written, as far as that is known.
    """

    def __init__(self, cassette: Path, *, label: str, mode: str) -> None:
        # Where it is now: the test may change the folder.
        self._cassette = cassette.absolute()
        self._label, self._mode = label, mode
        self.kept = 0
        self.refusal: OSError | None = None
        self._file: FileIO | None = None
        self._owner: BaseFileLock | None = None
        self._size = 0
        self._closed = False
        self._lock = threading.Lock()
        # Free when the disk has everything; taken while it is told.
        self._synced = _thread.allocate_lock()
        self._failure: OSError | None = None

    @cached_property
    def path(self) -> Path:
        """The file; its name is drawn when somebody asks, which most tests never do."""
        return hidden_path(self._cassette, _SUFFIX)

    def _describe(self) -> bytes:
        about = {"label": self._label, "mode": self._mode}
        return b"# claude_replay journal %b\n" % json.dumps(about).encode()

    def append(self, recorded: Recorded) -> None:
        """
        Keep one finished exchange; raises OSError, and then keeps nothing of it.

        It is in the file then, whatever becomes of this process. That the disk has refused it after all, `refusal`
        says after the next one.
        """
        replaces = f" replaces {recorded.replaces}" if recorded.replaces else ""
        data = b"%b# end %d%b\n" % (recorded.entry.data, recorded.order, replaces.encode())
        with self._lock:
            if self._closed:
                return
            file = self._file = self._file or self._open()
            self._write(file, data if self._size else self._describe() + data)
            self.kept += 1

    def _open(self) -> FileIO:
        owner = _owner_lock(self.path)
        owner.acquire(timeout=0)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("xb", buffering=0)
        except OSError:
            _drop_lock(owner)
            raise
        self._owner = owner
        sync_folder(self.path.parent)
        return file

    def _write(self, file: FileIO, data: bytes) -> None:
        self._wait()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            # A full disk takes part of it, and what comes next would be unreadable behind that.
            with contextlib.suppress(OSError):
                file.truncate(self._size)
                file.seek(self._size)
            raise
        self._size += len(data)
        synced = self._synced
        synced.acquire()
        try:
            # Not of `threading`, which waits until it runs.
            _thread.start_new_thread(self._sync, (file.fileno(), synced))
        except RuntimeError:
            # There can be no more of them.
            self._sync(file.fileno(), synced)

    def _sync(self, descriptor: int, synced: _thread.LockType) -> None:
        try:
            os.fsync(descriptor)
        except OSError as error:
            self._failure = error
        finally:
            synced.release()

    def _wait(self) -> None:
        if self._synced.acquire(timeout=_PATIENCE):
            self._synced.release()
        else:
            # The disk does not answer; or this process was forked meanwhile, and nobody will ever let go of it.
            self._synced = _thread.allocate_lock()
        failure, self._failure = self._failure, None
        if failure is not None:
            self.kept -= 1
            self.refusal = failure

    @property
    def was_taken(self) -> bool:
        """Whether somebody has put its exchanges into the cassette, taking this process for dead."""
        return self._file is not None and not self.path.exists()

    def close(self, *, discard: bool) -> None:
        """Stop writing, for good; `discard` removes the file because the cassette holds what it held."""
        with self._lock:
            self._closed = True
            if self._file is not None:
                self._wait()
                self._file.close()
            # What the disk may have lost is kept all the same: it may not have.
            if self._file is not None and (discard or not self._size):
                with contextlib.suppress(OSError):
                    self.path.unlink()
            if self._owner is not None:
                _drop_lock(self._owner)
                self._owner = None


def _owner_lock(journal: Path) -> BaseFileLock:
    from filelock import FileLock

    return FileLock(state_folder() / f"{journal.name[-20:]}.lock", thread_local=False)


def _drop_lock(lock: BaseFileLock) -> None:
    lock.release()
    with contextlib.suppress(OSError):
        os.unlink(lock.lock_file)


@dataclass(frozen=True, slots=True)
class Leftover:
    """
    The journal of a run that was killed, with its finished exchanges in the order in which they were issued.

    `label` and `mode` are those of the session that wrote it; empty where the file does not say.
    """

    path: Path
    label: str
    mode: str
    recorded: tuple[Recorded, ...]


def has_journals(cassette: Path) -> bool:
    """Whether journals stand beside the cassette at `cassette`, of killed or of living processes."""
    return bool(list_hidden(cassette, _SUFFIX))


def read_journals(cassette: Path) -> Iterator[Leftover]:
    """
    The journals that killed runs left for the cassette at `cassette`.

    A journal that a living process of this machine still writes is left alone; a torn last item is left out.
    """
    for path in list_hidden(cassette, _SUFFIX):
        try:
            content = path.read_bytes() if _is_abandoned(path) else None
        except OSError:
            continue
        if content is not None:
            yield _parse(path, content)


def _is_abandoned(path: Path) -> bool:
    from filelock import Timeout

    lock = _owner_lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    _drop_lock(lock)
    return True


def _parse(path: Path, content: bytes) -> Leftover:
    head = _HEAD.match(content)
    position, line = (head.end(), 2) if head else (0, 1)
    says: dict[str, object] = {}
    with contextlib.suppress(ValueError):
        says = json.loads(head[1]) if head else {}
    found: list[Recorded] = []
    links = Links[Entry]()
    for end in _END.finditer(content):
        data = content[position : end.start()]
        entry = Entry(name=str(path), line=line, data=data)
        entry.link(links)
        found.append(Recorded(int(end[1]), entry, (end[2] or b"").decode()))
        position, line = end.end(), line + data.count(b"\n") + 1
    found.sort(key=lambda item: item.order)
    return Leftover(path, str(says.get("label", "")), str(says.get("mode", "")), tuple(found))
