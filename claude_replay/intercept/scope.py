"""Which open cassette a request belongs to."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass, field

from claude_replay.errors import LiveCallRefused
from claude_replay.session import Session

__all__ = ["Scope", "current_session", "enter", "leave"]


@dataclass(eq=False, slots=True)
class Scope:
    """An open cassette and the one it was opened in; `session` None hides the outer ones."""

    session: Session | None
    parent: Scope | None
    open: bool = True
    ambient: bool = field(default=False)


_current: ContextVar[Scope | None] = ContextVar("claude_replay_scope", default=None)
# Threads begin with an empty context, so what is open in the process is kept beside it.
_open: list[Scope] = []
_lock = threading.Lock()


def enter(session: Session | None, *, ambient: bool = False) -> Scope:
    """
    Make `session` the one that requests belong to, until `leave`.

    `ambient` scopes hold for the whole process, whatever task or thread asks: one test runs at a time. Others hold
    for the task or thread that opened them and what it starts.
    """
    with _lock:
        parent = _lookup()
        scope = Scope(session, parent, ambient=ambient)
        _open.append(scope)
    if not ambient:
        _current.set(scope)
    return scope


def leave(scope: Scope) -> None:
    """End a scope; the one around it holds again."""
    with _lock:
        scope.open = False
        if scope in _open:
            _open.remove(scope)
        if _current.get() is scope:
            _current.set(_first_open(scope.parent))


def current_session() -> Session | None:
    """
    The session a request made here and now belongs to.

    Raises LiveCallRefused where two cassettes are open side by side and this thread knows neither.
    """
    if not _open:
        return None
    with _lock:
        scope = _lookup()
    return scope.session if scope is not None else None


def _lookup() -> Scope | None:
    mine = _first_open(_current.get())
    if not _open:
        return None
    last = _open[-1]
    if mine is not None:
        # A scope for the whole process that was opened inside mine is nearer.
        return last if last.ambient and _is_inside(last, mine) else mine
    siblings = [scope for scope in _open if not _is_inside(last, scope)]
    if siblings and not last.ambient:
        names = ", ".join(str(scope.session.path) for scope in (*siblings, last) if scope.session)
        raise LiveCallRefused(
            f"claude_replay: several cassettes are open at once ({names}) and this thread was started without "
            "its context, so it is unclear which one a request of it belongs to.\n"
            "  Start it with its context: threading.Thread(target=contextvars.copy_context().run, args=(function,)), "
            "or asyncio.to_thread(function)."
        )
    return last


def _first_open(scope: Scope | None) -> Scope | None:
    while scope is not None and not scope.open:
        scope = scope.parent
    return scope


def _is_inside(inner: Scope, outer: Scope) -> bool:
    scope: Scope | None = inner
    while scope is not None:
        if scope is outer:
            return True
        scope = scope.parent
    return False
