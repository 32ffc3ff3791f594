"""One question, recorded through one provider and put to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from claude_replay import CassetteMiss, inject, use_cassette
from claude_replay.api import plain_model
from provider_clients import PROVIDERS, Provider
from standin import ClaudeServer

BY_NAME = {provider.name: provider for provider in PROVIDERS}
NAMES = {
    "gateway": "claude-sonnet-5-20260630",
    "bedrock-signed": "us.anthropic.claude-sonnet-5-20260630-v1:0",
    "mantle": "anthropic.claude-sonnet-5-20260630",
    "vertex": "claude-sonnet-5@20260630",
}


def talk(client: Any, model: str) -> Any:
    """A message, a stream, and one with a beta feature."""
    ask: dict[str, Any] = {
        "model": model,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello [pieces a|b]"}],
    }
    message = client.messages.create(**ask)
    with client.messages.create(**ask, stream=True) as stream:
        events = [event.model_dump() for event in stream]
    beta = client.beta.messages.create(**ask, betas=["b"], system="Be terse.")
    return message.model_dump(), events, beta.model_dump()


@pytest.mark.parametrize("asked", NAMES)
@pytest.mark.parametrize("recorded", NAMES)
def test_any_provider_answers_for_any_other(
    recorded: str, asked: str, server: ClaudeServer, path: Path
) -> None:
    """Paths, names of models and the framing of streams differ; question and answer do not."""
    with use_cassette(path, mode="once"):
        live = talk(BY_NAME[recorded].make(server.url), NAMES[recorded])
    server.close()

    with use_cassette(path, providers="any"):
        assert talk(BY_NAME[asked].bare(), NAMES[asked]) == live


@pytest.mark.parametrize("provider", [BY_NAME["bedrock-signed"], BY_NAME["vertex"]], ids=str)
def test_by_default_bedrock_and_vertex_are_asked_something_else(
    provider: Provider, server: ClaudeServer, path: Path
) -> None:
    """Their requests are compared as they were sent, and the miss says what differs."""
    with use_cassette(path, mode="once"):
        BY_NAME["gateway"].make(server.url).messages.create(
            model="claude-sonnet-5", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        )
    with use_cassette(path, unplayed="ignore") as handle:
        with pytest.raises(CassetteMiss, match="operation"):
            provider.bare().messages.create(
                model="claude-sonnet-5", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
            )
        handle.misses.clear()


@pytest.mark.parametrize("asked", ["bedrock-signed", "vertex"])
def test_a_fault_comes_as_the_provider_asked_would_send_it(
    asked: str, server: ClaudeServer, path: Path
) -> None:
    """A stream that ends in an error, recorded through a gateway."""
    ask: dict[str, Any] = {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello [pieces a|b]"}]}
    with use_cassette(path, mode="once"), BY_NAME["gateway"].make(server.url) as client:
        list(client.messages.create(model=NAMES["gateway"], stream=True, **ask))
    server.close()

    with (
        use_cassette(path, providers="any", unplayed="ignore", inject=inject("cut", after=3)),
        BY_NAME[asked].bare() as client,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        list(client.messages.create(model=NAMES[asked], stream=True, **ask))


def test_another_model_is_another_question(server: ClaudeServer, path: Path) -> None:
    """Whoever serves it; and the miss names what the comparison leaves out."""
    ask: dict[str, Any] = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    with use_cassette(path, mode="once"):
        BY_NAME["gateway"].make(server.url).messages.create(model="claude-sonnet-5", **ask)
    with use_cassette(path, providers="any") as handle:
        with pytest.raises(CassetteMiss) as caught:
            BY_NAME["vertex"].bare().messages.create(model="claude-haiku-4-5@20251001", **ask)
        handle.misses.clear()
    assert "claude-haiku-4-5-20251001" in str(caught.value)
    assert "ignored   metadata, cache_control, diagnostics, provider" in str(caught.value)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_region_and_version_are_not_compared(is_streamed: bool, server: ClaudeServer, path: Path) -> None:
    """By default, too: a model is the same in another region, and after an upgrade of the SDK."""
    bedrock = BY_NAME["bedrock-signed"]
    body = {"anthropic_version": "bedrock-2023-05-31"} if is_streamed else None
    ask: dict[str, Any] = {
        "model": bedrock.model,
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": is_streamed,
    }
    with use_cassette(path, mode="once"), bedrock.make(server.url) as client:
        list(client.messages.create(**ask))
    with use_cassette(path), bedrock.make("https://elsewhere.invalid").copy(aws_region="x") as client:
        list(client.messages.create(**ask, extra_body=body))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("claude-sonnet-5", "claude-sonnet-5"),
        ("anthropic.claude-3-sonnet-20240229-v1:0", "claude-3-sonnet-20240229"),
        ("us.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("us-gov.anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku-20240307"),
        ("inference-profile/global.anthropic.claude-opus-5-v2:1", "claude-opus-5"),
        ("anthropic.claude-v2:1", "claude-v2:1"),
        ("anthropic.claude-instant-v1", "claude-instant-v1"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5-20251001"),
        ("claude-haiku-4-5@default", "claude-haiku-4-5"),
        ("amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
    ],
)
def test_models_by_the_names_of_their_providers(name: str, plain: str) -> None:
    """Only what says where and by whom a model is served goes, and never what tells two models apart."""
    assert plain_model(name) == plain


def test_tokens_are_counted_by_any_provider(server: ClaudeServer, path: Path) -> None:
    """Vertex counts them under a path without a model, which stands in the body."""
    ask: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
    with use_cassette(path, mode="once"):
        live = (
            BY_NAME["gateway"].make(server.url).messages.count_tokens(model="claude-sonnet-5-20260630", **ask)
        )
    with use_cassette(path, providers="any"):
        assert BY_NAME["vertex"].bare().messages.count_tokens(model="claude-sonnet-5@20260630", **ask) == live


def test_a_model_that_is_no_text_is_compared_as_it_is(server: ClaudeServer, path: Path) -> None:
    """The API refuses it, and that is recorded like any answer."""
    ask: dict[str, Any] = {"model": "x", "max_tokens": 9, "messages": [], "extra_body": {"model": None}}
    for mode in ("once", "none"):
        with use_cassette(path, mode=mode, providers="any"), pytest.raises(anthropic.BadRequestError):
            BY_NAME["gateway"].make(server.url).messages.create(**ask)
