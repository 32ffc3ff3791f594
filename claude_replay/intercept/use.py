"""`use_cassette`: a cassette for a block of code, with or without pytest."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

from claude_replay.errors import SettingsError
from claude_replay.intercept.ambient import current_ambient
from claude_replay.intercept.credentials import place_placeholders, take_back_placeholders
from claude_replay.intercept.keyless import KEYLESS
from claude_replay.intercept.libraries import LIBRARIES
from claude_replay.intercept.ordering import IN_ORDER
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

    Raises SettingsError where `path` is none, and on entry, as CassetteLoadError and CassetteSaveError;
    CassetteSaveError, SecretFound and UnplayedExchanges on exit; a request that is not recorded raises
    CassetteMiss, which is no Exception.
    """

    def __init__(self, path: str | os.PathLike[str], *, mode: str | None = None, **settings: object) -> None:
        if not isinstance(path, (str, os.PathLike)):
            # Most likely the decorated function.
            raise SettingsError(
                f'use_cassette(): a path was expected, not {path!r}: @use_cassette("cassettes/name.yaml")'
            )
        self._path = Path(path)
        self._values = settings if mode is None else {**settings, "mode": mode}
        self._entered: list[tuple[Session, AbstractContextManager[None], Callable[[Session], None]]] = []

    def __enter__(self) -> Handle:
        ambient = current_ambient()
        session = Session(
            path=self._path,
            settings=ambient.resolve(Layer("use_cassette()", self._values)),
            run=ambient.run,
            label=f"use_cassette({str(self._path)!r})",
            command=lambda mode: ambient.command(mode) or f"use_cassette({str(self._path)!r}, mode={mode!r})",
            environ=os.environ,
            spell=lambda setting: f"use_cassette({str(self._path)!r}, {setting})",
            explicit=True,
        )
        session.open()
        opened = open_session(session)
        opened.__enter__()
        self._entered.append((session, opened, ambient.closed))
        return Handle(session)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, opened, closed = self._entered.pop()
        opened.__exit__(None, None, None)
        # A generator that is closed where it stands has not failed.
        passed = error is None or isinstance(error, GeneratorExit)
        try:
            session.close(passed=passed)
            if passed:
                session.raise_swallowed()
        finally:
            closed(session)

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


@contextmanager
def open_session(session: Session) -> Iterator[None]:
    """Let requests reach an open session while the block runs."""
    end = prepare_session(session)
    scope = enter(session)
    try:
        yield
    finally:
        leave(scope)
        end()


def prepare_session(session: Session) -> Callable[[], None]:
    """Whatever an open session needs of its surroundings but the scope, until the returned function is called."""
    TRANSPORTS.install()
    KEYLESS.install()
    SIGNING.install()
    QUICK_RETRIES.install()
    IN_ORDER.install()
    stop_serving = LIBRARIES.serve(session)
    if session.may_send:
        return stop_serving
    place_placeholders()

    def end() -> None:
        take_back_placeholders()
        stop_serving()

    return end
