"""litellm: its own HTTP client, sync and async, streamed or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import litellm

from claude_replay import Handle

ASK: dict[str, Any] = {
    "model": "anthropic/claude-sonnet-5",
    "messages": [{"role": "user", "content": "Hello [pieces a|b]"}],
    "max_tokens": 100,
}


def text_of(chunks: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def test_completions(round_trip: Callable[[Callable[[], Any]], Handle]) -> None:
    """A completion and a stream."""

    def ask() -> Any:
        answer = litellm.completion(**ASK, api_key="k" * 20)
        return answer.choices[0].message.content, text_of(
            litellm.completion(**ASK, api_key="k" * 20, stream=True)
        )

    assert round_trip(ask).text == "ab"


def test_async_completions(round_trip: Callable[[Callable[[], Any]], Handle]) -> None:
    """The async twin."""

    async def ask() -> Any:
        answer = await litellm.acompletion(**ASK, api_key="k" * 20)
        return answer.choices[0].message.content

    assert round_trip(lambda: asyncio.run(ask())).text == "ab"
