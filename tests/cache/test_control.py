"""Single calls, and whole processes, tell the cache what to do."""

from __future__ import annotations

import asyncio
import contextvars
from datetime import timedelta
from typing import Any

import pytest

from cache.asking import SEATS, ask, close_all, make_client, run_both, text_of
from claude_replay import CacheError, CacheMiss, ResponseCache, SQLiteStore, StoreError
from claude_replay.cache.control import Control, read_environment, read_header, to_seconds
from claude_replay.cache.response_cache import close_all as close_open_caches
from sdk_ways import drive, in_thread, settle
from standin import ClaudeServer


def status(cache: ResponseCache) -> str:
    """What was done with the last call, as its header would say it."""
    assert cache.last is not None
    return cache.last.header()


@pytest.mark.parametrize("seat", SEATS)
def test_bypass_neither_reads_nor_keeps(seat: str, server: ClaudeServer) -> None:
    """And what is there stays there."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        first = await text_of(client)
        with cache.options(mode="bypass"):
            assert await text_of(client) != first
            assert status(cache) == "bypass; reason=asked_for"
        assert await text_of(client) == first
        assert dict(cache.stats().bypassed) == {"asked_for": 1}

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_refresh_replaces_what_is_kept(seat: str, server: ClaudeServer) -> None:
    """The fresh answer is given from then on."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        first = await text_of(client)
        with cache.options(mode="refresh"):
            second = await text_of(client)
            assert status(cache) == "miss; reason=refresh"
        assert first != second == await text_of(client)
        assert server.count == 2

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_write_keeps_what_is_new_only(seat: str, server: ClaudeServer) -> None:
    """It never answers from the shelf, and replaces nothing there."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        with cache.options(mode="write"):
            first = await text_of(client)
            assert await text_of(client) != first
        assert await text_of(client) == first
        assert dict(cache.stats().not_kept) == {"kept_before": 1}

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
def test_read_keeps_nothing(seat: str, server: ClaudeServer) -> None:
    """What is on the shelf is given all the same."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat)
        with cache.options(mode="read"):
            await text_of(client)
            await text_of(client)
        assert server.count == 2
        first = await text_of(client)
        with cache.options(mode="read"):
            assert await text_of(client) == first
        assert server.count == 3

    run_both(seat, scenario)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("stream", [False, True])
def test_only_never_calls(seat: str, stream: bool, server: ClaudeServer) -> None:
    """What is missing is an error of its own, at once, although the SDK would try again."""

    async def scenario() -> None:
        cache = ResponseCache()
        client = make_client(cache, server, seat, max_retries=5)
        with cache.options(mode="only"), pytest.raises(CacheMiss) as caught:
            await settle(client.messages.create(**ask("Hello there, " + "x" * 90), stream=stream))
        assert caught.value.reason == "new"
        assert str(caught.value) == (
            "claude_replay: the response cache holds no answer to this request, and was told to answer alone "
            '(mode "only")\n'
            f'  asked     claude-sonnet-5 · "Hello there, {"x" * 44}..."\n'
            "  why       new\n"
            '  fill it:  make the call once without mode "only"'
        )
        assert server.count == 0

        first = await text_of(client)
        with cache.options(mode="only"):
            assert await text_of(client) == first
            with pytest.raises(CacheMiss, match=r"why       parameters_changed \(max_tokens\)"):
                await text_of(client, max_tokens=3)
        assert server.count == 1

    run_both(seat, scenario)


def test_a_header_says_the_same(server: ClaudeServer) -> None:
    """It does not reach the server, and is not part of the key."""
    cache = ResponseCache()
    client = make_client(cache, server)

    def say(header: str | None) -> str:
        headers = {} if header is None else {"X-Claude-Replay-Cache": header}
        message = client.messages.create(**ask("Hello [ordinal]"), extra_headers=headers)
        return str(message.content[0].text)

    first = say("tags=a,b; ttl=15m")
    assert say(None) == first
    assert say("bypass") != first
    assert say("sample=1") != first
    fresh = say("refresh")
    assert fresh != first
    assert say(None) == fresh
    with pytest.raises(CacheMiss):
        say("only; sample=9")
    assert sorted(entry.tags for entry in cache.store.listed()) == [(), ()]
    assert not [request for request in server.requests if "x-claude-replay-cache" in request.headers]
    assert server.count == 4


def test_tags_add_up(server: ClaudeServer) -> None:
    """Those of the cache, of blocks within each other, and of the header."""
    cache = ResponseCache(tags=["all"])
    client = make_client(cache, server)
    with cache.options(tags=["a"]), cache.options(tags=["b", "a"]):
        client.messages.create(**ask("Hello"), extra_headers={"x-claude-replay-cache": "tags=c , d"})

    (listed,) = cache.store.listed()
    assert listed.tags == ("all", "a", "b", "c", "d")


def test_the_inner_block_counts_more(server: ClaudeServer) -> None:
    """And what it does not mention holds from the outer one."""
    cache = ResponseCache(mode="bypass")
    client = make_client(cache, server)
    with cache.options(mode="on", sample=3):
        with cache.options(tags=["t"]):
            drive(text_of(client))
        with cache.options(mode="refresh"):
            drive(text_of(client))
        drive(text_of(client))
        assert status(cache) == "hit"
    drive(text_of(client))
    assert status(cache) == "bypass; reason=asked_for"


def test_options_hold_for_a_task_and_what_it_starts(server: ClaudeServer) -> None:
    """Not for others, and for threads only with their context."""
    cache = ResponseCache()

    async def scenario() -> None:
        client = make_client(cache, server, "async")

        async def say(expected: str) -> None:
            await text_of(client, "Hello")
            assert status(cache).partition(";")[0] == expected

        await say("miss")
        with cache.options(mode="bypass"):
            inside = asyncio.create_task(say("bypass"))
            await say("bypass")
        outside = asyncio.create_task(say("hit"))
        await asyncio.gather(inside, outside)
        await close_all()

    asyncio.run(scenario())

    client = make_client(cache, server)

    def say() -> str:
        drive(text_of(client, "Hello"))
        return status(cache)

    with cache.options(mode="bypass"):
        assert in_thread(say) == "hit"
        context = contextvars.copy_context()
        assert in_thread(lambda: context.run(say)) == "bypass; reason=asked_for"


@pytest.mark.parametrize("value", ["off", "OFF", "0", "false", "no", "bypass"])
def test_the_environment_turns_every_cache_off(
    value: str, server: ClaudeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the code says, without a change of it."""
    monkeypatch.setenv("CLAUDE_REPLAY_CACHE", value)
    cache = ResponseCache()
    client = make_client(cache, server)
    with cache.options(mode="only"):
        drive(text_of(client))
        drive(text_of(client))
    assert server.count == 2

    monkeypatch.setenv("CLAUDE_REPLAY_CACHE", "1")
    drive(text_of(client))
    drive(text_of(client))
    assert server.count == 3


def test_the_environment_sets_a_mode(server: ClaudeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all caches; what is no mode is an error that names the variable."""
    client = make_client(ResponseCache(), server)
    monkeypatch.setenv("CLAUDE_REPLAY_CACHE", "only")
    with pytest.raises(CacheMiss):
        drive(text_of(client))

    monkeypatch.setenv("CLAUDE_REPLAY_CACHE", "onyl")
    with pytest.raises(CacheError, match=r"^environment: CLAUDE_REPLAY_CACHE: there is no cache mode 'onyl'"):
        drive(text_of(client))


def test_settings_of_cassettes_take_the_variable_for_no_mistake() -> None:
    """It begins like theirs."""
    from claude_replay.settings import environment_layer

    assert environment_layer({"CLAUDE_REPLAY_CACHE": "off"}).values == {}


@pytest.mark.parametrize(
    ("span", "seconds"),
    [(90, 90.0), (0.5, 0.5), ("90s", 90.0), ("80", 80.0), ("15m", 900.0), ("1.5h", 5400.0), ("7 d", 604800.0),
     ("2W", 1209600.0), (timedelta(minutes=1), 60.0), (None, None)],
)  # fmt: skip
def test_time_spans(span: Any, seconds: float | None) -> None:
    """Numbers, timedeltas, and numbers with a unit."""
    assert to_seconds(span) == seconds


@pytest.mark.parametrize("span", ["", "x", "1y", "-1s", 0, -1, timedelta(0), float("nan")])
def test_what_is_no_time_span(span: Any) -> None:
    """It says what to write."""
    with pytest.raises(CacheError, match=r"time span"):
        to_seconds(span)


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ("", Control()),
        (" ; ", Control()),
        ("bypass", Control("bypass")),
        ("read; ttl=1h; tags=a,,b; sample=2", Control("read", "1h", ("a", "b"), 2)),
        ("ttl = 5", Control(ttl="5")),
    ],
)
def test_headers_are_read(text: str, control: Control) -> None:
    """Parts in any order, each optional."""
    assert read_header(text) == control


@pytest.mark.parametrize("text", ["bypas", "ttl=x", "sample=-1", "sample=x", "tag=a"])
def test_headers_that_cannot_be_read(text: str, server: ClaudeServer) -> None:
    """A slip must not become a call that is paid for."""
    with pytest.raises(CacheError):
        read_header(text)
    client = make_client(ResponseCache(), server)
    with pytest.raises(CacheError):
        client.messages.create(**ask("Hello"), extra_headers={"x-claude-replay-cache": text})
    assert server.count == 0


def test_the_environment_without_the_variable_says_nothing() -> None:
    """Nor an empty one."""
    assert read_environment({}) == read_environment({"CLAUDE_REPLAY_CACHE": " "}) == Control()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"mode": "onyl"}, "there is no cache mode 'onyl'"),
        ({"usage_on_hit": "none"}, 'usage_on_hit is "original" or "zero"'),
        ({"jitter": 2}, "jitter is a share from 0 to 1"),
        ({"ttl": "soon"}, "'soon' is no time span"),
        ({"tags": "faq"}, r'tags: a list of texts, not one: write \["faq"\]'),
        ({"store": 5}, "store: int is no store"),
        ({"store": "postgres://x"}, "store: nothing is known of postgres://"),
        ({"store": "redis://127.0.0.1", "max_bytes": 5}, "maxmemory"),
    ],
)
def test_arguments_that_are_not_valid(given: dict[str, Any], says: str) -> None:
    """Each names what would be."""
    with pytest.raises(CacheError, match=says):
        ResponseCache(**given)


def test_the_size_belongs_to_the_store(server: ClaudeServer, tmp_path: Any) -> None:
    """It is given with a path or with nothing."""
    store = ResponseCache(max_bytes=5_000).store
    with pytest.raises(CacheError, match="give it to the store itself"):
        ResponseCache(store, max_bytes=5_000)

    with ResponseCache(tmp_path / "a.db", max_bytes=1) as cache:
        drive(text_of(make_client(cache, server)))
        assert cache.stats().store.entries == 0  # type: ignore[union-attr]


def test_options_are_checked_at_once() -> None:
    """Before any call."""
    cache = ResponseCache()
    with pytest.raises(CacheError):
        cache.options(mode="onyl")  # type: ignore[arg-type]
    with pytest.raises(CacheError):
        cache.options(ttl="soon")
    with pytest.raises(CacheError):
        cache.options(tags="faq")


def test_an_address_opens_a_store_of_its_own() -> None:
    """Without connecting to anything."""
    assert repr(ResponseCache("redis://127.0.0.1:1/0").store).startswith("RedisStore(")


def test_an_async_cache_closes_what_it_opened(server: ClaudeServer, tmp_path: Any) -> None:
    """And nothing else."""

    async def scenario() -> None:
        async with ResponseCache(tmp_path / "a.db") as own:
            await text_of(make_client(own, server, "async"))
        with pytest.raises(StoreError, match="closed"):
            await own.astats()
        async with ResponseCache(SQLiteStore(tmp_path / "a.db")) as given:
            pass
        assert (await given.astats()).store.entries == 1  # type: ignore[union-attr]
        given.store.close()
        await close_all()

    asyncio.run(scenario())


def test_the_end_of_the_process_closes_what_is_open(server: ClaudeServer, tmp_path: Any) -> None:
    """And says nothing of what can no longer be closed."""
    cache = ResponseCache(tmp_path / "a.db")
    drive(text_of(make_client(cache, server)))
    given = ResponseCache(SQLiteStore(tmp_path / "b.db"))
    given.store.close()
    given.desk.policy.tally.add("hits")

    close_open_caches()

    with pytest.raises(StoreError, match="closed"):
        cache.stats()
