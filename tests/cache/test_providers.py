"""Clients of every provider: the cache sees the same request, wherever and however it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from cache.asking import SEATS, run_both
from claude_replay import ResponseCache
from provider_clients import PROVIDERS, Provider
from sdk_ways import describe, each, settle
from standin import ClaudeServer


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_every_client_is_served(
    provider: Provider, seat: str, server: ClaudeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time from the shelf, as a message and as a stream; Bedrock's frames pass."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = cache.wrap(provider.make(server.url, is_async=seat == "async"))
        question: Any = {
            "model": provider.model,
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "Name three colors. [ordinal]"}],
        }
        messages = [describe(await settle(client.messages.create(**question))) for _ in range(2)]
        assert messages[0] == messages[1]
        assert (server.count, cache.stats().hits) == (1, 1)

        for _ in range(2):
            events = await settle(client.messages.create(**question, stream=True))
            kinds = [event.type async for event in each(events)]
            assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
        framed = provider.name.startswith("bedrock")
        assert server.count == (3 if framed else 1)
        assert dict(cache.stats().bypassed) == ({"framed_stream": 2} if framed else {})
        await settle(client.close())

    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    run_both(seat, scenario)


def test_providers_do_not_share_answers(server: ClaudeServer) -> None:
    """The same words to another provider are another question."""
    cache = ResponseCache()
    for provider in PROVIDERS:
        with cache.wrap(provider.make(server.url)) as client:
            client.messages.create(
                model="claude-sonnet-5", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
            )
    assert cache.stats().hits == 2
    assert cache.stats().store is not None
    assert server.count == len(PROVIDERS) - 2
