"""The response cache as applications see it."""

from __future__ import annotations

import atexit
import os
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from claude_replay.cache.control import NOTHING_SAID, Control, Mode, Seconds, check_mode, to_seconds
from claude_replay.cache.desk import Desk
from claude_replay.cache.judge import GOOD_STOP_REASONS
from claude_replay.cache.keeping import Keeper
from claude_replay.cache.middleware import handle, handle_async
from claude_replay.cache.opening import open_store
from claude_replay.cache.pacing import Pace, check_pace
from claude_replay.cache.policy import Policy, Steps, Times
from claude_replay.cache.reply import Outcome, UsageOnHit
from claude_replay.cache.sdk import MiddlewareBase, has_middleware
from claude_replay.cache.statistics import CacheStats, Tally
from claude_replay.cache.steps import arun, run
from claude_replay.cache.stores.base import Store
from claude_replay.cache.transport import make_async_transport, make_transport
from claude_replay.errors import CacheError

if TYPE_CHECKING:
    from claude_replay.cache.fallback import Fallback
    from claude_replay.cache.similar import Similar

__all__ = ["ResponseCache"]

_Client = TypeVar("_Client")


class ResponseCache(MiddlewareBase):  # type: ignore[misc]
    """
    Answers equal requests to the Messages API from a store.

        cache = ResponseCache()
        client = Anthropic(middleware=[cache])

    One cache serves any number of clients, sync and async, from any thread and event loop; one entry serves
    callers with and without streaming. Clients that send to different places, or send other headers with
    every request, do not share entries.

    Args:
        store: None keeps answers in memory, a path in a SQLite file, a `redis://` address in Redis; or a Store.
        ttl: how long an answer is kept, 7 days by default; None is for ever.
        version: part of every key; change it (with your prompts, say) and everything is asked anew.
        namespace: entries of different namespaces do not know of each other, also in one store.
        max_bytes: the size of a memory or SQLite store; 64 MiB and 1 GiB by default.
        jitter: the share (0 to 1) of `ttl` that is taken off by chance, so that not all runs out at once.
        stale_while_revalidate: how long after `ttl` an answer is still given while a fresh one is fetched in the
            background. The only calls the cache makes by itself; none while a cassette is open.
        tags: put on all entries, for `clear(tag=)`.
        usage_on_hit: "original" leaves the token counts of an answer from the store, "zero" sets them to 0.
        stop_reasons: stop reasons to keep besides "end_turn", "stop_sequence" and "tool_use", such as "max_tokens".
        per_credential: answers are only shared by clients with the same key.
        ignore_headers: names of request headers that are not part of the key.
        mode: what holds where a call says nothing else; see `options`.
        wait: seconds a call waits at most for another one, in any process, that fetches the same.
        subsume_max_tokens: an answer that ended by itself also serves requests that differ in `max_tokens` only,
            where those allow at least as many tokens as it has.
        similar: answers questions in other words; never quite safe, see `Similar`.
        pace: how fast a stored answer is streamed: "instant", as "recorded", or a factor (2 is twice as fast).
        encryption_key: encrypts what is kept; a Fernet key, or several of which the first encrypts.
        clock: gives Unix seconds.

    Raises CacheError for an argument that is not valid, StoreError for a file that cannot be used.
    """

    def __init__(
        self,
        store: Store | str | os.PathLike[str] | None = None,
        *,
        ttl: Seconds = "7d",
        version: str | int = "",
        namespace: str = "",
        max_bytes: int | None = None,
        jitter: float = 0.0,
        stale_while_revalidate: Seconds = None,
        tags: Iterable[str] = (),
        usage_on_hit: UsageOnHit = "original",
        stop_reasons: Iterable[str] = (),
        per_credential: bool = False,
        ignore_headers: Iterable[str] = (),
        mode: Mode = "on",
        wait: float = 60.0,
        subsume_max_tokens: bool = False,
        similar: Similar | None = None,
        pace: Pace = "instant",
        encryption_key: str | bytes | Sequence[str | bytes] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if usage_on_hit not in ("original", "zero"):
            raise CacheError(f'usage_on_hit is "original" or "zero", not {usage_on_hit!r}')
        if not 0 <= jitter <= 1:
            raise CacheError(f"jitter is a share from 0 to 1, not {jitter!r}")
        times = Times(to_seconds(ttl), jitter, to_seconds(stale_while_revalidate) or 0.0, wait)
        control = Control(check_mode(mode), tags=_texts("tags", tags))
        self.usage_on_hit = usage_on_hit
        self.per_credential = per_credential
        self.pace = check_pace(pace)
        keeper = Keeper(GOOD_STOP_REASONS.union(_texts("stop_reasons", stop_reasons)))
        left_out = frozenset(name.lower() for name in _texts("ignore_headers", ignore_headers))
        self._store = open_store(store, max_bytes=max_bytes, clock=clock, encryption_key=encryption_key)
        self._owns_store = store is None or isinstance(store, (str, os.PathLike))
        policy = Policy(
            namespace=namespace,
            times=times,
            keeper=keeper,
            tally=Tally(),
            clock=clock,
            fallbacks=_make_fallbacks(subsume_max_tokens, similar),
        )
        self.desk = Desk(
            self._store,
            policy,
            control,
            str(version),
            left_out,
            ContextVar("claude_replay_cache_options", default=NOTHING_SAID),
            ContextVar("claude_replay_cache_last", default=None),
        )

        _open.add(self)

    @property
    def store(self) -> Store:
        """Where the entries are."""
        return self._store

    @property
    def last(self) -> Outcome | None:
        """What the cache did with the last call of this thread or task; None before the first."""
        return self.desk.last.get()

    # ------------------------------------------------------------------ seats

    def handle(self, request: Any, call_next: Callable[[Any], Any]) -> Any:
        """Called by a sync client for each attempt of a call."""
        return handle(self, request, call_next)

    async def handle_async(self, request: Any, call_next: Callable[[Any], Any]) -> Any:
        """Called by an async client for each attempt of a call."""
        return await handle_async(self, request, call_next)

    def wrap(self, client: _Client) -> _Client:
        """
        A copy of a client that asks this cache first, outside of all other middleware.

        Raises CacheError for an SDK without middleware (before 0.108), where `transport()` does the same.
        """
        if not has_middleware:
            raise CacheError(
                "wrap: this anthropic has no middleware (0.108 and later do)\n  use: "
                "Anthropic(http_client=DefaultHttpxClient(transport=cache.transport()))"
            )
        found: Any = client
        others = [each for each in found.middleware if each is not self]
        return found.with_options(middleware=[self, *others])  # type: ignore[no-any-return]

    def transport(self, inner: Any = None) -> Any:
        """
        A transport of httpx2 (httpx for SDKs before 1.0) that asks this cache first; `inner` sends what is left.

        For SDKs without middleware, and for whatever else speaks to the Messages API through httpx:
        `Anthropic(http_client=DefaultHttpxClient(transport=cache.transport()))`.
        """
        return make_transport(self, inner)

    def async_transport(self, inner: Any = None) -> Any:
        """The same for async clients."""
        return make_async_transport(self, inner)

    # ------------------------------------------------------------------ control

    def options(
        self,
        mode: Mode | None = None,
        *,
        ttl: Seconds = None,
        tags: Iterable[str] = (),
        sample: int = 0,
    ) -> AbstractContextManager[None]:
        """
        What holds for calls within a `with` block, in this thread or task and what it starts.

        Args:
            mode: "on"; "bypass" (neither read nor keep), "refresh" (fetch, replace what is kept), "read" (keep
                nothing), "write" (fetch, keep where nothing is kept yet), "only" (never fetch: CacheMiss).
            ttl: the greatest age of an answer that is given, and how long one that is fetched is kept.
            tags: put on what is kept.
            sample: which of several answers to the same prompt; 0, 1, 2, ...

        Raises CacheError.
        """
        to_seconds(ttl)
        return self.desk.say(
            Control(check_mode(mode) if mode is not None else None, ttl, _texts("tags", tags), sample)
        )

    def clear(self, *, model: str | None = None, tag: str | None = None, older_than: Seconds = None) -> int:
        """
        Forget the entries of this namespace that meet every condition given, in all processes; how many there were.

        Answers that were asked for before and arrive later are not kept. `older_than` is an age. Raises StoreError.
        """
        return run(self._clear(model, tag, older_than), self._store)

    async def aclear(
        self, *, model: str | None = None, tag: str | None = None, older_than: Seconds = None
    ) -> int:
        """The same in a task."""
        return await arun(self._clear(model, tag, older_than), self._store)

    def _clear(self, model: str | None, tag: str | None, older_than: Seconds) -> Steps[int]:
        age = to_seconds(older_than)
        return self.desk.policy.clear(model=model, tag=tag, age=age)

    def stats(self) -> CacheStats:
        """What this cache did so far, and what its store holds; raises StoreError."""
        run(self.desk.policy.flush(1), self._store)
        return self.desk.policy.tally.sum_up(self._store.stats())

    async def astats(self) -> CacheStats:
        """The same in a task."""
        await arun(self.desk.policy.flush(1), self._store)
        return self.desk.policy.tally.sum_up(await self._store.astats())

    def close(self) -> None:
        """Write what is left to write; closes the store unless it was given as one."""
        _open.discard(self)
        run(self.desk.policy.flush(1), self._store)
        if self._owns_store:
            self._store.close()

    async def aclose(self) -> None:
        """The same in a task."""
        _open.discard(self)
        await arun(self.desk.policy.flush(1), self._store)
        if self._owns_store:
            await self._store.aclose()

    def __enter__(self) -> ResponseCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> ResponseCache:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


# What was counted last is written when the process ends.
_open: weakref.WeakSet[ResponseCache] = weakref.WeakSet()


def close_all() -> None:
    """Close the caches that nobody has closed."""
    for cache in list(_open):
        _close_quietly(cache)
    _open.clear()


def _close_quietly(cache: ResponseCache) -> None:
    # There is nobody left to tell.
    with suppress(Exception):
        cache.close()


atexit.register(close_all)


def _texts(name: str, given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise CacheError(f'{name}: a list of texts, not one: write ["{given}"]')
    return tuple(given)


def _make_fallbacks(subsume_max_tokens: bool, similar: Similar | None) -> list[Fallback]:
    """In the order in which they are tried: what is nearest first."""
    fallbacks: list[Fallback] = []
    if subsume_max_tokens:
        from claude_replay.cache.subsumption import MaxTokens

        fallbacks.append(MaxTokens())
    if similar is not None:
        fallbacks.append(similar)
    return fallbacks
