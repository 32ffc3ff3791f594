"""Which recording answers a request: the id that vouches for it, and when that is not believed."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import anthropic
import pytest

from claude_replay import CassetteMiss, ReplayFailure, use_cassette
from claude_replay.cassette import load_cassette
from recordings import MODEL, Studio, ask, make_client


@pytest.fixture
def edit(studio: Studio) -> Callable[[str, str], None]:
    """Replaces a text in the cassette, as a person with an editor would."""

    def replace(old: str, new: str) -> None:
        text = studio.path.read_text(encoding="utf-8")
        assert old in text
        studio.path.write_text(text.replace(old, new), encoding="utf-8")

    return replace


def read_keys(path: Path) -> list[str | None]:
    """For each exchange the key that its id vouches for."""
    found = load_cassette(path)
    assert found is not None
    return [entry.find_key() for entry in found.entries]


def test_an_edited_prompt_answers_what_it_says_now(studio: Studio, edit: Callable[[str, str], None]) -> None:
    """Its id no longer fits the text, so the text counts; the old prompt has no answer any more."""
    studio.ask("What is one", mode="once")
    edit("content: What is one", "content: What is two")
    assert read_keys(studio.path) == [None]
    assert studio.ask("What is two", mode="none") == ["You said: What is one"]
    with pytest.raises(CassetteMiss):
        studio.ask("What is one", mode="none")


def test_every_edited_letter_of_a_request_is_noticed(studio: Studio) -> None:
    """The check sum covers all of the request as it stands in the file."""
    studio.ask("What is one", mode="once")
    before = studio.path.read_bytes()
    start, end = before.index(b"  request:\n"), before.index(b"  response:\n")
    for place in range(start, end):
        changed = bytes([before[place] ^ 1])
        studio.path.write_bytes(before[:place] + changed + before[place + 1 :])
        assert read_keys(studio.path) == [None]


def test_swapped_ids_are_not_believed(studio: Studio, edit: Callable[[str, str], None]) -> None:
    """Each request keeps its own answer, whatever stands above it."""
    studio.ask("one", "two", mode="once")
    found = load_cassette(studio.path)
    assert found is not None
    first, second = (entry.short_id for entry in found.entries)
    edit(first, "swapped")
    edit(second, first)
    edit("swapped", second)
    assert read_keys(studio.path) == [None, None]
    assert studio.ask("two", "one", mode="none") == ["You said: two", "You said: one"]


@pytest.mark.parametrize("new_id", ["x", "0123456789abcdef-01234567", "é", "0123456789abcdef"])
def test_an_id_of_another_kind_is_no_matter(studio: Studio, new_id: str) -> None:
    """People and other tools may write what they like there, or nothing."""
    studio.ask("one", mode="once")
    text = studio.path.read_text(encoding="utf-8")
    found = load_cassette(studio.path)
    assert found is not None
    studio.path.write_text(text.replace(found.entries[0].short_id, new_id), encoding="utf-8")
    assert read_keys(studio.path) == [None]
    assert studio.ask("one", mode="none") == ["You said: one"]
    studio.path.write_text(text.replace(f"- id: {found.entries[0].short_id}\n  meta", "- meta"), "utf-8")
    assert studio.ask("one", mode="none") == ["You said: one"]


def test_other_rules_of_matching_look_at_the_requests(studio: Studio) -> None:
    """The ids were made under the default rules; with `ignore` they say nothing."""
    client = make_client(studio.server)
    with studio.open("once"):
        for tokens in (10, 20):
            messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": f"{tokens} tokens"}]
            client.messages.create(model=MODEL, max_tokens=tokens, messages=messages)
    with studio.open("none", ignore=["max_tokens"]):
        assert ask(client, "20 tokens") == "You said: 20 tokens"
        assert ask(client, "10 tokens") == "You said: 10 tokens"
    with pytest.raises(CassetteMiss), studio.open("none"):
        ask(client, "20 tokens")


def test_what_the_default_rules_forget_can_be_remembered(studio: Studio) -> None:
    """`!metadata` tells requests apart that have the same id."""
    client = make_client(studio.server)
    with studio.open("once"):
        for user in ("a", "b"):
            ask(client, f"[echo {user}]", metadata={"user_id": user})
            ask(client, "who?", metadata={"user_id": user})
    with studio.open("none", ignore=["!metadata"]) as handle:
        ask(client, "who?", metadata={"user_id": "b"})
        ask(client, "who?", metadata={"user_id": "a"})
    assert [exchange.request.json["metadata"]["user_id"] for exchange in handle.played] == ["b", "a"]


def test_a_rule_for_redaction_that_came_later_still_finds_the_recording(studio: Studio) -> None:
    """What is sent is redacted by it and has another key; the recordings are redacted likewise then."""
    prompt = "My number is 12345."
    studio.ask("Hi", prompt, prompt, mode="once")
    client = make_client(studio.server)
    with studio.open("none", redact=[r"\d{5}"]):
        assert ask(client, "Hi") == "You said: Hi"
        for _ in range(2):
            assert ask(client, prompt) == f"You said: {prompt}"
    with pytest.raises(CassetteMiss) as caught:
        studio.ask("Hi", prompt, prompt, prompt, mode="none", redact=[r"\d{5}"])
    assert caught.value.reason == "all_played"
    assert "12345" not in str(caught.value)


def test_recording_again_with_a_later_rule_replaces_the_recording(studio: Studio) -> None:
    """The same look again decides what mode `all` replaces."""
    prompt = "My number is 12345."
    studio.ask("Hi", prompt, mode="once")
    studio.ask(prompt, mode="all", redact=[r"\d{5}"])
    text = studio.path.read_text(encoding="utf-8")
    assert (text.count("- id: "), text.count("12345"), text.count("My number is [redacted]")) == (2, 0, 2)


def test_ids_made_under_older_rules_are_not_believed(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that changes the fingerprint raises the version of the rules, which the check sum covers."""
    studio.ask("one", mode="once")
    assert read_keys(studio.path) != [None]
    monkeypatch.setattr("claude_replay.cassette.identity.RULES_VERSION", 0)
    assert read_keys(studio.path) == [None]
    assert studio.ask("one", mode="none") == ["You said: one"]


# ---------------------------------------------------------------------- recordings that cannot be read


def test_a_damaged_answer_is_said_when_it_is_played(studio: Studio, edit: Callable[[str, str], None]) -> None:
    """The message passes the SDK and `except Exception` untouched, at once, with file and line."""
    studio.ask("one", "two", mode="once")
    edit("text: 'You said: one'", "text: [You said: one")
    line = studio.path.read_text(encoding="utf-8").partition("[You said")[0].count("\n") + 1
    with pytest.raises(ReplayFailure) as caught:
        studio.ask("two", "one", mode="none")
    failure = caught.value
    assert isinstance(failure, CassetteMiss)
    assert not isinstance(failure, Exception)
    assert failure.reason == "unreadable"
    assert str(failure).startswith(f"claude_replay: {studio.path}:{line}:")
    assert "Repair it by hand" in str(failure)
    assert studio.tallies[-1].replayed == 1


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
def test_a_damaged_answer_is_not_overwritten(
    studio: Studio, edit: Callable[[str, str], None], mode: str
) -> None:
    """Recording beside it keeps every byte of it, for whoever repairs it."""
    studio.ask("one", "two", mode="once")
    edit("text: 'You said: one'", "text: [You said: one")
    studio.ask("three", mode=mode)
    text = studio.path.read_text(encoding="utf-8")
    assert "text: [You said: one" in text
    assert text.count("- id: ") == 3


def test_a_damaged_request_is_said_at_once(studio: Studio, edit: Callable[[str, str], None]) -> None:
    """What it would answer cannot be told, so the cassette does not open."""
    studio.ask("one", "two", mode="once")
    edit("content: one}", "content: one")
    with pytest.raises(BaseException, match=r"chat\.yaml:\d+:\d+: ") as caught:
        studio.ask("two", mode="none")
    assert type(caught.value).__name__ == "CassetteLoadError"


def test_a_request_nobody_vouches_for_is_found_out_in_a_miss(studio: Studio) -> None:
    """An id made up to hide what stands below is believed no longer than the first request that it fails."""
    studio.ask("one", mode="once")
    before = studio.path.read_bytes()
    start, end = before.index(b"  request:\n"), before.index(b"  response:\n")
    from claude_replay.cassette.identity import Identity, _checksum

    key = read_keys(studio.path)[0]
    assert key is not None
    damaged = before[start:end].replace(b"url: http", b"url: [http")
    old = before[before.index(b"- id: ") + 6 :].split(b"\n", 1)[0]
    new = f"{key}-{_checksum(Identity(key, ''), damaged)}".encode()
    studio.path.write_bytes(before.replace(before[start:end], damaged).replace(old, new))
    assert read_keys(studio.path) == [key]
    with pytest.raises(CassetteMiss) as caught:
        studio.ask("two", mode="none")
    assert caught.value.reason == "unreadable"


def test_a_garbage_collector_that_is_off_stays_off(tmp_path: Path) -> None:
    """Opening a cassette switches it off for a moment, and on again only for those who had it on."""
    gc.disable()
    try:
        with use_cassette(tmp_path / "none.yaml", mode="none"):
            assert not gc.isenabled()
    finally:
        gc.enable()
