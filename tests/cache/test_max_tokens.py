"""An answer that ended by itself serves requests that differ in `max_tokens` only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cache.asking import SEATS, make_client, run_both, text_of
from claude_replay import ResponseCache
from claude_replay.cache.fallback import NEAR_HEADER
from sdk_ways import ask, settle
from standin import ClaudeServer

ASKED = "Name three colors. [words 20] [ordinal]"


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("allowed", [1000, 40])
def test_an_answer_that_ended_by_itself_is_given_again(server: ClaudeServer, seat: str, allowed: int) -> None:
    """With a higher limit, and with a lower one that still holds all of it."""
    cache = ResponseCache(subsume_max_tokens=True)

    async def scenario() -> None:
        client = make_client(cache, server, seat)
        first = await text_of(client, ASKED, max_tokens=100)
        raw = await settle(client.messages.with_raw_response.create(**ask(ASKED, max_tokens=allowed)))
        assert (await settle(raw.parse())).content[0].text == first
        assert raw.headers["x-claude-replay-cache"] == "hit"
        assert raw.headers[NEAR_HEADER].startswith("max_tokens; max_tokens=")
        # The same request is no exact hit either: nothing was kept for it.
        await text_of(client, ASKED, max_tokens=allowed)
        assert cache.last is not None
        assert cache.last.near is not None
        assert cache.last.near.kind == "max_tokens"

    run_both(seat, scenario)
    assert server.count == 1
    assert cache.stats().near == {"max_tokens": 2}
    assert "of the hits 2 near (max_tokens 2)" in str(cache.stats())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"max_tokens": 100}, {"max_tokens": 3}),
        ({"max_tokens": 100}, {"max_tokens": 200, "system": "Be brief."}),
        ({"max_tokens": 100}, {"max_tokens": 200, "stop_sequences": ["x"]}),
        (
            {"max_tokens": 100, "content": "[stop max_tokens]"},
            {"max_tokens": 200, "content": "[stop max_tokens]"},
        ),
        ({"max_tokens": 100}, {"max_tokens": 200, "content": "Name four colors."}),
    ],
)
def test_what_might_be_another_answer_is_asked(
    server: ClaudeServer, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """Cut answers, limits below its length, and whatever else differs."""
    cache = ResponseCache(subsume_max_tokens=True, stop_reasons=["max_tokens"])
    client = make_client(cache, server)
    for options in (first, second):
        client.messages.create(**ask(**{"content": ASKED, **options}))
    assert server.count == 2


def test_a_limit_that_is_no_number_is_none(server: ClaudeServer) -> None:
    """What the server thinks of it is its business."""
    cache = ResponseCache(subsume_max_tokens=True)
    client = make_client(cache, server)
    for _ in range(2):
        client.messages.create(**ask(ASKED), extra_body={"max_tokens": "many"})
    assert cache.stats().failures == 0
    assert server.count == 1


def test_it_is_off_unless_asked_for(server: ClaudeServer) -> None:
    """Then a limit is part of the key like everything else."""
    client = make_client(ResponseCache(), server)
    for limit in (100, 200):
        client.messages.create(**ask(ASKED, max_tokens=limit))
    assert server.count == 2


def test_an_answer_without_a_count_or_that_cannot_be_read_is_left_out(server: ClaudeServer) -> None:
    """Nobody knows how long it is."""
    cache = ResponseCache(subsume_max_tokens=True)
    client = make_client(cache, server)
    client.messages.create(**ask(ASKED, max_tokens=100))
    (listed,) = cache.store.listed()
    entry = cache.store.load(listed.key)
    assert entry is not None
    cache.store.put(replace(entry, envelope=b"{}"))

    client.messages.create(**ask(ASKED, max_tokens=200))

    assert server.count == 2
