"""A client at the top of a module is made before any cassette is open, and on replay without a key."""

from __future__ import annotations

import asyncio
from pathlib import Path

import anthropic
import pytest

from claude_replay import use_cassette
from standin import ClaudeServer, answer_to

QUESTION = "Is there a key?"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A cassette with one answer."""
    path = tmp_path / "cassette.yaml"
    with (
        ClaudeServer() as server,
        use_cassette(path, mode="once"),
        anthropic.Anthropic(api_key="stand-in", base_url=server.url) as client,
    ):
        ask(client)
    return path


def ask(client: anthropic.Anthropic) -> str:
    message = client.messages.create(
        model="claude-sonnet-5", max_tokens=50, messages=[{"role": "user", "content": QUESTION}]
    )
    return "".join(block.text for block in message.content if block.type == "text")


def test_a_client_made_without_a_key_replays(recorded: Path) -> None:
    """Nothing is sent, so nobody has to sign in."""
    with anthropic.Anthropic() as client, use_cassette(recorded):
        assert ask(client) == answer_to(QUESTION)


def test_an_async_client_made_without_a_key_replays(recorded: Path) -> None:
    """The twin behaves the same."""

    async def replay() -> str:
        async with anthropic.AsyncAnthropic() as client:
            with use_cassette(recorded) as cassette:
                await client.messages.create(
                    model="claude-sonnet-5", max_tokens=50, messages=[{"role": "user", "content": QUESTION}]
                )
                return cassette.text

    assert asyncio.run(replay()) == answer_to(QUESTION)


def test_a_client_made_without_a_key_cannot_record(tmp_path: Path) -> None:
    """Where a request would be sent, the SDK says what it always says."""
    with (
        anthropic.Anthropic() as client,
        use_cassette(tmp_path / "new.yaml", mode="once"),
        pytest.raises(TypeError, match="authentication"),
    ):
        ask(client)


def test_without_a_cassette_nothing_changes(recorded: Path) -> None:
    """The SDK's own check holds again as soon as no cassette is open."""
    with anthropic.Anthropic() as client:
        with use_cassette(recorded):
            ask(client)
        with pytest.raises(TypeError, match="authentication"):
            ask(client)
