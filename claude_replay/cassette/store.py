"""Files that survive: atomic writes, locks between processes, and what one test run knows together."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from claude_replay.errors import CassetteSaveError

__all__ = [
    "clear_hidden",
    "ensure_writable",
    "forget_run",
    "hidden_path",
    "list_hidden",
    "lock_cassette",
    "mark_once",
    "real_path",
    "shared_account",
    "state_folder",
    "sync_folder",
    "was_marked",
    "write_bytes",
]

_LOCK_SECONDS = 60.0
_TEMPORARY = "tmp"
_LONGEST_STEM = 200  # of the 255 bytes a name may have


def real_path(path: Path) -> Path:
    """The file that `path` stands for: symbolic links stay, and what they point at is read and written."""
    return Path(os.path.realpath(path))


def state_folder() -> Path:
    """
    The folder for locks and run marks: temporary, private to the user, never inside the repository.

    Raises OSError where it cannot be made, or is somebody else's.
    """
    uid, folder = _uid(), _state_path()
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    # Its name can be guessed: whoever made it first could point our locks at other people's files.
    if not stat.S_ISDIR(found.st_mode) or uid not in (None, found.st_uid):
        raise PermissionError(1, f"{folder} does not belong to you; remove it, or set TMPDIR")
    return folder


def _require_state(path: Path) -> Path:
    try:
        return state_folder()
    except OSError as error:
        raise CassetteSaveError(
            f"{path}: the temporary folder, which recording needs, cannot be used: {error.strerror}"
        ) from None


def _uid() -> int | None:
    # Windows has no such number, and a temporary folder for each user.
    return os.getuid() if hasattr(os, "getuid") else None


def _state_path() -> Path:
    uid = _uid()
    return Path(tempfile.gettempdir()) / ("claude-replay" if uid is None else f"claude-replay-{uid}")


def _key(path: Path) -> str:
    return hashlib.sha256(os.fsencode(real_path(path))).hexdigest()[:32]


@contextlib.contextmanager
def lock_cassette(path: Path) -> Iterator[None]:
    """
    Hold the lock of the cassette at `path` against other threads and processes of this machine.

    Raises CassetteSaveError where somebody else keeps it for more than a minute.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(_require_state(path) / f"{_key(path)}.lock", timeout=_LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise CassetteSaveError(
            f"{path}: another process has held the lock of this cassette for a minute"
        ) from None
    try:
        yield
    finally:
        lock.release()


def mark_once(run_id: str, path: Path, mark: str) -> None:
    """Remember `mark` of a cassette, for all processes of a test run; raises CassetteSaveError."""
    folder = _require_state(path) / f"run-{run_id}"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / f"{_key(path)}.{mark}").touch()


def was_marked(run_id: str, path: Path, mark: str) -> bool:
    """Whether some process of this test run has marked the cassette at `path`."""
    return (_state_path() / f"run-{run_id}" / f"{_key(path)}.{mark}").exists()


@contextlib.contextmanager
def shared_account(run_id: str, path: Path) -> Iterator[dict[str, float]]:
    """
    The numbers that all processes of a test run share, locked while the block runs and kept when it ends.

    Raises CassetteSaveError where they cannot be kept; `path` is for the message.
    """
    from filelock import FileLock

    folder = _require_state(path) / f"run-{run_id}"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / "account.json"
    with FileLock(folder / "account.lock"):
        numbers: dict[str, float] = json.loads(file.read_bytes()) if file.exists() else {}
        yield numbers
        file.write_text(json.dumps(numbers), encoding="ascii")


def forget_run(run_id: str) -> None:
    """Remove what a test run remembered."""
    shutil.rmtree(_state_path() / f"run-{run_id}", ignore_errors=True)


def hidden_path(path: Path, suffix: str) -> Path:
    """A file beside the cassette that serves it while it is written: `.<its name>.<12 digits>.<suffix>`."""
    target = real_path(path)
    return target.with_name(f"{_hidden_stem(target)}{uuid.uuid4().hex[:12]}.{suffix}")


def list_hidden(path: Path, suffix: str) -> list[Path]:
    """What `hidden_path` has named and is still there, in the order of names."""
    target = real_path(path)
    stem = _hidden_stem(target)
    try:
        names = sorted(os.listdir(target.parent))
    except OSError:
        return []
    length = len(stem) + 13 + len(suffix)
    return [
        target.with_name(name)
        for name in names
        if len(name) == length and name.startswith(stem) and name.endswith(f".{suffix}")
    ]


def clear_hidden(path: Path) -> None:
    """Remove what killed processes left half written; the caller holds the lock of the cassette at `path`."""
    for temporary in list_hidden(path, _TEMPORARY):
        with contextlib.suppress(OSError):
            temporary.unlink()


def _hidden_stem(target: Path) -> str:
    encoded = os.fsencode(target.name)
    return f".{target.name if len(encoded) <= _LONGEST_STEM else hashlib.sha256(encoded).hexdigest()}."


def ensure_writable(path: Path) -> None:
    """
    Make sure, before anything is paid for, that the cassette at `path` can be written.

    Raises CassetteSaveError that names the folder and the reason.
    """
    _require_state(path)
    folder = real_path(path).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CassetteSaveError(
            f"{path}: recording was asked for, but its folder cannot be written: {error.strerror} "
            f"({error.filename}). Nothing was sent. Make it writable, or choose another: claude_replay_dir "
            "in the ini file."
        ) from None


def write_bytes(path: Path, content: bytes) -> None:
    """
    Replace the file at `path`: whole or not at all, whatever happens in between.

    A file that was there keeps its mode. Raises CassetteSaveError where the disk refuses.
    """
    target, temporary = real_path(path), hidden_path(path, _TEMPORARY)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
        sync_folder(target.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise CassetteSaveError(f"{path}: cannot be written: {error.strerror}") from None


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: without it a new file may be lost with the power."""
    # Windows has no such call.
    with contextlib.suppress(OSError, AttributeError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
