"""Disks and folders that refuse to be written to."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest

from claude_replay import CassetteSaveError, use_cassette
from claude_replay.cassette import load_cassette, lock_cassette
from recordings import Studio, ask, make_client


def count_exchanges(path: Path) -> int:
    """How many exchanges a cassette holds."""
    cassette = load_cassette(path)
    assert cassette is not None
    return len([entry.exchange for entry in cassette.entries])


@contextmanager
def closing_fails(cassette: use_cassette) -> Iterator[list[str]]:
    """Within the cassette, whose closing fails; gives the message, once there is one."""
    message: list[str] = []
    cassette.__enter__()
    yield message
    with pytest.raises(CassetteSaveError) as caught:
        cassette.__exit__(None, None, None)
    message.append(str(caught.value))


def spoil_folder(studio: Studio) -> None:
    """Put a file where the folder of the cassette is, as a careless script would."""
    for path in studio.find("*"):
        path.unlink()
    studio.path.parent.rmdir()
    studio.path.parent.write_text("no folder", encoding="utf-8")


def watch_journals(monkeypatch: pytest.MonkeyPatch, react: Callable[[int], None]) -> None:
    """Let `react` be what the disk does when it is told to keep what stands in a journal; the first is 1."""
    numbers, keep = count(1), os.fsync

    def fsync(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(".journal"):
            react(next(numbers))
        keep(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


def refuse(number: int) -> None:
    """As a broken disk."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_disk_that_will_not_keep_the_journal_is_told_of(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it, so the next call says it; the cassette is saved from memory."""
    watch_journals(monkeypatch, refuse)
    client = make_client(studio.server)
    with studio.open("once"):
        for prompt in ("one", "two", "three"):
            ask(client, prompt)
        # All were written, and may be there after all.
        assert studio.find("*.journal")[0].read_text().count("# end ") == 3
    assert count_exchanges(studio.path) == 3
    assert studio.tallies[-1].notes == [
        f"the journal of {studio.path} cannot be written: {os.strerror(errno.EIO)}"
    ]
    assert studio.files == ["chat.yaml"]


def test_a_journal_that_the_disk_would_not_keep_is_not_relied_on(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the cassette cannot be saved either, what was recorded goes elsewhere."""
    watch_journals(monkeypatch, refuse)
    with closing_fails(studio.open("once")) as message:
        ask(make_client(studio.server), "one")
        studio.path.mkdir()
    found = re.search(r"1 exchange was recorded and kept in (\S+), which is a cassette;", message[0])
    assert found is not None
    assert count_exchanges(Path(found[1])) == 1
    # It may be whole all the same.
    assert len(studio.find("*.journal")) == 1


def test_a_disk_that_does_not_answer_stops_nobody_for_ever(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one that nobody is left to wait for, in a process that was forked."""
    answer = threading.Event()
    monkeypatch.setattr("claude_replay.cassette.journal._PATIENCE", 0.01)
    watch_journals(monkeypatch, lambda number: None if number > 1 else _wait_for(answer))
    client = make_client(studio.server)
    with studio.open("once"):
        ask(client, "one")
        ask(client, "two")
        assert studio.find("*.journal")[0].read_text().count("# end ") == 2
        answer.set()
    assert count_exchanges(studio.path) == 2
    assert studio.tallies[-1].notes == []


def _wait_for(event: threading.Event) -> None:
    event.wait()


def test_where_there_can_be_no_more_threads_the_disk_is_waited_for(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under a limit of processes."""
    told: list[int] = []

    def start(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    watch_journals(monkeypatch, told.append)
    monkeypatch.setattr("claude_replay.cassette.journal._thread.start_new_thread", start)
    client = make_client(studio.server)
    with studio.open("once"):
        ask(client, "one")
        assert told == [1]
    assert count_exchanges(studio.path) == 1
    watch_journals(monkeypatch, refuse)
    with studio.open("rewrite"):
        for prompt in ("one", "two"):
            ask(client, prompt)
    assert count_exchanges(studio.path) == 2
    (note,) = studio.tallies[-1].notes
    assert note.startswith(f"the journal of {studio.path} cannot be written: ")


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_an_unwritable_folder_is_refused_before_anything_is_sent(studio: Studio, mode: str) -> None:
    """Nobody pays for what cannot be kept; the message names cassette, reason and remedy."""
    studio.path.parent.write_text("no folder", encoding="utf-8")
    with pytest.raises(CassetteSaveError) as caught:
        studio.ask("one", mode=mode)
    assert str(caught.value) == (
        f"{studio.path}: recording was asked for, but its folder cannot be written: File exists "
        f"({studio.path.parent}). Nothing was sent. Make it writable, or choose another: claude_replay_dir "
        "in the ini file."
    )
    assert studio.server.count == 0


def test_an_unwritable_folder_is_no_matter_while_replaying(studio: Studio) -> None:
    """A cassette that cannot be there is one that is not there."""
    studio.path.parent.write_text("no folder", encoding="utf-8")
    with studio.open("none") as handle:
        pass
    assert handle.sent == []


def test_a_folder_that_is_removed_while_recording_is_made_again(studio: Studio) -> None:
    """What was recorded is in memory too, so nothing is lost with the folder and the journal in it."""
    client = make_client(studio.server)
    with studio.open("once"):
        ask(client, "one")
        for path in studio.find("*"):
            path.unlink()
        studio.path.parent.rmdir()
        ask(client, "two")
    assert count_exchanges(studio.path) == 2
    assert studio.files == ["chat.yaml"]


def test_what_cannot_be_saved_stays_in_the_journal(studio: Studio) -> None:
    """The message says where; when the cause is mended, the next recording takes it up."""
    with closing_fails(studio.open("once")) as message:
        ask(make_client(studio.server), "one")
        studio.path.mkdir()
    (journal,) = studio.find("*.journal")
    assert message == [
        f"{studio.path}: cannot be read: Is a directory\n"
        f"1 exchange was recorded and kept in {journal}; mend the cause, and the next recording takes them "
        f"up: use_cassette({str(studio.path)!r}, mode='once')"
    ]
    studio.path.rmdir()
    studio.ask("one", mode="once")
    assert studio.tallies[-1].replayed == 1
    assert studio.files == ["chat.yaml"]


def test_a_cassette_spoilt_while_recording_is_not_overwritten(studio: Studio) -> None:
    """What another program has put there meanwhile stays, and what was recorded stays in the journal."""
    with closing_fails(studio.open("once")) as message:
        ask(make_client(studio.server), "one")
        studio.path.write_text("version: 2\n", encoding="utf-8")
    assert message[0].startswith(f"{studio.path}:1: written as version 2 by a newer claude_replay")
    assert "1 exchange was recorded and kept in " in message[0]
    assert studio.path.read_text(encoding="utf-8") == "version: 2\n"


def test_what_neither_cassette_nor_journal_can_hold_is_rescued(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last resort is a cassette in the temporary folder, and the message names it."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with closing_fails(studio.open("once")) as message:
        ask(make_client(studio.server), "one")
        ask(make_client(studio.server), "two")
        spoil_folder(studio)
    found = re.search(r"2 exchanges were recorded and kept in (\S+), which is a cassette;", message[0])
    assert found is not None
    assert Path(found[1]).is_relative_to(temporary)
    assert count_exchanges(Path(found[1])) == 2


def test_where_nothing_can_be_written_at_all_the_loss_is_said(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no place left for what was recorded, and nobody is told that there was."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with closing_fails(studio.open("once")) as message:
        ask(make_client(studio.server), "one")
        spoil_folder(studio)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert message[0].startswith(
        f"{studio.path}: the temporary folder, which recording needs, cannot be used: "
        "No such file or directory\n1 exchange was recorded and LOST: "
    )


@pytest.mark.parametrize("mode", ["once", "new_episodes", "rewrite"])
def test_a_temporary_folder_that_is_not_there_is_refused_before_anything_is_sent(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Processes could not agree without it, so recording does not begin."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(CassetteSaveError, match="cannot be used: No such file"):
        studio.ask("one", mode=mode)
    assert studio.server.count == 0


@pytest.mark.parametrize("mode", ["none", "once"])
def test_what_is_recorded_is_played_without_a_temporary_folder(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Only recording needs it."""
    studio.ask("one", mode="once")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert studio.ask("one", mode=mode) == ["You said: one"]


def test_a_journal_without_a_temporary_folder_is_left_alone(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its process still lives cannot be told then."""
    journal = studio.be_killed("one")
    studio.ask("two", mode="rewrite")
    journal_again = studio.be_killed("one", mode="new_episodes")
    assert not journal.exists()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert studio.ask("two", mode="none") == ["You said: two"]
    with pytest.raises(BaseException, match="no recording answers this") as caught:
        studio.ask("one", mode="none")
    assert "journal   " not in str(caught.value)
    assert journal_again.exists()


def test_a_temporary_folder_that_somebody_else_has_made_is_not_used(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name can be guessed, and a link in its place could lead our files anywhere."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    studio.ask("one", mode="once")
    (folder,) = tmp_path.glob("claude-replay*")
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CassetteSaveError, match="does not belong to you; remove it, or set TMPDIR"):
        studio.ask("two", mode="new_episodes")
    assert studio.server.count == 1


FULL = """
import resource

unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
cassette = use_cassette(path, mode="once")
cassette.__enter__()
ask(client, "one")
# From here on no file can grow beyond this: what a full disk does to every write that is too much.
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), unlimited[1]))
ask(client, "two")
ask(client, "three " + "x" * 3000)
ask(client, "four")
try:
    cassette.__exit__(None, None, None)
finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
"""


def test_a_full_disk_loses_nothing_that_fits_somewhere(studio: Studio) -> None:
    """A write that fails in the middle spoils neither what stands in the journal nor what comes after it."""
    done = studio.run_script(FULL, 4500)
    assert done.returncode == 1
    assert "chat.yaml: cannot be written: File too large" in done.stderr
    assert "4 exchanges were recorded and LOST, but for 3 in " in done.stderr
    (journal,) = studio.find("*")
    studio.ask("one", "two", "four", mode="once")
    assert (studio.tallies[-1].replayed, studio.tallies[-1].recorded) == (3, 0)
    assert not journal.exists()


def test_a_lock_that_is_never_given_back_is_not_waited_for_for_ever(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was recorded stays in the journal meanwhile."""
    monkeypatch.setattr("claude_replay.cassette.store._LOCK_SECONDS", 0.01)
    with ExitStack() as held, closing_fails(studio.open("once")) as message:
        ask(make_client(studio.server), "one")
        held.enter_context(lock_cassette(studio.path))
    assert message[0].startswith(
        f"{studio.path}: another process has held the lock of this cassette for a minute\n"
        "1 exchange was recorded and kept in "
    )
