"""What killed recordings leave, and what the next one makes of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_replay import CassetteLoadError
from claude_replay.cassette import load_cassette, read_journals
from recordings import Studio
from vcrpy_cassettes import cassette, interaction


def read_prompts(path: Path) -> list[str]:
    """The prompts in a cassette, in file order."""
    cassette = load_cassette(path)
    assert cassette is not None
    return [entry.request.json["messages"][0]["content"] for entry in cassette.entries]


def read_waiting(path: Path) -> list[str]:
    """The owners in a cassette that have yet to pass."""
    cassette = load_cassette(path)
    assert cassette is not None
    return cassette.incomplete


def test_a_journal_stands_beside_the_cassette_while_it_is_recorded(studio: Studio) -> None:
    """It is there from the first answer on, and gone when the cassette is saved."""
    with studio.open("once"):
        assert studio.files == []
    assert studio.files == []
    left = studio.be_killed("one")
    assert left.read_bytes().startswith(b"# claude_replay journal {")
    assert studio.ask("one", mode="once") == ["You said: one"]
    assert studio.files == ["chat.yaml"]


def test_a_torn_last_exchange_is_left_out(studio: Studio) -> None:
    """However far the killed process got with writing the last one, those before it are recovered."""
    journal = studio.be_killed("one", "two")
    content = journal.read_bytes()
    second = content.index(b"# end 0\n") + len(b"# end 0\n")
    for length in range(second, len(content) - 1, 7):
        journal.write_bytes(content[:length])
        (left,) = read_journals(studio.path)
        assert [item.entry.request.json["messages"][0]["content"] for item in left.recorded] == ["one"]
    studio.ask("one", mode="once")
    assert studio.tallies[-1].replayed == 1
    assert studio.files == ["chat.yaml"]


def test_a_journal_without_a_whole_exchange_is_removed_in_silence(studio: Studio) -> None:
    """Torn in the first item, there is nothing to recover, and there still is no cassette."""
    journal = studio.be_killed("one")
    journal.write_bytes(journal.read_bytes()[:-5])
    studio.tallies.clear()
    studio.ask("two", mode="once")
    assert studio.notes == []
    assert (studio.files, read_prompts(studio.path)) == (["chat.yaml"], ["two"])


def test_several_journals_are_taken_up_together(studio: Studio) -> None:
    """Each worker that was killed has left one; the cassette gets them all."""
    first = studio.be_killed("one", "two")
    content = first.read_bytes()
    first.unlink()
    studio.be_killed("three")
    first.write_bytes(content)
    studio.ask("one", "three", "two", "four", mode="once")
    assert (studio.tallies[-1].replayed, studio.tallies[-1].recorded) == (3, 1)
    assert sorted(read_prompts(studio.path)) == ["four", "one", "three", "two"]
    assert studio.files == ["chat.yaml"]


def test_what_was_saved_before_the_killing_is_not_added_again(studio: Studio) -> None:
    """A process killed between saving the cassette and removing its journal leaves nothing to recover."""
    journal = studio.be_killed("one", "one")
    content = journal.read_bytes()
    studio.ask(mode="once")
    saved = studio.path.read_bytes()
    journal.write_bytes(content)
    studio.ask("one", "one", mode="once")
    assert studio.path.read_bytes().count(b"content: one") == saved.count(b"content: one") == 2
    assert studio.files == ["chat.yaml"]


def test_a_complete_cassette_stays_complete_where_nothing_is_recovered(studio: Studio) -> None:
    """The journal of what it holds already does not make it wait for a test again."""
    studio.ask("one", mode="once")
    saved = studio.path.read_bytes()
    end = saved.index(b"...\n")
    journal = studio.path.with_name(f".{studio.path.name}.{'0' * 12}.journal")
    journal.write_bytes(saved[saved.index(b"- id") : end] + b"# end 0\n")
    studio.ask("one", mode="once")
    assert studio.path.read_bytes() == saved
    assert studio.files == ["chat.yaml"]


def test_recovered_exchanges_wait_for_the_test_that_was_killed(studio: Studio) -> None:
    """It is the owner of the journal, not who happens to take it up, that records the rest in `once`."""
    studio.ask("zero", mode="once")
    journal = studio.be_killed("one", mode="new_episodes")
    journal.write_bytes(journal.read_bytes().replace(b"use_cassette(", b"the killed test ("))
    studio.ask("zero", mode="once")
    (waiting,) = read_waiting(studio.path)
    assert waiting.startswith("the killed test (")
    assert read_prompts(studio.path) == ["zero", "one"]


@pytest.mark.parametrize("head", [b"", b"# claude_replay journal {torn}\n"])
def test_a_journal_that_names_no_owner_is_that_of_who_takes_it_up(studio: Studio, head: bytes) -> None:
    """Without its first line the exchanges are still whole."""
    journal = studio.be_killed("one")
    journal.write_bytes(head + journal.read_bytes().partition(b"\n")[2])
    studio.ask("one", "two", mode="once")
    assert (studio.tallies[-1].replayed, studio.tallies[-1].recorded) == (1, 1)
    assert read_waiting(studio.path) == []


def test_what_the_killed_process_was_to_replace_is_replaced(studio: Studio) -> None:
    """The journal of mode `all` knows which recordings its exchanges stand in for."""
    studio.ask("one", "two", "three", mode="once")
    before = studio.path.read_bytes()
    studio.be_killed("two", mode="all")
    studio.ask(mode="new_episodes")
    assert read_prompts(studio.path) == ["one", "two", "three"]
    after = studio.path.read_bytes()
    assert (before.count(b"request-id"), after.count(b"request-id")) == (3, 3)
    assert before != after


def test_what_was_to_replace_a_whole_cassette_goes_beside_it(studio: Studio) -> None:
    """A rewriting that was killed has not passed, so the old cassette stays what it was."""
    studio.ask("one", "two", mode="once")
    before = studio.path.read_bytes()
    studio.be_killed("three", mode="rewrite")
    studio.ask("one", mode="once")
    assert studio.path.read_bytes() == before
    assert studio.files == ["chat.yaml", "chat.yaml.rejected"]
    assert read_prompts(studio.path.with_name("chat.yaml.rejected")) == ["three"]
    assert studio.notes[-1].endswith("recovered from its journal, into chat.yaml.rejected")


def test_a_rewriting_without_an_old_cassette_is_taken_up(studio: Studio) -> None:
    """Where there is nothing to keep, what was recorded becomes the cassette."""
    studio.be_killed("one", mode="rewrite")
    studio.ask("one", "two", mode="once")
    assert (studio.tallies[-1].replayed, studio.tallies[-1].recorded) == (1, 1)


def test_a_damaged_journal_is_left_where_it_is(studio: Studio) -> None:
    """Nothing of it is guessed at, nothing of it is thrown away, and the note says where it is."""
    journal = studio.be_killed("one", "two")
    damaged = journal.read_bytes().replace(b"status: 200", b"status: {", 1)
    journal.write_bytes(damaged)
    studio.tallies.clear()
    studio.ask("one", mode="once")
    assert journal.read_bytes() == damaged
    (note,) = studio.notes
    assert note.startswith(
        f"{studio.path}: 2 exchanges of a run that was killed stayed in {journal}: {journal}:"
    )
    assert read_prompts(studio.path) == ["one"]


def test_a_journal_beside_a_foreign_cassette_is_left_where_it_is(studio: Studio) -> None:
    """A cassette of another tool is not turned into one of ours."""
    journal = studio.be_killed("one")
    foreign = cassette(interaction())
    studio.path.write_bytes(foreign)
    studio.tallies.clear()
    studio.ask(mode="once")
    assert (studio.path.read_bytes(), journal.exists()) == (foreign, True)
    assert studio.notes[0].endswith(f"stayed in {journal}: the cassette was written by vcrpy")


def test_a_journal_beside_an_unreadable_cassette_is_left_where_it_is(studio: Studio) -> None:
    """Opening fails for the cassette; when that is repaired, the journal is taken up."""
    journal = studio.be_killed("one")
    studio.path.write_text("version: 1\n", encoding="utf-8")
    with pytest.raises(CassetteLoadError):
        studio.ask(mode="once")
    assert studio.path.read_text(encoding="utf-8") == "version: 1\n"
    studio.path.unlink()
    studio.ask("one", mode="once")
    assert not journal.exists()
    assert studio.tallies[-1].replayed == 1


def test_half_written_files_of_killed_runs_are_cleared_away(studio: Studio) -> None:
    """A process killed while it saved leaves a temporary file besides its journal."""
    studio.be_killed("one")
    studio.path.with_name(".chat.yaml.0123456789ab.tmp").write_bytes(b"half")
    stranger = studio.path.with_name(".chat.yaml.other.yaml.0123456789ab.tmp")
    stranger.write_bytes(b"of another cassette")
    studio.ask("one", mode="once")
    assert studio.files == [stranger.name, "chat.yaml"]


def test_a_journal_that_is_no_file_is_passed_over(studio: Studio) -> None:
    """Whatever else has such a name does not stop a recording."""
    folder = studio.path.with_name(f".chat.yaml.{'0' * 12}.journal")
    folder.mkdir(parents=True)
    studio.ask("one", mode="once")
    assert studio.files == [folder.name, "chat.yaml"]


def test_a_cassette_with_a_very_long_name_has_a_journal_too(studio: Studio) -> None:
    """The names of what stands beside it stay within the 255 bytes a file name may have."""
    studio.path = studio.path.with_name("x" * 245 + ".yaml")
    studio.be_killed("one")
    studio.ask("one", mode="once")
    assert studio.tallies[-1].replayed == 1
    assert studio.files == [studio.path.name]


def test_a_symbolic_link_to_a_cassette_stays_one(studio: Studio) -> None:
    """What it points at is read, journaled and replaced."""
    target = studio.path.parent.parent / "shared" / "real.yaml"
    studio.path.parent.mkdir()
    studio.path.symlink_to(target)
    studio.ask("one", mode="once")
    assert studio.path.is_symlink()
    studio.ask("one", "two", mode="new_episodes")
    assert studio.path.is_symlink()
    assert [path.name for path in target.parent.iterdir()] == ["real.yaml"]
    assert read_prompts(target) == ["one", "two"]


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_an_existing_file_keeps_its_mode_and_a_new_one_gets_the_usual(studio: Studio, umask: None) -> None:
    """Replacing a cassette does not change who may read it."""
    studio.ask("one", mode="once")
    assert studio.path.stat().st_mode & 0o777 == 0o640
    studio.path.chmod(0o664)
    studio.ask("two", mode="new_episodes")
    assert studio.path.stat().st_mode & 0o777 == 0o664
