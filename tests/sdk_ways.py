"""The ways to call Claude through the SDK, and what lets a scenario be written once for all of them."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import anthropic
import trio

from claude_replay import Handle, use_cassette
from claude_replay.session import Tally
from standin import ClaudeServer

KEY = "sk-ant-" + "api03-" + "x" * 24
MODEL = "claude-sonnet-5"

LIBRARY: Any = sys.modules[anthropic.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]]
"""httpx2, or httpx for SDKs before 1.0."""

UNFINISHED_GENERATORS = (
    "ignore:Exception ignored in. <async_generator object:pytest.PytestUnraisableExceptionWarning"
)
"""What trio says of the SDK's own generators when a stream is left before its end."""

Scenario: TypeAlias = Callable[[Any], Coroutine[Any, Any, Any]]
"""A coroutine function of a client, sync or async; recording and replay compare what it returns."""

Say: TypeAlias = Callable[[str], str]
"""Asks, and gives the text of the answer."""


def ask(content: Any, **options: Any) -> dict[str, Any]:
    """The arguments of a call: one user text, or whole messages."""
    messages = [{"role": "user", "content": content}] if isinstance(content, str) else content
    return {"model": MODEL, "max_tokens": 1024, "messages": messages, **options}


async def settle(value: Any) -> Any:
    """What an async client gives after waiting, and a sync one at once."""
    return await value if inspect.isawaitable(value) else value


async def each(items: Any) -> AsyncIterator[Any]:
    """The items of what a client gives to iterate over."""
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


@asynccontextmanager
async def enter(manager: Any) -> AsyncIterator[Any]:
    """The block of what a client gives to enter."""
    if hasattr(manager, "__aenter__"):
        async with manager as entered:
            yield entered
    else:
        with manager as entered:
            yield entered


async def attempt(call: Callable[[], Any]) -> Any:
    """What a call gives, or the SDK's error it raises, as plain data."""
    try:
        return describe(await settle(call()))
    except anthropic.APIError as error:
        return describe(error)


def describe(value: Any) -> Any:
    """What a client gave, as plain data with everything in it that an application can see."""
    if isinstance(value, anthropic.APIError):
        names = ("status_code", "request_id", "body", "message")
        return {"error": type(value).__name__, **{name: getattr(value, name, None) for name in names}}
    if hasattr(value, "model_dump"):
        return {"_request_id": getattr(value, "_request_id", None), **value.model_dump(warnings=False)}
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    return value


def drive(scenario: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that awaits nothing, as one of a sync client does."""
    try:
        scenario.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a sync client has awaited something")


def in_thread(function: Callable[[], Any]) -> Any:
    """Run in a thread that knows nothing of this one's context; gives its result or raises its error."""
    results: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


@dataclass(frozen=True)
class Way:
    """One way to call: a kind of client, and what runs its calls."""

    name: str
    connect: Callable[..., Any]
    execute: Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]

    def __str__(self) -> str:
        return self.name

    def run(self, scenario: Scenario, url: str, **options: Any) -> Any:
        """Run a scenario with a client of its own for the server at `url`."""

        async def run_with_client() -> Any:
            client = self.connect(base_url=url, timeout=20, **options)
            try:
                return await scenario(client)
            finally:
                await settle(client.close())

        return self.execute(run_with_client)


def _connect_aiohttp(**options: Any) -> Any:
    return anthropic.AsyncAnthropic(http_client=anthropic.DefaultAioHttpClient(), **options)


SYNC = Way("sync", anthropic.Anthropic, lambda function: drive(function()))
THREAD = Way("thread", anthropic.Anthropic, lambda function: in_thread(lambda: drive(function())))
ASYNCIO = Way("asyncio", anthropic.AsyncAnthropic, lambda function: asyncio.run(function()))
TRIO = Way("trio", anthropic.AsyncAnthropic, lambda function: trio.run(function))
AIOHTTP = Way("aiohttp", _connect_aiohttp, lambda function: asyncio.run(function()))

WAYS = (SYNC, THREAD, ASYNCIO, TRIO, AIOHTTP)
ASYNC_WAYS = (ASYNCIO, TRIO, AIOHTTP)


@dataclass
class Tape:
    """A stand-in server and a cassette; `tallies` are the accounts of the cassettes closed so far."""

    server: ClaudeServer
    path: Path
    tallies: list[Tally]
    handle: Handle | None = None

    def run(self, scenario: Scenario, way: Way = SYNC, *, mode: str, **settings: Any) -> Any:
        """Run a scenario within the cassette."""
        with use_cassette(self.path, mode=mode, **settings) as self.handle:
            return way.run(scenario, self.server.url, **({} if mode == "none" else {"api_key": KEY}))

    def record(self, scenario: Scenario, way: Way = SYNC, **settings: Any) -> Any:
        """Run a scenario against the server, which is not there any more afterwards."""
        result = self.run(scenario, way, mode="once", **settings)
        self.server.close()
        return result

    def replay(self, scenario: Scenario, way: Way = SYNC, **settings: Any) -> Any:
        """Run a scenario without server and without key."""
        return self.run(scenario, way, mode="none", **settings)

    def round_trip(self, scenario: Scenario, way: Way = SYNC) -> Any:
        """Record a scenario, replay it, and compare what the application got."""
        recorded = self.record(scenario, way)
        assert self.replay(scenario, way) == recorded
        return recorded

    @property
    def notes(self) -> list[str]:
        """What the accounts tell people."""
        return [note for tally in self.tallies for note in tally.notes]

    @property
    def attempts(self) -> int:
        """How many requests the last run has issued."""
        assert self.handle is not None
        return len(self.handle.sent)


async def call_all(calls: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Run calls side by side on whatever event loop this is; results in the order of the calls."""
    import anyio

    results: list[Any] = [None] * len(calls)

    async def run(place: int) -> None:
        results[place] = await calls[place]()

    async with anyio.create_task_group() as group:
        for place in range(len(calls)):
            group.start_soon(run, place)
    return results
