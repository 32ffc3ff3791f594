"""What the record modes do to a cassette."""

from __future__ import annotations

from pathlib import Path

import pytest

from claude_replay import CassetteMiss, CassetteSaveError
from claude_replay.cassette import load_cassette
from recordings import Studio, ask, make_client
from vcrpy_cassettes import cassette, interaction


def read_prompts(path: Path) -> list[str]:
    """The prompts in a cassette, in file order."""
    found = load_cassette(path)
    assert found is not None
    return [entry.request.json["messages"][0]["content"] for entry in found.entries]


def read_request_ids(path: Path) -> list[str]:
    """The ids that the server gave the recorded answers."""
    found = load_cassette(path)
    assert found is not None
    return [entry.answer[0].headers["request-id"] for entry in found.entries]


def read_waiting(path: Path) -> list[str]:
    """The owners in a cassette that have yet to pass."""
    found = load_cassette(path)
    assert found is not None
    return found.incomplete


def label_of(studio: Studio) -> str:
    """How the cassette's only owner is called."""
    return f"use_cassette({str(studio.path)!r})"


# ---------------------------------------------------------------------- once


def test_once_records_a_cassette_that_does_not_exist(studio: Studio) -> None:
    """The first run records, every later one plays and refuses what is not recorded."""
    assert studio.ask("one", "two", mode="once") == ["You said: one", "You said: two"]
    assert studio.ask("two", "one", mode="once") == ["You said: two", "You said: one"]
    with pytest.raises(CassetteMiss):
        studio.ask("three", mode="once")
    assert studio.server.count == 2
    assert read_prompts(studio.path) == ["one", "two"]


def test_once_adds_to_what_this_run_has_begun(studio: Studio) -> None:
    """A cassette shared by several owners is new for all of them in the run that makes it."""
    studio.is_one_run = True
    studio.ask("one", mode="once")
    studio.ask("two", mode="once")
    studio.ask("one", mode="once")
    assert read_prompts(studio.path) == ["one", "two"]


def test_once_finishes_what_a_failing_owner_has_begun(studio: Studio) -> None:
    """What it recorded is kept and played, and the rest recorded, until it passes."""
    studio.fail("one", mode="once")
    assert read_waiting(studio.path) == [label_of(studio)]
    assert studio.tallies[-1].incomplete
    studio.fail("one", "two", mode="once")
    assert (studio.tallies[-1].replayed, studio.tallies[-1].recorded) == (1, 1)
    assert read_waiting(studio.path) == [label_of(studio)]
    studio.ask("one", "two", mode="once")
    assert read_waiting(studio.path) == []
    assert not studio.tallies[-1].incomplete
    with pytest.raises(CassetteMiss):
        studio.ask("three", mode="once")
    assert studio.server.count == 2


def test_an_incomplete_cassette_is_played_and_stays_incomplete(studio: Studio) -> None:
    """Mode `none` writes nothing, whatever passes."""
    studio.fail("one", mode="once")
    before = studio.path.read_bytes()
    studio.ask("one", mode="none")
    assert studio.tallies[-1].incomplete
    assert studio.path.read_bytes() == before


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
def test_a_passing_owner_completes_the_cassette_in_every_mode_that_writes(studio: Studio, mode: str) -> None:
    """Also where there was nothing left to record."""
    studio.fail("one", mode="once")
    studio.ask("one", mode=mode)
    assert read_waiting(studio.path) == []


def test_one_owner_does_not_complete_what_another_has_begun(studio: Studio) -> None:
    """The mark is that of the owner who failed; to all others the cassette is one that existed."""
    studio.fail("one", mode="once")
    text = studio.path.read_text(encoding="utf-8")
    studio.path.write_text(text.replace("use_cassette(", "another ("), encoding="utf-8")
    studio.ask("one", mode="once")
    assert len(read_waiting(studio.path)) == 1
    with pytest.raises(CassetteMiss):
        studio.ask("two", mode="once")


def test_what_a_failing_owner_recorded_is_dropped_where_the_user_wants_that(studio: Studio) -> None:
    """With `save="passed"` a failing owner leaves the cassette as it was."""
    studio.fail("one", mode="once", save="passed")
    assert studio.files == []
    assert studio.tallies[-1].recorded == 0
    assert studio.tallies[-1].live == 1
    assert studio.notes == [
        f"{studio.path}: 1 recorded by a test that did not pass: not kept (save = passed)"
    ]
    studio.ask("one", mode="once", save="passed")
    assert read_prompts(studio.path) == ["one"]


# ---------------------------------------------------------------------- new_episodes, all


def test_new_episodes_adds_what_is_not_recorded(studio: Studio) -> None:
    """What is recorded is played, what is not goes behind it, in the order asked."""
    studio.ask("one", mode="once")
    studio.ask("two", "one", "three", mode="new_episodes")
    assert (studio.tallies[-1].replayed, studio.tallies[-1].recorded) == (1, 2)
    assert read_prompts(studio.path) == ["one", "two", "three"]


def test_new_episodes_leaves_a_cassette_without_news_untouched(studio: Studio) -> None:
    """Not even its time stamp changes."""
    studio.ask("one", mode="once")
    before = studio.path.stat()
    studio.ask("one", mode="new_episodes")
    assert studio.path.stat() == before


def test_all_replaces_in_place_what_it_matches(studio: Studio) -> None:
    """What is asked again is recorded again where it stood; the rest is kept, and news go behind it."""
    studio.ask("one", "two", "two", "three", mode="once")
    before = read_request_ids(studio.path)
    studio.ask("four", "two", "one", mode="all")
    assert read_prompts(studio.path) == ["one", "two", "two", "three", "four"]
    after = read_request_ids(studio.path)
    assert [old == new for old, new in zip(before, after, strict=False)] == [False, False, True, True]


def test_all_replaces_what_it_matches_although_others_write_meanwhile(studio: Studio) -> None:
    """A recording is found again by its content, wherever it stands by then."""
    studio.ask("one", "two", "three", mode="once")
    before = read_request_ids(studio.path)
    client = make_client(studio.server)
    with studio.open("all"):
        ask(client, "three")
        with studio.open("all"):
            ask(client, "one")
            ask(client, "four")
    assert read_prompts(studio.path) == ["one", "two", "three", "four"]
    after = read_request_ids(studio.path)
    assert [old == new for old, new in zip(before, after, strict=False)] == [False, True, False]


def test_all_keeps_both_where_two_owners_record_the_same_anew(studio: Studio) -> None:
    """The second finds the old recording gone, and adds its own: nobody's answer is lost."""
    studio.ask("one", mode="once")
    client = make_client(studio.server)
    with studio.open("all"):
        ask(client, "one")
        with studio.open("all"):
            ask(client, "one")
    assert read_prompts(studio.path) == ["one", "one"]


# ---------------------------------------------------------------------- rewrite


def test_rewrite_replaces_the_cassette_when_its_owner_has_passed(studio: Studio) -> None:
    """Until then the old file stays as it is."""
    studio.ask("one", "two", mode="once")
    before = studio.path.read_bytes()
    client = make_client(studio.server)
    with studio.open("rewrite"):
        ask(client, "three")
        assert studio.path.read_bytes() == before
    assert read_prompts(studio.path) == ["three"]
    assert studio.tallies[-1].verdict == "recorded"


def test_rewrite_by_a_failing_owner_goes_beside_the_cassette(studio: Studio) -> None:
    """The old file is kept; what was paid for is in `.rejected`, until a rewriting passes."""
    studio.ask("one", mode="once")
    before = studio.path.read_bytes()
    studio.fail("two", mode="rewrite")
    assert studio.path.read_bytes() == before
    assert studio.files == ["chat.yaml", "chat.yaml.rejected"]
    rejected = studio.path.with_name("chat.yaml.rejected")
    assert read_prompts(rejected) == ["two"]
    assert studio.notes[-1] == (
        f"{studio.path}: the test did not pass, so the cassette was left as it is; "
        "recorded: chat.yaml.rejected"
    )
    studio.fail("three", mode="rewrite")
    assert read_prompts(rejected) == ["three"]
    studio.ask("four", mode="rewrite")
    assert studio.files == ["chat.yaml"]
    assert read_prompts(studio.path) == ["four"]


def test_rewrite_by_a_failing_owner_begins_a_cassette(studio: Studio) -> None:
    """There is none that it could spoil, so what was paid for is played, and `once` records the rest."""
    studio.fail("one", mode="rewrite")
    assert studio.files == ["chat.yaml"]
    assert studio.tallies[-1].incomplete
    studio.ask("one", "two", mode="once")
    assert studio.server.count == 2
    assert read_prompts(studio.path) == ["one", "two"]
    assert not studio.tallies[-1].incomplete


def test_what_a_failing_owner_began_is_not_rewritten_in_the_same_run(studio: Studio) -> None:
    """The owners that come after it add to it."""
    studio.is_one_run = True
    studio.fail("one", mode="rewrite")
    studio.ask("two", mode="rewrite")
    assert read_prompts(studio.path) == ["one", "two"]
    assert studio.files == ["chat.yaml"]


def test_rewriting_owners_of_one_run_share_the_new_cassette(studio: Studio) -> None:
    """The first that passes replaces the old file, the others add to the new one."""
    studio.ask("old", mode="once")
    studio.is_one_run = True
    studio.ask("one", mode="rewrite")
    studio.fail("lost", mode="rewrite")
    studio.ask("two", mode="rewrite")
    studio.fail("missed", mode="rewrite")
    assert read_prompts(studio.path) == ["one", "two"]
    assert studio.files == ["chat.yaml", "chat.yaml.rejected"]
    assert read_prompts(studio.path.with_name("chat.yaml.rejected")) == ["lost", "missed"]


def test_rewriting_makes_an_incomplete_cassette_complete(studio: Studio) -> None:
    """Whoever had yet to pass belongs to the old file."""
    studio.fail("one", mode="once")
    studio.ask("two", mode="rewrite")
    assert read_waiting(studio.path) == []
    assert not studio.tallies[-1].incomplete


def test_rewriting_a_shared_cassette_without_a_call_leaves_it(studio: Studio) -> None:
    """An owner that asks nothing cannot know what the others need."""
    studio.ask("one", mode="once")
    before = studio.path.read_bytes()
    studio.ask(mode="rewrite")
    assert studio.path.read_bytes() == before


# ---------------------------------------------------------------------- verify, off


def test_off_touches_no_cassette(studio: Studio) -> None:
    """Every request is live, and nothing is written."""
    studio.ask("one", mode="once")
    before = studio.path.read_bytes()
    studio.ask("one", "two", mode="off")
    assert (studio.tallies[-1].live, studio.server.count) == (2, 3)
    assert studio.path.read_bytes() == before


def test_verify_writes_nothing_and_tells_what_is_not_recorded(studio: Studio) -> None:
    """Each request is live and compared with its own recording."""
    studio.ask("one", "two", mode="once")
    before = studio.path.read_bytes()
    studio.ask("two", "three", "one", mode="verify")
    assert studio.tallies[-1].drift == ['messages · claude-sonnet-5 · "three": not in the cassette']
    assert studio.tallies[-1].live == 3
    assert studio.path.read_bytes() == before
    assert studio.files == ["chat.yaml"]


# ---------------------------------------------------------------------- cassettes of other tools

FOREIGN = cassette(
    interaction(
        {"body": '{"model":"claude-sonnet-5","max_tokens":100,"messages":[{"role":"user","content":"one"}]}'}
    ),
    interaction({"uri": "https://example.com/"}),
)


def test_a_foreign_cassette_is_played(studio: Studio) -> None:
    """Modes that need not write play it as it is; what in it cannot be used is told."""
    studio.path.parent.mkdir()
    studio.path.write_bytes(FOREIGN)
    for mode in ("none", "once"):
        assert studio.ask("one", mode=mode) == ["Hé!"]
    assert studio.notes[0].startswith(f"{studio.path}: left out: interactions[1]: ")
    assert studio.path.read_bytes() == FOREIGN
    assert studio.server.count == 0


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
def test_nothing_is_recorded_into_a_foreign_cassette(studio: Studio, mode: str) -> None:
    """The tool that wrote it could not read it any more; this is said before anything is sent."""
    studio.path.parent.mkdir()
    studio.path.write_bytes(FOREIGN)
    with pytest.raises(CassetteSaveError) as caught:
        studio.ask("one", mode=mode)
    assert str(caught.value) == (
        f"{studio.path}: this cassette was written by vcrpy, which could not read it any more if mode "
        f"{mode!r} recorded into it. Nothing was sent. Replay it as it is (mode 'none'), name another "
        "cassette, or record all of it anew in the format of this tool: "
        f"use_cassette({str(studio.path)!r}, mode='rewrite')"
    )
    assert studio.path.read_bytes() == FOREIGN
    assert studio.server.count == 0


def test_a_foreign_cassette_can_be_rewritten(studio: Studio) -> None:
    """All of it is recorded anew, in our format."""
    studio.path.parent.mkdir()
    studio.path.write_bytes(FOREIGN)
    studio.ask("one", mode="rewrite")
    assert studio.path.read_bytes().startswith(b"# claude_replay cassette")


def test_a_foreign_cassette_that_comes_in_between_is_not_converted(studio: Studio) -> None:
    """Also where another tool has written it while we recorded."""
    opened = studio.open("once")
    opened.__enter__()
    ask(make_client(studio.server), "one")
    studio.path.write_bytes(FOREIGN)
    with pytest.raises(CassetteSaveError) as caught:
        opened.__exit__(None, None, None)
    assert f"{studio.path}: vcrpy has written this cassette meanwhile\n1 exchange was" in str(caught.value)
    assert studio.path.read_bytes() == FOREIGN
