"""When and how fast something was recorded, as it stands in the file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import anthropic
import pytest

from claude_replay import SettingsError
from recordings import MODEL, Studio, ask, make_client
from standin import ClaudeServer

_META = re.compile(r"^  meta: .*$", re.MULTILINE)


def read_metas(path: Path) -> list[str]:
    """The lines that say when, how fast, and by what."""
    return _META.findall(path.read_text())


def say(client: anthropic.Anthropic, prompt: str, *, stream: bool) -> None:
    """One call, whole or as a stream that is read to its end."""
    if not stream:
        ask(client, prompt)
        return
    given: Any = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": prompt}]}
    with client.messages.stream(**given) as answer:
        answer.until_done()


def record(studio: Studio, mode: str, *prompts: str, stream: bool = False, **settings: Any) -> list[str]:
    """Ask a stand-in that has not seen any request yet; what the file says of the times then."""
    port = int(studio.server.url.rpartition(":")[2])
    studio.server.close()
    with ClaudeServer(port=port), studio.open(mode, **settings), make_client(studio.server) as client:
        for prompt in prompts:
            say(client, prompt, stream=stream)
    return read_metas(studio.path)


def make_old(path: Path, old: str, new: str) -> None:
    """Change what all exchanges say of their times."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", ["rewrite", "all"])
def test_an_answer_that_came_back_as_it_was_keeps_its_date(studio: Studio, mode: str, stream: bool) -> None:
    """The others get the new one, so a diff shows what has changed and nothing else."""
    record(studio, "once", "one", "two", stream=stream)
    make_old(studio.path, "recorded_at: '20", "recorded_at: '19")
    before = studio.path.read_text()
    again = record(studio, mode, "one", "other" if mode == "rewrite" else "two", stream=stream)
    if mode == "all":
        assert studio.path.read_text() == before
    else:
        assert ["recorded_at: '19" in line for line in again] == [True, False]
        assert studio.path.read_text().split("- id: ")[1] == before.split("- id: ")[1]


def test_what_is_asked_twice_keeps_both_dates(studio: Studio) -> None:
    """Each of them once, in their order; a third one is new."""
    record(studio, "once", "one", "one")
    text = studio.path.read_text()
    for year in ("1998", "1999"):
        text = re.sub(r"recorded_at: '20\d\d", f"recorded_at: '{year}", text, count=1)
    studio.path.write_text(text)
    again = record(studio, "rewrite", "one", "one", "one")
    assert [re.sub(r"recorded_at: '20\d\d", "new", line)[9:28] for line in again][2].startswith("new")
    assert ["'1998" in again[0], "'1999" in again[1]] == [True, True]


def test_what_was_too_old_gets_the_new_date(studio: Studio) -> None:
    """It has been asked for again and holds: else it would count as old for ever."""
    record(studio, "once", "one")
    make_old(studio.path, "recorded_at: '20", "recorded_at: '19")
    (line,) = record(studio, "rewrite", "one", max_age=30)
    assert "recorded_at: '20" in line


def test_another_version_of_the_sdk_is_noted(studio: Studio) -> None:
    """Recordings of an older one count as stale, until they are made anew."""
    (before,) = record(studio, "once", "one")
    sdk = before.rpartition("sdk: ")[2]
    make_old(studio.path, sdk, "'0.49.0'}")
    assert record(studio, "rewrite", "one")[0].endswith(sdk)


def test_an_exchange_that_cannot_be_read_any_more_is_recorded_anew(studio: Studio) -> None:
    """There is nothing to keep of it, and the others keep theirs."""
    record(studio, "once", "one", "two")
    make_old(studio.path, "recorded_at: '20", "recorded_at: '19")
    first, second = studio.path.read_text().split("\n- id: ")[1:]
    broken = first.replace("status: 200", "status: maybe")
    studio.path.write_text(studio.path.read_text().replace(first, broken))
    again = record(studio, "rewrite", "one", "two")
    assert ["recorded_at: '19" in line for line in again] == [False, True]
    assert second.removesuffix("\n...\n") in studio.path.read_text()


@pytest.mark.parametrize("stream", [False, True])
def test_a_date_that_is_fixed_is_all_that_is_noted(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    """No durations, so the same answers give the same file."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    (line,) = record(studio, "once", "one", stream=stream)
    assert line.startswith("  meta: {recorded_at: '1970-01-01T00:00:00Z', sdk: '")
    assert "times:" not in studio.path.read_text()
    with studio.open("none"), make_client(studio.server) as client:
        say(client, "one", stream=stream)


def test_a_date_that_is_fixed_is_that_of_what_is_recorded_anew(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of what came back as it was: all files that are made so are the same."""
    record(studio, "once", "one")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    (line,) = record(studio, "rewrite", "one")
    assert line.startswith("  meta: {recorded_at: '1970-01-01T00:00:00Z', sdk: '")


def test_a_date_beyond_the_calendar_is_none(studio: Studio) -> None:
    """Somebody has written it there."""
    record(studio, "once", "one")
    text = studio.path.read_text()
    studio.path.write_text(re.sub(r"recorded_at: '[^']+'", "recorded_at: '0001-01-01T00:00:00+14:00'", text))
    (line,) = record(studio, "rewrite", "one", max_age=30)
    assert "recorded_at: '20" in line


@pytest.mark.parametrize("text", ["today", "1.5", "9" * 30])
def test_a_date_that_is_none_is_said_at_once(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Before anything is sent."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(SettingsError, match="SOURCE_DATE_EPOCH: seconds since 1970 were expected, not"):
        studio.open("once").__enter__()
    with pytest.raises(SystemExit), studio.open("none"):
        raise SystemExit  # a replay does not look at it
