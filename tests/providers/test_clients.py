"""Every client of the SDK that reaches Claude through a provider: recorded, and replayed without credentials."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import pytest

from claude_replay import CassetteMiss, use_cassette
from provider_clients import PROVIDERS, SECRETS, Provider
from standin import ClaudeServer

PROMPT = "Hello [pieces Hél|lo 日|]"


def ask(model: str, prompt: str = PROMPT, **options: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": model, "max_tokens": 100, "messages": messages, **options}


def run(client: Any, model: str) -> Any:
    """A message, the same as a stream, and one of the beta API: everything that came, as plain data."""
    with client:
        message = client.messages.create(**ask(model))
        with client.messages.create(**ask(model), stream=True) as stream:
            events = [event.model_dump() for event in stream]
        beta = client.beta.messages.create(**ask(model, "Beta"), betas=["b-2", "a-1"])
        return message.model_dump(), message._request_id, events, beta.model_dump()


async def run_async(client: Any, model: str) -> Any:
    async with client:
        message = await client.messages.create(**ask(model))
        async with await client.messages.create(**ask(model), stream=True) as stream:
            events = [event.model_dump() async for event in stream]
        beta = await client.beta.messages.create(**ask(model, "Beta"), betas=["b-2", "a-1"])
        return message.model_dump(), message._request_id, events, beta.model_dump()


def drive(make: Callable[[], Any], model: str, *, is_async: bool) -> Any:
    """Run with a client that is made in the same loop."""

    async def work() -> Any:
        return await run_async(make(), model)

    return asyncio.run(work()) if is_async else run(make(), model)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_a_provider_is_recorded_and_replayed_without_credentials(
    provider: Provider, is_async: bool, server: ClaudeServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same objects come back to a client that was told neither key nor region nor project."""
    with use_cassette(path, mode="once"):
        live = drive(lambda: provider.make(server.url, is_async=is_async), provider.model, is_async=is_async)
    assert server.count == 3
    text = path.read_text(encoding="utf-8")
    assert [secret for secret in SECRETS if secret in text] == []

    server.close()
    with use_cassette(path) as handle:
        assert drive(lambda: provider.bare(is_async=is_async), provider.model, is_async=is_async) == live
    assert handle.text == "You said: Beta"
    assert handle.usage.output_tokens > 0


@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_replay_asks_nobody(
    provider: Provider, server: ClaudeServer, path: Path, request: pytest.FixtureRequest
) -> None:
    """Neither metadata servers nor token services are looked for, also by a client made before the cassette."""
    with use_cassette(path, mode="once"):
        provider.make(server.url).messages.create(**ask(provider.model))
    made_before = provider.make("https://example.invalid")
    tried = request.getfixturevalue("no_network")

    with use_cassette(path, repeat=True):
        for client in (provider.bare(), made_before):
            assert client.messages.create(**ask(provider.model)).content[0].text == "Héllo 日"
    assert tried == []


@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_a_miss_names_no_secret(provider: Provider, server: ClaudeServer, path: Path) -> None:
    """What is printed is as clean as what is written."""
    with use_cassette(path, mode="once"):
        provider.make(server.url).messages.create(**ask(provider.model))

    with use_cassette(path, unplayed="ignore") as handle:
        with pytest.raises(CassetteMiss) as caught:
            provider.make(server.url).messages.create(**ask(provider.model, "Good bye"))
        handle.misses.clear()

    shown = f"{caught.value} {caught.value!r} {handle!r} {handle.sent}"
    assert "Good bye" in shown
    assert [secret for secret in SECRETS if secret in shown] == []


@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_errors_come_back_as_they_came(provider: Provider, server: ClaudeServer, path: Path) -> None:
    """The SDK's exception, its status and its body."""

    def fail(client: Any) -> Any:
        with pytest.raises(anthropic.APIStatusError) as caught:
            client.messages.create(**ask(provider.model, "Hello [status 400]"))
        return type(caught.value), caught.value.status_code, caught.value.body, str(caught.value)

    with use_cassette(path, mode="once"):
        live = fail(provider.make(server.url))
    server.close()
    with use_cassette(path):
        assert fail(provider.bare()) == live


def test_a_stream_that_bedrock_breaks_off_breaks_off_again(server: ClaudeServer, path: Path) -> None:
    """An exception in the middle of the frames is the same exception on replay."""
    provider = next(provider for provider in PROVIDERS if provider.name == "bedrock-signed")

    def read(client: Any, seen: list[Any]) -> None:
        with client.messages.create(**ask(provider.model, "Hello [error-after 1]"), stream=True) as stream:
            seen.extend(event.model_dump() for event in stream)

    def fail(client: Any) -> Any:
        seen: list[Any] = []
        with pytest.raises(anthropic.APIStatusError) as caught:
            read(client, seen)
        return seen, str(caught.value)

    with use_cassette(path, mode="once"):
        live = fail(provider.make(server.url))
    server.close()
    with use_cassette(path):
        assert fail(provider.bare()) == live
    assert ":exception-type: modelStreamErrorException" in path.read_text().replace("'", "")


def test_a_stream_of_bedrock_that_is_left_early_is_recorded_so_far(server: ClaudeServer, path: Path) -> None:
    """What came until then, in whole frames."""
    provider = next(provider for provider in PROVIDERS if provider.name == "bedrock-signed")

    def look(client: Any) -> Any:
        with client.messages.create(**ask(provider.model, "Hello [words 200]"), stream=True) as stream:
            return next(iter(stream)).model_dump()

    with use_cassette(path, mode="once"):
        live = look(provider.make(server.url))
    assert "ended: closed" in path.read_text()
    with use_cassette(path):
        assert look(provider.bare()) == live
