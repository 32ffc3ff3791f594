"""An asynchronous fan-out: many questions at once, each with its own answer."""

from __future__ import annotations

import asyncio

import anthropic
import pytest

CITIES = ["Oslo", "Rome", "Cairo", "Lima", "Pune"]


async def describe(client: anthropic.AsyncAnthropic, city: str) -> str:
    """The application under test: one question about one city."""
    message = await client.messages.create(
        model="claude-sonnet-5",
        max_tokens=100,
        messages=[{"role": "user", "content": f"One sentence about {city}."}],
    )
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.asyncio
@pytest.mark.claude_replay
async def test_each_question_gets_its_own_answer() -> None:
    """Concurrency cannot change who gets which answer, whatever the order on the wire."""
    async with anthropic.AsyncAnthropic() as client:
        answers = await asyncio.gather(*(describe(client, city) for city in reversed(CITIES)))

    for city, answer in zip(reversed(CITIES), answers, strict=True):
        assert city in answer
