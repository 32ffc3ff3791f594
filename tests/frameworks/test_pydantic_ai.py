"""pydantic-ai: an agent with a tool and a typed result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel

from claude_replay import Handle


def make_agent() -> Any:
    agent = Agent(AnthropicModel("claude-sonnet-5"), system_prompt="Be terse.")

    @agent.tool_plain  # type: ignore[untyped-decorator]
    def weather(city: str) -> str:
        """The weather of a city."""
        return f"17 C in {city}"

    return agent


def test_an_agent_calls_its_tool(round_trip: Callable[[Callable[[], Any]], Handle]) -> None:
    """Two requests, the tool between them run by the framework both times."""

    def ask() -> Any:
        return make_agent().run_sync('Paris? [tool weather {"city": "Paris"}]').output

    handle = round_trip(ask)

    assert [call.name for call in handle.tool_calls] == ["weather"]
    assert "17 C in Paris" in handle.text


def test_a_stream_of_an_agent(round_trip: Callable[[Callable[[], Any]], Handle]) -> None:
    """Text as it comes, async."""

    async def stream() -> list[str]:
        async with make_agent().run_stream("Hello [pieces a|b|c]") as result:
            return [text async for text in result.stream_text(delta=True, debounce_by=None)]

    handle = round_trip(lambda: "".join(asyncio.run(stream())))

    assert handle.text == "abc"
