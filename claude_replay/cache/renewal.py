"""Fetching a stale answer anew, behind the back of the call that was given the old one."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from claude_replay.errors import ReplayFailure

__all__ = ["in_task", "in_thread"]

_log = logging.getLogger("claude_replay.cache")
# An event loop holds its tasks weakly.
_tasks: set[asyncio.Task[None]] = set()


def in_thread(work: Callable[[], None]) -> None:
    """Run in a thread of its own, in the caller's context; what it raises is only logged."""

    def run() -> None:
        try:
            work()
        except (Exception, ReplayFailure) as error:
            _explain(error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="claude_replay-renewal", daemon=True).start()


def in_task(work: Callable[[], Awaitable[None]]) -> None:
    """Run as a task of the running event loop, asyncio's or trio's."""

    async def run() -> None:
        try:
            await work()
        except (Exception, ReplayFailure) as error:
            _explain(error)

    trio: Any = sys.modules.get("trio")
    if trio is not None and _in_trio(trio):
        trio.lowlevel.spawn_system_task(run, context=contextvars.copy_context())
        return
    coroutine: Coroutine[Any, Any, None] = run()
    task = asyncio.get_running_loop().create_task(coroutine)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _in_trio(trio: Any) -> bool:
    try:
        trio.lowlevel.current_trio_token()
    except RuntimeError:
        return False
    return True


def _explain(error: BaseException) -> None:
    _log.warning(
        "claude_replay: response cache: a stale answer could not be fetched anew (%s: %s); it is given until "
        "its time is over for good",
        type(error).__name__,
        error,
    )
