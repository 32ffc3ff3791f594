"""`use_cassette`: a cassette for a block of code, with or without pytest."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from contextlib import ExitStack, aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

from claude_replay.intercept.ambient import current_ambient
from claude_replay.intercept.credentials import placeholder_key
from claude_replay.intercept.keyless import KEYLESS
from claude_replay.intercept.libraries import LIBRARIES
from claude_replay.intercept.retries import QUICK_RETRIES
from claude_replay.intercept.scope import enter, leave
from claude_replay.intercept.signing import SIGNING
from claude_replay.intercept.transports import TRANSPORTS
from claude_replay.session import Handle, Session
from claude_replay.settings import Layer

__all__ = ["prepare_session", "use_cassette"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class use_cassette:  # A function to its users; a class because it is a decorator as well.
    """
    Record into, or replay from, the cassette at `path` while the block runs.

    Works as `with`, `async with`, and as a decorator of functions, coroutine functions and generators. `path`
    is relative to the current folder. `mode` and further keywords are settings as in the marker; environment
    variables and, under pytest, the command line override them. `with … as handle` gives what was sent and
    played.

    Raises SettingsError, CassetteLoadError and CassetteSaveError on entry; CassetteSaveError, SecretFound and
    UnplayedExchanges on exit; a request that is not recorded raises CassetteMiss, which is no Exception.
    """

    def __init__(self, path: str | os.PathLike[str], *, mode: str | None = None, **settings: object) -> None:
        self._path = Path(path)
        self._values = settings if mode is None else {**settings, "mode": mode}
        self._entered: list[tuple[Session, ExitStack]] = []

    def __enter__(self) -> Handle:
        ambient = current_ambient()
        session = Session(
            path=self._path,
            settings=ambient.resolve(Layer("use_cassette()", self._values)),
            run=ambient.run,
            label=f"use_cassette({str(self._path)!r})",
            command=lambda mode: f"use_cassette({str(self._path)!r}, mode={mode!r})",
            environ=os.environ,
            spell=lambda setting: f"use_cassette({str(self._path)!r}, {setting})",
            explicit=True,
        )
        session.open()
        self._entered.append((session, open_session(session)))
        return Handle(session)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, stack = self._entered.pop()
        stack.close()
        # A generator that is closed where it stands has not failed.
        passed = error is None or isinstance(error, GeneratorExit)
        try:
            session.close(passed=passed)
            if passed:
                session.raise_swallowed()
        finally:
            current_ambient().closed(session)

    async def __aenter__(self) -> Handle:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _again(self) -> use_cassette:
        # Each call of a decorated function opens the cassette anew, also when calls overlap.
        copy = use_cassette(self._path)
        copy._values = self._values
        return copy

    def __call__(self, function: _Function) -> _Function:
        if inspect.isasyncgenfunction(function):
            wrapper: Callable[..., Any] = self._wrap_async_generator(function)
        elif inspect.iscoroutinefunction(function):
            wrapper = self._wrap_coroutine(function)
        elif inspect.isgeneratorfunction(function):
            wrapper = self._wrap_generator(function)
        else:
            wrapper = self._wrap_function(function)
        return cast(_Function, functools.wraps(function)(wrapper))

    def _wrap_function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return call

    def _wrap_coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return await function(*args, **kwargs)

        return call

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return (yield from function(*args, **kwargs))

        return call

    def _wrap_async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                async with aclosing(function(*args, **kwargs)) as inner:
                    step = inner.__anext__()
                    while True:
                        try:
                            item = await step
                        except StopAsyncIteration:
                            return
                        # What `yield from` does for plain generators.
                        try:
                            sent = yield item
                        except GeneratorExit:
                            raise
                        except BaseException as error:
                            step = inner.athrow(error)
                        else:
                            step = inner.asend(sent)

        return call


def open_session(session: Session) -> ExitStack:
    """Let requests reach an open session until the returned stack is closed."""
    with prepare_session(session) as stack:
        scope = enter(session)
        stack.callback(leave, scope)
        return stack.pop_all()


def prepare_session(session: Session) -> ExitStack:
    """Whatever an open session needs of its surroundings but the scope, until the returned stack is closed."""
    TRANSPORTS.install()
    KEYLESS.install()
    SIGNING.install()
    QUICK_RETRIES.install()
    with ExitStack() as stack:
        if not session.may_send:
            stack.enter_context(placeholder_key())
        stack.enter_context(LIBRARIES.serve(session))
        return stack.pop_all()
