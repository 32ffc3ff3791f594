"""`use_cassette` as a context manager."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_replay import CassetteLoadError, CassetteMiss, Handle, SettingsError, use_cassette
from claude_replay.session import Tally
from sdk_ways import LIBRARY, Say, Tape, ask, describe


def asked(handle: Handle) -> list[str]:
    """The texts that were asked within a cassette."""
    return [sent.json["messages"][0]["content"] for sent in handle.sent]


def test_the_block_gets_a_handle(tape: Tape, say: Say) -> None:
    """What was sent and played can be asked for while the block runs and after it."""
    with use_cassette(tape.path, mode="once") as handle:
        say("Hello")
        assert (asked(handle), handle.mode, handle.path) == (["Hello"], "once", tape.path)
    tape.server.close()
    with use_cassette(tape.path) as handle:
        assert (handle.mode, say("Hello"), handle.text) == ("none", "You said: Hello", "You said: Hello")
    assert len(handle.played) == 1


def test_the_path_is_relative_to_the_current_folder(
    tape: Tape, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders that are missing are made."""
    monkeypatch.chdir(tape.path.parent)
    with use_cassette("deep/down/hello.yaml", mode="once"):
        say("Hello")
    assert (tape.path.parent / "deep" / "down" / "hello.yaml").is_file()


def test_async_with_is_the_same(tape: Tape, say: Say) -> None:
    """In coroutines both kinds of `with` work."""

    async def work(mode: str) -> str:
        async with use_cassette(tape.path, mode=mode) as handle:
            say("Hello")
            return handle.text

    assert asyncio.run(work("once")) == "You said: Hello"
    tape.server.close()
    assert asyncio.run(work("none")) == "You said: Hello"


def test_one_object_can_be_entered_again(tape: Tape, say: Say) -> None:
    """After its end, and within itself."""
    cassette = use_cassette(tape.path, mode="new_episodes")
    with cassette:
        say("one")
    with cassette as outer:
        say("one")
        with cassette as inner:
            say("one")
        say("two")
    assert (asked(outer), asked(inner), tape.server.count) == (["one", "two"], ["one"], 2)


def test_the_innermost_cassette_counts(tape: Tape, say: Say, tmp_path: Path) -> None:
    """A cassette within a cassette takes the requests until it ends; then the outer one goes on."""
    with use_cassette(tmp_path / "outer.yaml", mode="once") as outer:
        say("one")
        with use_cassette(tmp_path / "inner.yaml", mode="once") as inner:
            say("two")
        say("three")
    assert (asked(outer), asked(inner)) == (["one", "three"], ["two"])


def test_cassettes_may_end_in_another_order_than_they_began(tape: Tape, say: Say, tmp_path: Path) -> None:
    """Fixtures and generators do not always nest."""
    first, second = (
        use_cassette(tmp_path / "1.yaml", mode="once"),
        use_cassette(tmp_path / "2.yaml", mode="once"),
    )
    one = first.__enter__()
    two = second.__enter__()
    say("a")
    first.__exit__(None, None, None)
    say("b")
    second.__exit__(None, None, None)
    say("c")
    assert (asked(one), asked(two), tape.server.count) == ([], ["a", "b"], 3)


def test_an_error_in_the_block_comes_out_and_leaves_the_cassette_incomplete(
    tape: Tape, say: Say, tallies: list[Tally]
) -> None:
    """What was recorded until then is kept; the next run in mode `once` records the rest."""

    @use_cassette(tape.path, mode="once")
    def work() -> None:
        say("one")
        raise KeyError("a fault")

    with pytest.raises(KeyError):
        work()
    assert tallies[-1].incomplete
    with use_cassette(tape.path, mode="once"):
        assert (say("one"), say("two")) == ("You said: one", "You said: two")
    assert (tape.server.count, tallies[-1].incomplete) == (2, False)


SCRIPT = """
import sys
from claude_replay import use_cassette
url, library = sys.argv[1:]
client = __import__(library).Client()
body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
with use_cassette("hello.yaml", mode="none") as handle:
    client.post(url + "/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"})
    print(handle.mode, handle.text)
"""


def test_environment_variables_override_the_arguments(tape: Tape) -> None:
    """They are how a program without pytest is switched to recording, and back."""
    folder = tape.path.parent

    def run(**environment: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", SCRIPT, tape.server.url, LIBRARY.__name__],
            cwd=folder,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    assert run(CLAUDE_REPLAY_MODE="once") == "once You said: Hello\n"
    tape.server.close()
    assert run() == "none You said: Hello\n"


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"mode": "onse"}, "did you mean 'once'?"),
        ({"pase": 1}, "did you mean 'pace'?"),
        ({"pace": -1}, "pace"),
    ],
)
def test_wrong_settings_are_refused_on_entry(tape: Tape, settings: dict[str, Any], hint: str) -> None:
    """With the nearest valid spelling, and with nothing left behind."""
    with pytest.raises(SettingsError) as error, use_cassette(tape.path, **settings):
        raise AssertionError("the block has run")
    assert "use_cassette()" in str(error.value)
    assert hint in str(error.value)
    assert "ANTHROPIC_API_KEY" not in os.environ


def test_a_decorator_without_a_path_is_refused() -> None:
    """Python would only say what pathlib cannot do with a function."""

    def ask() -> None: ...

    with pytest.raises(SettingsError) as error:
        use_cassette(ask)  # type: ignore[arg-type]

    assert str(error.value) == (
        f'use_cassette(): a path was expected, not {ask!r}: @use_cassette("cassettes/name.yaml")'
    )


def test_a_cassette_that_cannot_be_read_is_refused_on_entry(tape: Tape, say: Say) -> None:
    """And requests after that do not belong to it."""
    tape.path.write_text("exchanges: [", encoding="utf-8")
    with pytest.raises(CassetteLoadError), use_cassette(tape.path):
        raise AssertionError("the block has run")
    assert (say("Hello"), "ANTHROPIC_API_KEY" in os.environ) == ("You said: Hello", False)


def test_a_miss_names_the_argument_that_records(tape: Tape, say: Say) -> None:
    """The advice is something that can be typed where the cassette was opened."""
    advice = rf"record it: use_cassette\({str(tape.path)!r}, mode='once'\)"
    with pytest.raises(CassetteMiss, match=advice), use_cassette(tape.path):
        say("Hello")


def test_what_calls_itself_a_version_but_is_none_is_not_kept(tape: Tape) -> None:
    """The header is the client's, and may hold anything."""

    async def work(client: Any) -> Any:
        odd = {"x-stainless-package-version": "not a version, but words"}
        return describe(client.messages.create(**ask("Hello"), extra_headers=odd))

    recorded = tape.record(work)
    assert "but words" not in tape.path.read_text(encoding="utf-8")
    assert tape.replay(work) == recorded
