"""langchain-anthropic: invoke, stream, and the async twin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from langchain_anthropic import ChatAnthropic

from claude_replay import Handle


def make_model() -> ChatAnthropic:
    return ChatAnthropic(model="claude-sonnet-5", max_tokens=100)


def test_a_model_is_invoked_and_streamed(round_trip: Callable[[Callable[[], Any]], Handle]) -> None:
    """Messages and chunks are the same."""

    def ask() -> Any:
        model = make_model()
        answer = model.invoke("Hello")
        chunks = [chunk.content for chunk in model.stream("Again [pieces a|b]")]
        return answer.content, answer.usage_metadata, chunks

    handle = round_trip(ask)

    assert [message.stop_reason for message in handle.messages] == ["end_turn", "end_turn"]


def test_a_model_is_invoked_async(round_trip: Callable[[Callable[[], Any]], Handle]) -> None:
    """The async client of the framework."""

    async def ask() -> Any:
        return (await make_model().ainvoke("Hello")).content

    assert round_trip(lambda: asyncio.run(ask())).text == "You said: Hello"
