"""Which open cassette a request belongs to."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass

from claude_replay.errors import CassetteMiss, LiveCallRefused
from claude_replay.intercept.ambient import current_ambient
from claude_replay.session import Session

__all__ = ["Scope", "current_session", "enter", "leave"]


@dataclass(eq=False, slots=True)
class Scope:
    """
    An open cassette and the one around it; `session` None hides the outer ones.

    `ambient` says that it holds for the whole process.
    """

    session: Session | None
    parent: Scope | None
    ambient: bool
    is_open: bool = True

    def __str__(self) -> str:
        return str(self.session.path) if self.session is not None else "no cassette"

    def is_inside(self, outer: Scope) -> bool:
        """Whether this is `outer` or was opened within it."""
        scope: Scope | None = self
        while scope is not None and scope is not outer:
            scope = scope.parent
        return scope is outer


_current: ContextVar[Scope | None] = ContextVar("claude_replay_scope", default=None)
# Threads begin with an empty context, so what is open in the process is kept beside it, in order of opening.
_open: list[Scope] = []
_lock = threading.Lock()


def enter(session: Session | None, *, ambient: bool = False) -> Scope:
    """
    Make `session` the one that requests belong to, until `leave`.

    `ambient` scopes hold for the whole process, whatever task or thread asks: one test runs at a time. Others
    hold for the task or thread that opened them and what it starts.
    """
    with _lock:
        scope = Scope(session, _find_nearest(_current.get()), ambient)
        _open.append(scope)
    if not ambient:
        # Event loops and pools that outlive a test keep the context they were made in.
        _current.set(scope)
    return scope


def leave(scope: Scope) -> None:
    """End a scope; the one around it holds again."""
    with _lock:
        scope.is_open = False
        if scope in _open:
            _open.remove(scope)
        if _current.get() is scope:
            _current.set(_skip_closed(scope))


def current_session() -> Session | None:
    """
    The session a request made here and now belongs to.

    Raises CassetteMiss where several cassettes are open side by side and this thread knows none of them,
    LiveCallRefused in a task whose own cassette is closed while another one is open.
    """
    with _lock:
        if not _open:
            return None
        own = _current.get()
        scope = _find_innermost() if own is None else _find_nearest(own)
        if scope is None:
            refusal = LiveCallRefused(
                f"claude_replay: a task or thread that was started within {own} has sent a request after "
                f"that cassette was closed, while {_open[-1]} is open.\n"
                "  Wait for it, or cancel it, before its cassette is closed."
            )
            current_ambient().refused(refusal)
            raise refusal
        return scope.session


def _skip_closed(scope: Scope | None) -> Scope | None:
    while scope is not None and not scope.is_open:
        scope = scope.parent
    return scope


def _find_nearest(own: Scope | None) -> Scope | None:
    """The one opened last among those that hold in a context: its own and the ambient ones."""
    mine = _skip_closed(own)
    return next((scope for scope in reversed(_open) if scope.ambient or scope is mine), None)


def _find_innermost() -> Scope:
    """The one to which a thread without context belongs."""
    last = _open[-1]
    if last.ambient or all(last.is_inside(scope) for scope in _open):
        return last
    miss = CassetteMiss(
        f"claude_replay: several cassettes are open at once ({', '.join(map(str, _open))}) and this thread "
        "was started without its context, so it is unclear which of them a request of it belongs to.\n"
        "  Start it with its context: threading.Thread(target=contextvars.copy_context().run, "
        "args=(function,)), or asyncio.to_thread(function).",
        reason="ambiguous_cassette",
    )
    for scope in _open:
        if scope.session is not None:
            scope.session.remember(miss)
    raise miss
