"""What keeps a run of pytest from calling Claude by accident."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from claude_replay.intercept.guard import Guard, Mode
from claude_replay.intercept.imports import ImportWatch

if TYPE_CHECKING:
    from types import ModuleType

    from claude_replay.plugin.state import State

__all__ = ["LIBRARIES", "Network", "find_scopes"]

LIBRARIES = (
    "httpx",
    "httpx2",
    "httpx_aiohttp",
    "http.client",
    "urllib3",
    "httplib2",
    "aiohttp",
    "tornado",
    "anthropic",
)
"""The packages that hold all modules which `plugin.seams` and `intercept.tls` change."""
_OUTLETS = "claude_replay.intercept.outlets"


class Network:
    """Guards this process from `start` to `stop`; it costs those who use the network."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._stop: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin, or begin anew: with other settings, and on top of what was patched meanwhile."""
        self.stop()
        self._stop = self._begin(*_find_wanted(self._state))

    def stop(self) -> None:
        """Put back what was there."""
        stop, self._stop = self._stop, lambda: None
        stop()

    def _begin(self, mode: str, block: Mode, share_tls: bool) -> Callable[[], None]:
        state = self._state
        with ExitStack() as stack:
            if (scopes := find_scopes()) is not None:
                # The cassette of a test that runs pytest is not for the tests of that run.
                stack.callback(scopes.leave, scopes.enter(None, ambient=True))
            if block != "off":
                guard = state.guard = Guard(state.refuse, mode=block)
                guard.install()
                stack.callback(guard.uninstall)
                stack.callback(_let_live_calls_through(guard))
                stack.callback(_WithLibraries(partial(_make_seams, state)).start())
            if mode == "none" and share_tls:
                stack.callback(_WithLibraries(_make_tls).start())
            return stack.pop_all().close


def _find_wanted(state: State) -> tuple[str, Mode, bool]:
    if state.given.is_empty:
        return "none", "claude", True
    settings = state.given.settings
    # With mode "off" every call is meant to be live.
    return settings.mode, "off" if settings.mode == "off" else settings.block, settings.share_tls


def find_scopes() -> Any:
    """The module that knows the open cassettes; None where none was ever opened."""
    # The core is not even imported then.
    return sys.modules.get("claude_replay.intercept.scope")


def _let_live_calls_through(guard: Guard) -> Callable[[], None]:
    """Tell what sends wanted live calls of this guard, once that is imported."""

    def add(module: ModuleType) -> None:
        outlets: Any = module
        outlets.remove_guard(guard)
        outlets.add_guard(guard)

    watch = ImportWatch({_OUTLETS: add})
    watch.start()

    def stop() -> None:
        watch.stop()
        if (outlets := sys.modules.get(_OUTLETS)) is not None:
            outlets.remove_guard(guard)

    return stop


def _make_seams(state: State) -> _Late:
    from claude_replay.plugin.seams import Seams

    return Seams(state)


def _make_tls() -> _Late:
    from claude_replay.intercept.tls import SharedTls

    return SharedTls()


class _Late(Protocol):
    """What changes modules of HTTP libraries."""

    def install(self) -> None: ...

    def look(self) -> None: ...

    def uninstall(self) -> None: ...


class _WithLibraries:
    """Makes and installs something with the first HTTP library that is imported; most runs of pytest import none."""

    def __init__(self, make: Callable[[], _Late]) -> None:
        self._make = make
        self._made: _Late | None = None
        self._lock = threading.Lock()
        self._watch = ImportWatch(dict.fromkeys(LIBRARIES, self._announce))

    def start(self) -> Callable[[], None]:
        """From now on, until the returned function is called."""
        self._watch.start()
        return self._stop

    def _announce(self, module: ModuleType) -> None:
        with self._lock:
            made, is_first = self._made or self._make(), self._made is None
            self._made = made
        # Not under the lock: both may wait for another thread's import, which comes here as well.
        if is_first:
            made.install()
        else:
            # Some import one of the others before they are ready themselves.
            made.look()

    def _stop(self) -> None:
        self._watch.stop()
        if self._made is not None:
            self._made.uninstall()
