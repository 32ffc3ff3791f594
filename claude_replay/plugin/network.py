"""What keeps a run of pytest from calling Claude by accident."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from claude_replay.intercept.guard import Guard, Mode
from claude_replay.intercept.outlets import add_guard, remove_guard
from claude_replay.intercept.tls import SharedTls
from claude_replay.plugin.seams import find_scopes, refuse_at_seams

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["start_network"]


def start_network(state: State) -> Callable[[], None]:
    """Guard this process until the returned function is called; it costs those who use the network."""
    mode, block, share_tls = _find_wanted(state)
    with ExitStack() as stack:
        if (scopes := find_scopes()) is not None:
            # The cassette of a test that runs pytest is not for the tests of that run.
            stack.callback(scopes.leave, scopes.enter(None, ambient=True))
        if block != "off":
            guard = state.guard = Guard(state.refuse, mode=block)
            guard.install()
            stack.callback(guard.uninstall)
            add_guard(guard)
            stack.callback(remove_guard, guard)
            stack.callback(refuse_at_seams(state))
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
