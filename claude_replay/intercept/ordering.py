"""
Calls that an application makes at once are sent in the order in which it makes them.

Before its first request an asynchronous client of the SDK has a thread find out on which system it runs
(`AsyncAPIClient.request`, anthropic 0.49 to 2.12), and each of many tasks that begin together has one of its own:
whichever is done first sends first, and two recordings of the same calls are two files. The one place that hands
this to a thread is `_base_client.asyncify`; where a version has no such name, the order is left to chance.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from types import ModuleType
from typing import Any

from claude_replay.intercept.imports import LastingPatches, Patches
from claude_replay.intercept.scope import current_session

__all__ = ["IN_ORDER"]

_Asyncify = Callable[[Callable[..., Any]], Callable[..., Awaitable[Any]]]
_LOOKS_FOR_PLATFORM = "get_platform"


def _patch(library: ModuleType, patches: Patches) -> None:
    patches.replace(getattr(library, "_base_client", None), "asyncify", _stay_in_line)


def _stay_in_line(asyncify: _Asyncify) -> _Asyncify:
    @wraps(asyncify)
    def asyncify_in_order(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        in_thread = asyncify(function)
        if getattr(function, "__name__", "") != _LOOKS_FOR_PLATFORM:
            return in_thread

        @wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            # It remembers what it has found.
            return (
                await in_thread(*args, **kwargs) if current_session() is None else function(*args, **kwargs)
            )

        return call

    return asyncify_in_order


IN_ORDER = LastingPatches({"anthropic": _patch})
"""Lets calls that are made at once reach a cassette in the order in which they are made."""
