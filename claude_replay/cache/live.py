"""Live calls whose answers are to be kept: the same for every seat."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

from claude_replay.cache.desk import Fetch
from claude_replay.cache.keeping import Received
from claude_replay.cache.listening import listen, read_headers, shielded
from claude_replay.cache.reply import Outcome, mark

__all__ = ["attend", "attend_async", "fail", "shielded"]


def fail(error: BaseException) -> str:
    """Why a call that raised brought no answer, as one word."""
    return f"failed_{type(error).__name__}"


def attend(fetch: Fetch, response: Any, library: ModuleType) -> None:
    """Keep the answer of a response of httpx or httpx2, now or as soon as it has been read."""
    received = _receive(fetch, response)
    if received is None:
        listen(response, library, fetch, fetch.ticket.started)
    else:
        fetch.settle(received)


async def attend_async(fetch: Fetch, response: Any, library: ModuleType) -> None:
    """The same in a task."""
    received = _receive(fetch, response)
    if received is None:
        listen(response, library, fetch, fetch.ticket.started)
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
