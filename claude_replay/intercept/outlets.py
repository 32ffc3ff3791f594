"""The doors that a wanted live call has to pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from claude_replay.intercept.guard import Guard

__all__ = ["add_guard", "is_sending", "remove_guard", "sending"]

_guards: list[Guard] = []
_sending: ContextVar[bool] = ContextVar("claude_replay_sending", default=False)


def add_guard(guard: Guard) -> None:
    """Make a guard let wanted live calls through."""
    _guards.append(guard)


def remove_guard(guard: Guard) -> None:
    """Forget a guard that was uninstalled."""
    with suppress(ValueError):
        _guards.remove(guard)


@contextmanager
def sending(url: str) -> Iterator[None]:
    """Let the connections of one wanted live call to `url` through all guards."""
    host = urlsplit(url).hostname or ""
    token = _sending.set(True)
    try:
        with ExitStack() as stack:
            for guard in _guards:
                stack.enter_context(guard.allow(host))
            yield
    finally:
        _sending.reset(token)


def is_sending() -> bool:
    """Whether this code runs below a live call that is recorded further up already."""
    return _sending.get()
