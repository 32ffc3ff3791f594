"""What keeps a run of pytest from calling Claude by accident."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from claude_replay.intercept.guard import Guard, Mode
from claude_replay.intercept.imports import ImportWatch

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Protocol

    from claude_replay.plugin.state import State

    class _Patcher(Protocol):
        def patch(self, module: ModuleType) -> None: ...

        def uninstall(self) -> None: ...


__all__ = ["KEY_SEAMS", "SEAMS", "TLS_SEAMS", "Network", "find_scopes"]

# Copies of `seams.WATCHED`, `tls.WATCHED` and `keys.WATCHED`, which are not even imported until one of these is.
SEAMS = (
    "httpx",
    "httpx2",
    "httpx_aiohttp.transport",
    "httpx_aiohttp.httpx2.transport",
    "anthropic._vendor.httpx_aiohttp.transport",
    "http.client",
    "urllib3.connectionpool",
    "httplib2",
    "aiohttp.client",
    "tornado.simple_httpclient",
    "tornado.curl_httpclient",
)
TLS_SEAMS = (
    "httpx._transports.default",
    "httpx2._transports.default",
    "httpx_aiohttp.client",
    "httpx_aiohttp.httpx2.client",
    "anthropic._vendor.httpx_aiohttp.client",
)
KEY_SEAMS = ("anthropic",)
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
                stack.callback(_Lazy(SEAMS, partial(_make_seams, state)).start())
                stack.callback(_Lazy(KEY_SEAMS, _make_hints).start())
            if mode == "none" and share_tls:
                stack.callback(_Lazy(TLS_SEAMS, _make_tls).start())
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


def _make_seams(state: State) -> _Patcher:
    from claude_replay.plugin.seams import Seams

    return Seams(state)


def _make_hints() -> _Patcher:
    from claude_replay.plugin.keys import KeyHints

    return KeyHints()


def _make_tls() -> _Patcher:
    from claude_replay.intercept.tls import SharedTls

    return SharedTls()


class _Lazy:
    """Makes a patcher when the first of its modules is imported; most runs of pytest import none."""

    def __init__(self, modules: Iterable[str], make: Callable[[], _Patcher]) -> None:
        self._make = make
        self._made: _Patcher | None = None
        self._lock = threading.Lock()
        self._watch = ImportWatch(dict.fromkeys(modules, self._patch))

    def start(self) -> Callable[[], None]:
        """From now on, until the returned function is called."""
        self._watch.start()
        return self._stop

    def _patch(self, module: ModuleType) -> None:
        # Only this one: others may be half imported, by this thread or by one that waits for it.
        with self._lock:
            self._made = self._made or self._make()
        self._made.patch(module)

    def _stop(self) -> None:
        self._watch.stop()
        if self._made is not None:
            self._made.uninstall()
