"""
The policy asks for I/O in steps; two small loops carry them out, one for sync code and one for async.

A generator of the policy yields a Step and is sent what came of it, or has the error thrown into it.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from claude_replay.cache.flight import Flight
from claude_replay.cache.stores.base import Store
from claude_replay.errors import CacheError, StoreError

__all__ = ["Ask", "Await", "Pause", "Step", "Work", "arun", "run"]

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Ask:
    """
    Call a method of the store; where it fails, a call that is `tried` gives the StoreError instead of raising it.

    (What debuggers and coverage follow a generator with loses its way where errors are thrown into one.)
    """

    method: str
    args: tuple[object, ...]
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Await:
    """Wait until a flight is over, at most `seconds`."""

    flight: Flight
    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Call a function that takes a while; for async code it may be a coroutine function."""

    function: Callable[..., object]
    args: tuple[object, ...]


Step = Ask | Await | Pause | Work


def run(steps: Generator[Step, Any, _Result], store: Store) -> _Result:
    """Carry out the steps; gives what the generator returns."""
    try:
        step = next(steps)
        while True:
            try:
                result = _do(step, store)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


async def arun(steps: Generator[Step, Any, _Result], store: Store) -> _Result:
    """The same in a task."""
    try:
        step = next(steps)
        while True:
            try:
                result = await _ado(step, store)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _do(step: Step, store: Store) -> Any:
    if isinstance(step, Ask):
        try:
            return getattr(store, step.method)(*step.args)
        except StoreError as error:
            if not step.tried:
                raise
            return error
    if isinstance(step, Await):
        return step.flight.wait(step.seconds)
    if isinstance(step, Work):
        return _work(step)
    return time.sleep(step.seconds)


async def _ado(step: Step, store: Store) -> Any:
    if isinstance(step, Ask):
        try:
            return await getattr(store, f"a{step.method}")(*step.args)
        except StoreError as error:
            if not step.tried:
                raise
            return error
    if isinstance(step, Await):
        return await step.flight.await_(step.seconds)
    import anyio
    import anyio.to_thread

    if isinstance(step, Work):
        if inspect.iscoroutinefunction(step.function):
            return await step.function(*step.args)
        result = await anyio.to_thread.run_sync(step.function, *step.args)
        return await result if inspect.isawaitable(result) else result
    return await anyio.sleep(step.seconds)


def _work(step: Work) -> Any:
    result = step.function(*step.args)
    if inspect.iscoroutine(result):
        result.close()
        name = getattr(step.function, "__name__", "a function of yours")
        raise CacheError(f"{name} is a coroutine function; only async clients can wait for it")
    return result
