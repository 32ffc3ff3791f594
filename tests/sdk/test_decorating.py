"""`use_cassette` as a decorator, of every kind of function."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator

import pytest

from claude_replay import CassetteMiss, use_cassette
from claude_replay.session import Tally
from sdk_ways import Say, Tape


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
