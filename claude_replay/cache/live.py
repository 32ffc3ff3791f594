"""Live calls whose answers are to be kept: the same for every seat."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from claude_replay.cache.cassettes import state_of_cassettes
from claude_replay.cache.control import Control
from claude_replay.cache.desk import Desk, Fetch
from claude_replay.cache.flight import Place, here, here_async
from claude_replay.cache.keeping import Received
from claude_replay.cache.keys import Bypass, Sent
from claude_replay.cache.listening import listen, read_headers, shielded
from claude_replay.cache.policy import Steps, Ticket
from claude_replay.cache.renewal import in_task, in_thread
from claude_replay.cache.reply import Outcome, mark
from claude_replay.cache.sdk import library_of
from claude_replay.cache.steps import arun, run

__all__ = ["attend", "attend_async", "fail", "renew", "renew_async", "shielded"]


def fail(error: BaseException) -> str:
    """Why a call that raised brought no answer, as one word."""
    return f"failed_{type(error).__name__}"


def attend(fetch: Fetch, response: Any) -> None:
    """Keep the answer of a response of httpx or httpx2, now or as soon as it has been read."""
    received = _receive(fetch, response)
    if received is None:
        listen(response, library_of(response, "Response"), fetch, fetch.ticket.started)
    else:
        fetch.settle(received)


async def attend_async(fetch: Fetch, response: Any) -> None:
    """The same in a task."""
    received = _receive(fetch, response)
    if received is None:
        listen(response, library_of(response, "Response"), fetch, fetch.ticket.started)
    else:
        await fetch.asettle(received)


def _receive(fetch: Fetch, response: Any) -> Received | str | None:
    """What there is to keep already; None where the body is still to be read."""
    mark(response, Outcome("miss", fetch.ticket.why))
    if response.status_code != 200:
        # The SDK may wait before it tries again, and others need not wait for that.
        return f"status_{response.status_code}"
    if not fetch.ticket.keeps:
        return "mode"
    if not response.is_stream_consumed:
        return None
    headers = read_headers(response.headers)
    # httpx has unpacked it.
    headers.pop("content-encoding", None)
    seconds = time.monotonic() - fetch.ticket.started
    return Received(response.status_code, headers, response.content, "complete", seconds)


def renew(desk: Desk, sent: Sent, control: Control, send: Callable[[], Any]) -> None:
    """Fetch a stale answer anew in a thread, unless somebody does already; `send` makes one attempt."""

    def work() -> None:
        ticket = run(_take_ticket(desk, sent, control, here()), desk.store)
        if ticket is None:
            return
        fetch = Fetch(desk, ticket)
        try:
            response = send()
            attend(fetch, response)
            response.read()
            response.close()
        except BaseException as error:
            fetch.settle(fail(error))
            raise

    if state_of_cassettes() == "none":
        in_thread(work)


def renew_async(desk: Desk, sent: Sent, control: Control, send: Callable[[], Awaitable[Any]]) -> None:
    """The same in a task."""

    async def work() -> None:
        ticket = await arun(_take_ticket(desk, sent, control, here_async()), desk.store)
        if ticket is None:
            return
        fetch = Fetch(desk, ticket)
        try:
            response = await send()
            await attend_async(fetch, response)
            await response.aread()
            await response.aclose()
        except BaseException as error:
            await shielded(fetch.asettle(fail(error)))
            raise

    if state_of_cassettes() == "none":
        in_task(work)


def _take_ticket(desk: Desk, sent: Sent, control: Control, place: Place) -> Steps[Ticket | None]:
    question = yield from desk.ask(sent, control)
    if isinstance(question, Bypass):
        return None
    return (yield from desk.policy.renew(sent, question, control, place))
