"""Several files are replaced together or not at all, whatever happens in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from claude_replay.cassette.replacing import Replacement, forget_originals, has_originals, replace_all
from claude_replay.errors import CassetteSaveError


def plan(folder: Path) -> list[Replacement]:
    """Three files; the second gets another name."""
    replacements = []
    for name, target in (("a.yaml", "a.yaml"), ("b.json", "b.yaml"), ("c.yaml", "c.yaml")):
        (folder / name).write_bytes(b"old " + name.encode())
        before = (folder / name).read_bytes()
        replacements.append(Replacement(folder / name, folder / target, before, b"new " + name.encode()))
    return replacements


def look(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


OLD = {"a.yaml": b"old a.yaml", "b.json": b"old b.json", "c.yaml": b"old c.yaml"}
NEW = {"a.yaml": b"new a.yaml", "b.yaml": b"new b.json", "c.yaml": b"new c.yaml"}


def test_all_are_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    """A file keeps its mode; one with another name takes it along."""
    replacements = plan(tmp_path)
    (tmp_path / "b.json").chmod(0o640)
    replace_all(replacements)
    assert look(tmp_path) == NEW
    assert (tmp_path / "b.yaml").stat().st_mode & 0o777 == 0o640


def test_a_file_behind_a_link_is_replaced_where_it_is(tmp_path: Path) -> None:
    """The link stays one."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.yaml").write_bytes(b"old")
    (tmp_path / "a.yaml").symlink_to(tmp_path / "real" / "a.yaml")
    replace_all([Replacement(tmp_path / "a.yaml", tmp_path / "a.yaml", b"old", b"new")])
    assert (tmp_path / "a.yaml").is_symlink()
    assert look(tmp_path / "real") == {"a.yaml": b"new"}


def test_a_file_that_was_changed_meanwhile_stops_everything(tmp_path: Path) -> None:
    """Somebody else's change is kept, and so is what the other files held."""
    replacements = plan(tmp_path)
    (tmp_path / "c.yaml").write_bytes(b"theirs")
    with pytest.raises(CassetteSaveError, match=r"c\.yaml: was changed by somebody else meanwhile"):
        replace_all(replacements)
    assert look(tmp_path) == {**OLD, "c.yaml": b"theirs"}


def test_a_folder_in_the_way_stops_everything(tmp_path: Path) -> None:
    """The disk may refuse at the very last file."""
    replacements = plan(tmp_path)
    (tmp_path / "c.yaml").unlink()
    (tmp_path / "c.yaml").mkdir()
    with pytest.raises(CassetteSaveError, match=r"c\.yaml: cannot be written: Is a directory"):
        replace_all(replacements)
    assert set(os.listdir(tmp_path)) == set(OLD)
    assert (tmp_path / "a.yaml").read_bytes() == b"old a.yaml"


def test_a_folder_that_is_gone_is_an_error_before_anything_is_renamed(tmp_path: Path) -> None:
    """All is written beside the files first."""
    replacements = plan(tmp_path)
    missing = Replacement(tmp_path / "no" / "d.yaml", tmp_path / "no" / "d.yaml", b"", b"new")
    with pytest.raises(CassetteSaveError, match="No such file or directory"):
        replace_all([*replacements, missing])
    assert look(tmp_path) == OLD


def test_without_second_names_originals_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every file system has hard links."""

    def refuse(*arguments: object) -> None:
        raise OSError("not here")

    monkeypatch.setattr(os, "link", refuse)
    replacements = plan(tmp_path)
    (tmp_path / "c.yaml").write_bytes(b"theirs")
    with pytest.raises(CassetteSaveError, match="changed by somebody else"):
        replace_all(replacements)
    assert look(tmp_path) == {**OLD, "c.yaml": b"theirs"}


def test_originals_that_cannot_be_put_back_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where they are."""
    replacements = plan(tmp_path)
    (tmp_path / "c.yaml").write_bytes(b"theirs")
    replace = os.replace

    def fail_when_undoing(source: Path, target: Path) -> None:
        if str(source).endswith(".before"):
            raise OSError("gone")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_when_undoing)
    with pytest.raises(CassetteSaveError, match="could not be put back as they were: ") as caught:
        replace_all(replacements)
    kept = [name for name in os.listdir(tmp_path) if name.endswith(".before")]
    assert len(kept) == 2
    assert all(name in str(caught.value) for name in kept)


SCRIPT = """
import os, signal, sys
from pathlib import Path
from claude_replay.cassette.replacing import Replacement, replace_all

folder, count, how = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
replace = os.replace

def stop(source, target):
    global count
    count -= 1
    if count == -1:
        os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGINT)
    replace(source, target)

os.replace = stop
files = (("a.yaml", "a.yaml"), ("b.json", "b.yaml"), ("c.yaml", "c.yaml"))
replace_all([
    Replacement(folder / name, folder / target, b"old " + name.encode(), b"new " + name.encode())
    for name, target in files
])
"""


def stop_after(count: int, how: str, folder: Path) -> int:
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder), str(count), how]
    return subprocess.run(command, check=False, capture_output=True).returncode


@pytest.mark.parametrize("count", [0, 1, 2])
def test_of_a_killed_run_every_file_is_whole_and_the_originals_are_there(count: int, tmp_path: Path) -> None:
    """Some are new and some old, and the next run finishes what was begun."""
    replacements = plan(tmp_path)
    assert stop_after(count, "kill", tmp_path) == -signal.SIGKILL
    found = look(tmp_path)
    for number, (old, new) in enumerate(zip(OLD, NEW, strict=True)):
        assert found.get(new if number < count else old) == (NEW[new] if number < count else OLD[old])
    assert has_originals(tmp_path / "a.yaml")

    left = [item for number, item in enumerate(replacements) if number >= count]
    replace_all(left)
    for item in replacements:
        forget_originals(item.path)
    temporary = {name for name in look(tmp_path) if name.endswith(".tmp")}
    assert {name: data for name, data in look(tmp_path).items() if name not in temporary} == NEW
    assert temporary == set()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_an_interrupt_takes_everything_back(count: int, tmp_path: Path) -> None:
    """Ctrl-C while files are renamed."""
    plan(tmp_path)
    assert stop_after(count, "interrupt", tmp_path) != 0
    assert look(tmp_path) == OLD
