"""A chat: one question, one answer, and a second turn that carries the first."""

from __future__ import annotations

import anthropic
import pytest
from anthropic.types import MessageParam

MODEL = "claude-sonnet-5"


class Chat:
    """The application under test: a conversation that remembers."""

    def __init__(self, client: anthropic.Anthropic) -> None:
        self._client = client
        self._messages: list[MessageParam] = []

    def ask(self, question: str) -> str:
        self._messages.append({"role": "user", "content": question})
        answer = self._client.messages.create(
            model=MODEL, max_tokens=200, system="You are terse.", messages=self._messages
        )
        text = "".join(block.text for block in answer.content if block.type == "text")
        self._messages.append({"role": "assistant", "content": text})
        return text


@pytest.mark.claude_replay
def test_a_chat_remembers_its_first_turn() -> None:
    """Two turns replay as they were recorded; the second request holds the first answer."""
    with anthropic.Anthropic() as client:
        chat = Chat(client)

        first = chat.ask("What is a cassette?")
        second = chat.ask("And who reads it?")

    assert first
    assert second
    assert first != second
