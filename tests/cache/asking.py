"""Clients with a cache, sync and async, of which a test is written once for both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anthropic

from claude_replay import ResponseCache
from sdk_ways import KEY, ask, drive, settle
from standin import ClaudeServer

__all__ = ["SEATS", "Ask", "ask", "close_all", "make_client", "run_both", "text_of"]

Ask = Callable[..., Any]
Scenario = Callable[[Any], Coroutine[Any, Any, Any]]

SEATS = ["sync", "async"]


def make_client(cache: ResponseCache | None, server: ClaudeServer, seat: str = "sync", **options: Any) -> Any:
    """A client of the stand-in that asks the cache first."""
    kind = anthropic.AsyncAnthropic if seat == "async" else anthropic.Anthropic
    middleware = [] if cache is None else [cache]
    given = {"base_url": server.url, "api_key": KEY, "max_retries": 0, **options}
    client: Any = kind(middleware=middleware, **given)
    _open.append(client)
    return client


_open: list[Any] = []


async def close_all() -> None:
    """Close all clients made so far."""
    while _open:
        await settle(_open.pop().close())


def run_both(seat: str, scenario: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run what was written with `await settle(...)`, on an event loop or without one."""

    async def run() -> Any:
        try:
            return await scenario()
        finally:
            await close_all()

    return asyncio.run(run()) if seat == "async" else drive(run())


async def text_of(client: Any, content: Any = "Name three colors. [ordinal]", **options: Any) -> str:
    """Ask, and give the text of the answer."""
    message = await settle(client.messages.create(**ask(content, **options)))
    return "".join(block.text for block in message.content if block.type == "text")
