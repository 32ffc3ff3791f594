"""`use_cassette` as context manager and as decorator, of every kind of function."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from claude_replay import CassetteLoadError, CassetteMiss, Handle, SettingsError, use_cassette
from claude_replay.session import Tally
from sdk_ways import KEY, LIBRARY, Tape, ask


@pytest.fixture
def client(tape: Tape) -> Iterator[anthropic.Anthropic]:
    """A client that stays open, whatever cassettes do; it never retries."""
    with anthropic.Anthropic(base_url=tape.server.url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def say(client: anthropic.Anthropic) -> Callable[[str], str]:
    """Asks, and gives the text of the answer."""

    def say(text: str) -> str:
        block = client.messages.create(**ask(text)).content[0]
        return str(getattr(block, "text", None))

    return say


def asked(handle: Handle) -> list[str]:
    """The texts that were asked within a cassette."""
    return [sent.json["messages"][0]["content"] for sent in handle.sent]


Say = Callable[[str], str]


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


def test_decorated_functions_run_within_the_cassette(tape: Tape, say: Say) -> None:
    """Arguments, results and errors pass through; each call opens the cassette anew."""

    @use_cassette(tape.path, mode="new_episodes")
    def work(text: str, *, loud: bool = False) -> str:
        """Say something."""
        if not text:
            raise ValueError("nothing to say")
        return say(text).upper() if loud else say(text)

    assert (work("one"), work("two", loud=True), work("one")) == (
        "You said: one",
        "YOU SAID: TWO",
        "You said: one",
    )
    with pytest.raises(ValueError, match="nothing to say"):
        work("")
    assert (tape.server.count, work.__doc__, list(inspect.signature(work).parameters)) == (
        2,
        "Say something.",
        ["text", "loud"],
    )


def test_decorated_coroutine_functions_run_within_the_cassette(tape: Tape, say: Say) -> None:
    """They stay coroutine functions, and calls may overlap."""

    @use_cassette(tape.path, mode="once")
    async def work(text: str) -> str:
        first = say(text)
        await asyncio.sleep(0)
        return first + say(f"more {text}")

    async def both() -> tuple[str, str]:
        return await asyncio.gather(work("one"), work("two"))

    assert inspect.iscoroutinefunction(work)
    recorded = asyncio.run(both())
    tape.server.close()
    assert asyncio.run(both()) == recorded
    # Both wrote into the same file.
    assert tape.path.read_text(encoding="utf-8").count("- id: ") == 4


def test_decorated_generators_run_within_the_cassette(tape: Tape, say: Say) -> None:
    """The cassette is open from the first item to the end; what is sent in arrives."""

    @use_cassette(tape.path, mode="once")
    def work() -> Generator[str, str, str]:
        text = "first"
        for _ in range(2):
            text = yield say(text)
        return say("last")

    generator = work()
    assert (next(generator), generator.send("second")) == ("You said: first", "You said: second")
    with pytest.raises(StopIteration) as end:
        generator.send("third")
    assert (end.value.value, tape.path.read_text(encoding="utf-8").count("- id: ")) == ("You said: last", 3)


def test_a_decorated_generator_that_is_closed_has_not_failed(
    tape: Tape, say: Say, tallies: list[Tally]
) -> None:
    """Whoever takes only the first items leaves a whole cassette behind."""

    @use_cassette(tape.path, mode="once")
    def work() -> Generator[str]:
        while True:
            yield say("again [ordinal]")

    generator = work()
    assert next(generator)
    generator.close()
    assert [(tally.recorded, tally.incomplete) for tally in tallies] == [(1, False)]


def test_decorated_async_generators_run_within_the_cassette(tape: Tape, say: Say) -> None:
    """What is sent and thrown into them arrives, as without the decorator."""
    caught: list[BaseException] = []

    @use_cassette(tape.path, mode="once")
    async def work() -> AsyncGenerator[str, str]:
        text = yield say("first")
        try:
            yield say(text)
        except KeyError as error:
            caught.append(error)
            yield say("sorry")

    async def drive() -> list[str]:
        generator = work()
        items = [await anext(generator), await generator.asend("second")]
        items.append(await generator.athrow(KeyError("oh")))
        with pytest.raises(StopAsyncIteration):
            await anext(generator)
        return items

    assert asyncio.run(drive()) == ["You said: first", "You said: second", "You said: sorry"]
    assert [str(error) for error in caught] == ["'oh'"]


def test_decorated_async_generators_are_closed_with_their_cassette_open(tape: Tape, say: Say) -> None:
    """What a generator does at its end, when it is left early, still belongs to the cassette."""

    @use_cassette(tape.path, mode="once")
    async def work() -> AsyncIterator[str]:
        try:
            yield say("first")
        finally:
            say("goodbye")

    async def drive() -> None:
        async with contextlib.aclosing(work()) as generator:  # type: ignore[type-var]
            await anext(generator)

    asyncio.run(drive())
    assert tape.path.read_text(encoding="utf-8").count("- id: ") == 2


def test_decorated_context_managers_see_the_errors_of_their_block(tape: Tape, say: Say) -> None:
    """`contextlib.asynccontextmanager` on top works as it does on the bare function."""
    seen: list[str] = []

    @contextlib.asynccontextmanager
    @use_cassette(tape.path, mode="once")
    async def work() -> AsyncIterator[str]:
        try:
            yield say("first")
        except ValueError as error:
            seen.append(str(error))

    async def drive() -> None:
        async with work():
            raise ValueError("in the block")

    asyncio.run(drive())
    assert seen == ["in the block"]


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


def test_a_cassette_that_cannot_be_read_is_refused_on_entry(tape: Tape, say: Say) -> None:
    """And requests after that do not belong to it."""
    tape.path.write_text("exchanges: [", encoding="utf-8")
    with pytest.raises(CassetteLoadError), use_cassette(tape.path):
        raise AssertionError("the block has run")
    assert (say("Hello"), "ANTHROPIC_API_KEY" in os.environ) == ("You said: Hello", False)


def test_a_miss_comes_out_of_every_kind_of_function(tape: Tape, say: Say) -> None:
    """Decorated or not, a function lets it pass."""

    @use_cassette(tape.path)
    def plain() -> None:
        say("Hello")

    @use_cassette(tape.path)
    async def coroutine() -> None:
        say("Hello")

    @use_cassette(tape.path)
    def generator() -> Iterator[str]:
        yield say("Hello")

    @use_cassette(tape.path)
    async def async_generator() -> AsyncIterator[str]:
        yield say("Hello")

    async def first() -> str:
        return await anext(aiter(async_generator()))

    calls: list[Callable[[], object]] = [
        plain,
        lambda: asyncio.run(coroutine()),
        lambda: next(iter(generator())),
        lambda: asyncio.run(first()),
    ]
    for call in calls:
        with pytest.raises(CassetteMiss):
            call()


def test_a_miss_names_the_argument_that_records(tape: Tape, say: Say) -> None:
    """The advice is something that can be typed where the cassette was opened."""
    advice = rf"record it: use_cassette\({str(tape.path)!r}, mode='once'\)"
    with pytest.raises(CassetteMiss, match=advice), use_cassette(tape.path):
        say("Hello")
