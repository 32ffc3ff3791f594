"""The seat in the SDK's chain of middleware."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from claude_replay.cache.calls import Call, read_call, without_control
from claude_replay.cache.desk import Fetch
from claude_replay.cache.flight import here, here_async
from claude_replay.cache.lineage import Why
from claude_replay.cache.live import attend, attend_async, fail, renew, renew_async, shielded
from claude_replay.cache.policy import FLUSH_AT, Found
from claude_replay.cache.reply import Outcome, build_response, mark
from claude_replay.cache.sdk import library, make_api_response, wants_unread
from claude_replay.cache.spans import mark_span
from claude_replay.cache.steps import arun, run
from claude_replay.cache.stores.memory import MemoryStore

if TYPE_CHECKING:
    from claude_replay.cache.response_cache import ResponseCache

__all__ = ["handle", "handle_async"]


def handle(cache: ResponseCache, request: Any, call_next: Callable[[Any], Any]) -> Any:
    """One attempt of a sync client."""
    call = _read(cache, request, call_next)
    if call is None:
        return call_next(without_control(request))
    desk = cache.desk
    control = desk.hear(call.control)
    seen = desk.glance(call.sent, control)
    if isinstance(seen, Found):
        if desk.policy.tally.is_due(FLUSH_AT):
            run(desk.policy.flush(FLUSH_AT), desk.store)
        return _answer(cache, call, seen, is_async=False)
    result = run(desk.decide(call.sent, control, here, first=call.is_first, asked=seen), desk.store)
    if isinstance(result, Found):
        if result.stale:
            renew(desk, call.sent, control, lambda: call_next(call.request).http_response)
        return _answer(cache, call, result, is_async=False)
    if isinstance(result, Outcome):
        return _bypass(call_next(call.request), result)
    fetch = Fetch(desk, result)
    try:
        response = call_next(call.request)
    except BaseException as error:
        fetch.settle(fail(error))
        raise
    attend(fetch, response.http_response)
    return response


async def handle_async(cache: ResponseCache, request: Any, call_next: Callable[[Any], Any]) -> Any:
    """One attempt of an async client."""
    call = _read(cache, request, call_next)
    if call is None:
        return await call_next(without_control(request))
    desk = cache.desk
    control = desk.hear(call.control)
    seen = desk.glance(call.sent, control) if isinstance(desk.store, MemoryStore) else None
    if isinstance(seen, Found):
        return _answer(cache, call, seen, is_async=True)
    steps = desk.decide(call.sent, control, here_async, first=call.is_first, asked=seen)
    result = await arun(steps, desk.store)
    if isinstance(result, Found):
        if result.stale:

            async def send() -> Any:
                return (await call_next(call.request)).http_response

            renew_async(desk, call.sent, control, send)
        return _answer(cache, call, result, is_async=True)
    if isinstance(result, Outcome):
        return _bypass(await call_next(call.request), result)
    fetch = Fetch(desk, result)
    try:
        response = await call_next(call.request)
    except BaseException as error:
        await shielded(fetch.asettle(fail(error)))
        raise
    await attend_async(fetch, response.http_response)
    return response


def _read(cache: ResponseCache, request: Any, call_next: Callable[[Any], Any]) -> Call | None:
    call = read_call(request, call_next, per_credential=cache.per_credential)
    if isinstance(call, str):
        if not request.retries_taken:
            cache.desk.policy.tally.add(f"bypassed.{call}")
        cache.desk.note(Outcome("bypass", Why(call)))
        return None
    return call


def _answer(cache: ResponseCache, call: Call, found: Found, *, is_async: bool) -> Any:
    request, module = call.request, library()
    mark_span(found)
    response = build_response(
        module,
        found,
        stream=call.wants_stream,
        unread=wants_unread(request),
        usage=cache.usage_on_hit,
        pace=cache.pace,
        request=lambda: module.Request("POST", f"{call.sent.sender.base_url.rstrip('/')}{request.url}"),
    )
    return make_api_response(request, response, call.client, is_async=is_async)


def _bypass(response: Any, outcome: Outcome) -> Any:
    mark(response.http_response, outcome)
    return response
