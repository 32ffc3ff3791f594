"""Semantic look-up: what it answers, and all that it must not."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from cache.asking import SEATS, make_client, run_both, text_of
from claude_replay import (
    CacheError,
    EncryptedStore,
    MemoryStore,
    RedisStore,
    ResponseCache,
    Similar,
    SQLiteStore,
)
from claude_replay.cache import Store
from claude_replay.cache.fallback import NEAR_HEADER
from hashing_embedder import EMBEDDER, embed
from redis_server import RedisServer
from sdk_ways import ask, settle
from similar_prompts import TRAPS
from standin import ClaudeServer

OLD = "How do I reset my password?"
NEW = "How do I reset my password, please?"


def make_similar(function: Any = embed, **options: Any) -> Similar:
    return Similar(function, **{"embedder": EMBEDDER, "threshold": 0.8, **options})


def make_cache(store: Any = None, **options: Any) -> ResponseCache:
    return ResponseCache(store, similar=make_similar(**options))


def say(client: Any, content: Any, **options: Any) -> str:
    message = client.messages.create(**ask(content, **options))
    return str(message.content[0].text)


@pytest.fixture(params=["memory", "sqlite", "redis", "encrypted"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens a store, the same one each time."""
    if request.param == "redis":
        with RedisServer(tmp_path, unix=True) as running:
            yield lambda: RedisStore(running.url)
    elif request.param == "sqlite":
        yield lambda: SQLiteStore(tmp_path / "answers.db")
    else:
        store = MemoryStore()
        key = "A" * 43 + "="
        yield lambda: EncryptedStore(store, key) if request.param == "encrypted" else store


@pytest.mark.parametrize("seat", SEATS)
def test_a_question_in_other_words_gets_the_answer(
    server: ClaudeServer, open_store: Callable[[], Store], seat: str
) -> None:
    """In any store, streamed or not; each hit names the original question and how near it is."""
    cache = make_cache(open_store())

    async def scenario() -> None:
        client = make_client(cache, server, seat)
        first = await text_of(client, OLD)
        raw = await settle(client.messages.with_raw_response.create(**ask(NEW)))

        assert (await settle(raw.parse())).content[0].text == first
        assert raw.headers["x-claude-replay-cache"] == "hit"
        kind, similarity, prompt = raw.headers[NEAR_HEADER].split("; ")
        assert kind == "similar"
        assert 0.8 <= float(similarity.removeprefix("similarity=")) < 1
        assert unquote(prompt.removeprefix("prompt=")) == OLD
        assert cache.last is not None
        assert cache.last.near is not None
        assert cache.last.near.prompt == OLD
        assert await text_of(client, OLD) == first
        assert cache.last.near is None

    run_both(seat, scenario)
    assert server.count == 1
    assert cache.stats().near == {"similar": 1}
    cache.store.close()


@pytest.mark.parametrize("pair", [pair for pair in TRAPS if pair.kind != "topic"], ids=lambda pair: pair.new)
def test_traps_are_asked(server: ClaudeServer, pair: Any) -> None:
    """However low the threshold."""
    client = make_client(make_cache(threshold=0.01), server)
    say(client, pair.old)
    say(client, pair.new)
    assert server.count == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "claude-opus-5"},
        {"system": "You are terse."},
        {"max_tokens": 77},
        {"stop_sequences": ["x"]},
        {"tools": [{"name": "a", "input_schema": {"type": "object"}}]},
        {"extra_headers": {"anthropic-beta": "context-1m-2025-08-07"}},
        {
            "content": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello"},
                {"role": "user", "content": NEW},
            ]
        },
        {
            "content": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "Context"}, {"type": "text", "text": NEW}],
                }
            ]
        },
    ],
    ids=["model", "system", "limit", "stop", "tools", "betas", "turns", "blocks"],
)
def test_everything_else_must_be_equal(server: ClaudeServer, changed: dict[str, Any]) -> None:
    """Model, system prompt, tools, parameters, earlier turns, other blocks of the last one."""
    client = make_client(make_cache(threshold=0.01), server)
    say(client, OLD)
    say(client, **{"content": NEW, **changed})
    assert server.count == 2


def test_earlier_turns_may_be_there_if_they_are_equal(server: ClaudeServer) -> None:
    """And blocks before the last text; marks for billing do not count."""
    client = make_client(make_cache(), server)

    def talk(text: str, mark: dict[str, Any]) -> list[dict[str, Any]]:
        last = [{"type": "text", "text": "Context", **mark}, {"type": "text", "text": text, **mark}]
        return [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": last},
        ]

    say(client, talk(OLD, {"cache_control": {"type": "ephemeral"}}))
    say(client, talk(NEW, {}))
    assert server.count == 1


def test_results_of_tools_are_looked_up_exactly(server: ClaudeServer) -> None:
    """They are data, of which a little difference may be all."""
    client = make_client(make_cache(threshold=0.01), server)
    tool = {"name": "look_up", "description": "", "input_schema": {"type": "object"}}

    def talk(text: str) -> list[dict[str, Any]]:
        return [
            {"role": "user", "content": "Look it up"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a row"},
                    {"type": "text", "text": text},
                ],
            },
        ]

    say(client, talk(OLD), tools=[tool])
    say(client, talk(NEW), tools=[tool])
    assert server.count == 2


@pytest.mark.parametrize(
    "content",
    [
        "x" * 1001,
        "  ",
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Hi"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                    },
                ],
            }
        ],
    ],
)
def test_what_has_no_short_text_at_its_end_is_looked_up_exactly(server: ClaudeServer, content: Any) -> None:
    """Models see only the beginning of a long one."""
    asked: list[list[str]] = []

    def listen(texts: list[str]) -> list[list[float]]:
        asked.append(texts)
        return embed(texts)

    client = make_client(make_cache(function=listen), server)
    for _ in range(2):
        client.messages.create(**ask(content))
    assert asked == []


def test_other_words_need_a_like_vector(server: ClaudeServer) -> None:
    """The threshold decides."""
    client = make_client(make_cache(), server)
    say(client, OLD)
    say(client, "Which rivers flow through Hamburg?")
    assert server.count == 2


def test_vectors_of_another_embedder_are_not_compared(server: ClaudeServer) -> None:
    """Even in the same store."""
    store = MemoryStore()
    say(make_client(make_cache(store), server), OLD)
    say(make_client(make_cache(store, embedder="another"), server), NEW)
    assert server.count == 2


def test_another_dimension_is_no_likeness(server: ClaudeServer) -> None:
    """Where somebody changed the model and not its name."""
    store = MemoryStore()
    say(make_client(make_cache(store), server), OLD)
    say(make_client(make_cache(store, function=lambda texts: [[1.0, 2.0]]), server), NEW)
    assert server.count == 2


@pytest.mark.parametrize("says", [True, False, "yes"])
def test_a_judge_may_refuse(server: ClaudeServer, says: Any) -> None:
    """It is shown both questions, and only True is consent."""
    shown = []

    def verify(old: str, new: str) -> Any:
        shown.append((old, new))
        return says

    client = make_client(make_cache(verify=verify), server)
    say(client, OLD)
    say(client, NEW)
    assert shown == [(OLD, NEW)]
    assert server.count == (1 if says is True else 2)


def test_the_most_alike_is_taken(server: ClaudeServer) -> None:
    """Of several that are alike enough."""
    client = make_client(make_cache(threshold=0.5), server)
    say(client, "How do I reset my old password here?")
    best = say(client, "How do I reset my password")
    assert server.count == 1 or best
    cache = make_cache(threshold=0.5)
    client = make_client(cache, server)
    with cache.options(mode="write"):
        say(client, "How do I reset my old password here?")
        say(client, OLD)
    say(client, NEW)
    assert cache.last is not None
    assert cache.last.near is not None
    assert cache.last.near.prompt == OLD


def test_async_functions_serve_async_clients(server: ClaudeServer) -> None:
    """Both of them; what they give is waited for."""

    async def aembed(texts: list[str]) -> Sequence[Sequence[float]]:
        return embed(texts)

    async def averify(old: str, new: str) -> bool:
        return True

    cache = make_cache(function=aembed, verify=averify)

    async def scenario() -> None:
        client = make_client(cache, server, "async")
        assert await text_of(client, OLD) == await text_of(client, NEW)

    run_both("async", scenario)
    assert server.count == 1


def test_what_fails_costs_a_live_call_and_a_warning(
    server: ClaudeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that was fetched is given and kept, whatever the embedding function does."""

    async def aembed(texts: list[str]) -> Sequence[Sequence[float]]:
        return embed(texts)

    def broken(texts: list[str]) -> list[list[float]]:
        raise OSError("the model is gone")

    for function, said in (
        (aembed, "aembed is a coroutine function; only async clients can wait for it"),
        (broken, "the model is gone"),
        (lambda texts: [[0.0, 0.0]], "an embedding must have a direction"),
        (lambda texts: [], "the embedding function gave 0 vectors for 1 text"),
    ):
        caplog.clear()
        cache = make_cache(function=function)
        client = make_client(cache, server)
        with caplog.at_level(logging.WARNING, "claude_replay.cache"):
            assert say(client, OLD) == say(client, OLD)
        assert said in caplog.text
        assert cache.stats().failures >= 1
        assert cache.stats().hits == 1


def test_each_text_is_embedded_once(server: ClaudeServer) -> None:
    """When it is looked up; its vector is kept until the answer is there, and for a while after."""
    asked: list[list[str]] = []

    def listen(texts: list[str]) -> list[list[float]]:
        asked.append(texts)
        return embed(texts)

    client = make_client(make_cache(function=listen), server)
    say(client, OLD)
    say(client, "What is the weather like?")
    say(client, NEW)
    say(client, NEW)
    assert asked == [[OLD], ["What is the weather like?"], [NEW]]
    for number in range(260):
        client.messages.create(**ask(f"Number {number}"))
    say(client, NEW)
    assert asked[-1] == [NEW]


def test_an_answer_that_is_gone_is_not_given(server: ClaudeServer) -> None:
    """Nor is anything made of a part of the index that cannot be read."""
    cache = make_cache()
    client = make_client(cache, server)
    say(client, OLD)
    (answer,) = [listed for listed in cache.store.listed() if listed.is_answer]
    cache.store.delete(answer.key)
    say(client, NEW)
    assert server.count == 2

    asked = NEW
    for broken in (
        b"{}",
        b'{"v": 2}',
        b"[]",
        b"{",
        json.dumps({"v": 1, "vector": "?", "text": "", "answer": ""}).encode(),
    ):
        for listed in list(cache.store.listed()):
            entry = cache.store.load(listed.key)
            assert entry is not None
            if not listed.is_answer:
                cache.store.put(replace(entry, envelope=broken))
        asked += " "
        say(client, asked)
        assert cache.last is not None
        assert cache.last.status == "miss"


def test_clearing_an_answer_clears_its_part_of_the_index(server: ClaudeServer) -> None:
    """By tag, model or all."""
    for conditions in ({"tag": "faq"}, {"model": "claude-sonnet-5"}, {}):
        cache = make_cache()
        client = make_client(cache, server)
        with cache.options(tags=["faq"]):
            say(client, OLD)
        assert cache.store.stats().entries == 2
        cache.clear(**conditions)
        assert cache.store.stats().entries == 0


def test_a_secret_in_a_prompt_is_not_kept(server: ClaudeServer) -> None:
    """The index would show it to whoever asks something like it."""
    cache = make_cache()
    client = make_client(cache, server)
    say(client, "My key is sk-ant-" + "api03-" + "Z9" * 30)
    assert all(listed.is_answer for listed in cache.store.listed())


def test_in_mode_only_a_near_answer_is_one(server: ClaudeServer) -> None:
    """It is given, as no call would be made."""
    cache = make_cache()
    client = make_client(cache, server)
    first = say(client, OLD)
    with cache.options(mode="only"):
        assert say(client, NEW) == first


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"embedder": ""}, "embedder names the embedding model"),
        ({"threshold": 0}, "threshold is a cosine similarity, more than 0 and at most 1, not 0"),
        ({"threshold": 1.1}, "not 1.1"),
    ],
)
def test_arguments_are_checked(options: dict[str, Any], said: str) -> None:
    """When it is made."""
    with pytest.raises(CacheError, match=said):
        make_similar(**options)
