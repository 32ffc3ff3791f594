"""The network guard of a pytest run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from claude_replay.intercept.guard import Guard, Mode
from claude_replay.intercept.imports import ImportWatch
from claude_replay.intercept.outlets import add_guard, remove_guard
from claude_replay.intercept.tls import SharedTls

if TYPE_CHECKING:
    from claude_replay.api import Endpoint
    from claude_replay.errors import LiveCallRefused
    from claude_replay.plugin.state import State

__all__ = ["explain_refusal", "start_network"]


@contextmanager
def start_network(state: State) -> Iterator[None]:
    """Guard this process until the block ends; nothing heavy is imported before somebody uses the network."""
    mode, block, share_tls = _wanted(state)
    guard = Guard(state.refuse, mode=block)
    watch = ImportWatch(dict.fromkeys(("httpx", "httpx2"), lambda module: _see_requests()))
    tls = SharedTls()
    refuse = _make_refuser(state, block)

    def _see_requests() -> None:
        from claude_replay.intercept.transports import TRANSPORTS

        TRANSPORTS.install()
        if refuse not in TRANSPORTS.refusers:
            TRANSPORTS.refusers.append(refuse)

    guard.install()
    add_guard(guard)
    if block != "off":
        watch.start()
    if mode == "none" and share_tls:
        tls.install()
    try:
        yield
    finally:
        tls.uninstall()
        watch.stop()
        remove_guard(guard)
        guard.uninstall()
        _forget(refuse)


def _wanted(state: State) -> tuple[str, Mode, bool]:
    if state._base is None:
        return "none", "claude", True
    settings = state.base_settings()
    # With mode "off" every call is meant to be live.
    block = "off" if settings.mode == "off" else settings.block
    return settings.mode, cast("Mode", block), settings.share_tls


def _make_refuser(state: State, block: Mode) -> Any:
    def refuse(host: str, endpoint: Endpoint) -> None:
        __tracebackhide__ = True
        from claude_replay.api import is_loopback

        # Stand-ins and proxies on this machine are nobody's bill.
        if block != "off" and not is_loopback(host):
            raise state.refuse(host, endpoint)

    return refuse


def _forget(refuse: Any) -> None:
    import sys

    module = sys.modules.get("claude_replay.intercept.transports")
    if module is not None and refuse in module.TRANSPORTS.refusers:
        module.TRANSPORTS.refusers.remove(refuse)


def explain_refusal(host: str, endpoint: Endpoint | None) -> LiveCallRefused:
    """The error for a request to `host` that no cassette and no record mode covers."""
    from claude_replay.errors import LiveCallRefused

    what = f"{endpoint.operation} at {host}" if endpoint is not None else host
    return LiveCallRefused(
        "claude_replay: a request to Claude was stopped: no cassette covers it\n"
        f"  asked     {what}\n"
        "  why       this test is not marked, or a fixture that outlives the test sent it, or the library it uses "
        "is not one that cassettes can see\n"
        "  mark it: @pytest.mark.claude_replay, then record: pytest --claude-record=once\n"
        "  in fixtures of wider scope: with claude_replay.use_cassette(PATH): …\n"
        "  to really call Claude and record nothing: pytest --claude-record=off"
    )
