"""Files that survive: atomic writes, locks between processes, and what one test run knows together."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from claude_replay.errors import CassetteSaveError

__all__ = ["ensure_writable", "forget_run", "lock_cassette", "mark_once", "state_folder", "was_marked", "write_bytes"]

_LOCK_SECONDS = 60.0


def state_folder() -> Path:
    """The folder for locks and run marks: temporary, private to the user, never inside the repository."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        # No such user in this container; the number is as good a name.
        user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"claude-replay-{user}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _key(path: Path) -> str:
    return hashlib.sha256(os.path.realpath(path).encode("utf-8", "surrogateescape")).hexdigest()[:32]


@contextlib.contextmanager
def lock_cassette(path: Path) -> Iterator[None]:
    """
    Hold the lock of the cassette at `path` against other processes of this machine.

    Raises CassetteSaveError where another process keeps it for more than a minute.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(state_folder() / f"{_key(path)}.lock", timeout=_LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise CassetteSaveError(f"{path}: another process has held the lock of this cassette for a minute") from None
    try:
        yield
    finally:
        lock.release()


def mark_once(run_id: str, path: Path, mark: str) -> None:
    """Remember for all processes of a test run that `mark` holds for the cassette at `path`."""
    folder = state_folder() / f"run-{run_id}"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / f"{_key(path)}.{mark}").touch()


def was_marked(run_id: str, path: Path, mark: str) -> bool:
    """Whether some process of this test run has marked the cassette at `path`."""
    return (state_folder() / f"run-{run_id}" / f"{_key(path)}.{mark}").exists()


def forget_run(run_id: str) -> None:
    """Remove what a test run remembered."""
    shutil.rmtree(state_folder() / f"run-{run_id}", ignore_errors=True)


def ensure_writable(path: Path) -> None:
    """
    Make sure, before anything is paid for, that the cassette at `path` can be written.

    Raises CassetteSaveError that names the folder or file and the reason.
    """
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CassetteSaveError(
            f"{path}: recording was asked for, but the folder cannot be written: {error.strerror}. "
            "Nothing was sent. Make it writable, or choose another with claude_replay_dir."
        ) from None


def write_bytes(path: Path, content: bytes) -> None:
    """
    Replace the file at `path`: whole or not at all, whatever happens in between.

    Raises CassetteSaveError where the disk refuses.
    """
    # A symbolic link stays one: what it points at is replaced.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise CassetteSaveError(f"{path}: cannot be written: {error.strerror}") from None


def _sync_folder(folder: Path) -> None:
    # Without this the rename itself may be lost with the power; Windows has no such call.
    with contextlib.suppress(OSError, AttributeError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
