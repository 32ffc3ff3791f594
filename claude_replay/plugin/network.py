"""What keeps a run of pytest from calling Claude by accident."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from claude_replay.intercept.guard import Guard, Mode
from claude_replay.intercept.imports import ImportWatch, Patches
from claude_replay.intercept.outlets import add_guard, remove_guard
from claude_replay.intercept.tls import SharedTls

if TYPE_CHECKING:
    from types import ModuleType

    from claude_replay.plugin.state import State

__all__ = ["start_network"]

_TRANSPORTS = (
    ("HTTPTransport", "handle_request"),
    ("AsyncHTTPTransport", "handle_async_request"),
    ("AiohttpTransport", "handle_async_request"),
)
_LIBRARIES = (
    "httpx",
    "httpx2",
    "httpx_aiohttp.transport",
    "httpx_aiohttp.httpx2.transport",
    "anthropic._vendor.httpx_aiohttp.transport",
)


def start_network(state: State) -> Callable[[], None]:
    """Guard this process until the returned function is called; it costs those who use the network."""
    mode, block, share_tls = _find_wanted(state)
    with ExitStack() as stack:
        if (scopes := _find_scopes()) is not None:
            # The cassette of a test that runs pytest is not for the tests of that run.
            stack.callback(scopes.leave, scopes.enter(None, ambient=True))
        if block != "off":
            guard = state.guard = Guard(state.refuse, mode=block)
            guard.install()
            stack.callback(guard.uninstall)
            add_guard(guard)
            stack.callback(remove_guard, guard)
            _refuse_at_transports(state, stack)
        if mode == "none" and share_tls:
            tls = SharedTls()
            tls.install()
            stack.callback(tls.uninstall)
        return stack.pop_all().close


def _find_wanted(state: State) -> tuple[str, Mode, bool]:
    if state.given.is_empty:
        return "none", "claude", True
    settings = state.given.settings
    # With mode "off" every call is meant to be live.
    return settings.mode, "off" if settings.mode == "off" else settings.block, settings.share_tls


def _refuse_at_transports(state: State, stack: ExitStack) -> None:
    """Refuse what the guard cannot know by its host: Claude behind a gateway."""
    patches = Patches()

    def patch(module: ModuleType) -> None:
        for name, method in _TRANSPORTS:
            if transport := getattr(module, name, None):
                patches.replace(transport, method, functools.partial(_check_first, state))

    watch = ImportWatch(dict.fromkeys(_LIBRARIES, patch))
    watch.start()
    stack.callback(patches.undo)
    stack.callback(watch.stop)


def _check_first(state: State, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def handle(transport: Any, request: Any) -> Any:
        __tracebackhide__ = True
        from claude_replay.api.endpoints import identify, is_loopback

        endpoint = identify(request.method, str(request.url), request.headers)
        # Stand-ins and proxies on this machine are nobody's bill.
        is_free = state.recorders or is_loopback(request.url.host) or _is_covered()
        if endpoint is not None and not is_free:
            raise state.refuse(request.url.host, endpoint)
        return original(transport, request)

    return handle


def _is_covered() -> bool:
    scopes = _find_scopes()
    return scopes is not None and scopes.current_session() is not None


def _find_scopes() -> Any:
    # Where no cassette was ever opened, the core is not even imported.
    return sys.modules.get("claude_replay.intercept.scope")
