"""A guard finds its places without importing them, and leaves no trace when it goes."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable

import pytest

from claude_replay.errors import LiveCallRefused
from claude_replay.intercept.guard import Guard, Mode

CLAUDE = "api.anthropic.com"


def list_seams() -> list[object]:
    return [
        *(getattr(socket, name) for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex")),
        *(vars(socket.socket).get(name) for name in ("connect", "connect_ex", "sendto", "sendmsg")),
        *(vars(ssl.SSLContext).get(name) for name in ("wrap_socket", "wrap_bio")),
        *sys.meta_path,
    ]


def test_uninstall_leaves_no_trace() -> None:
    """Everything is the same object as before, however often the guard was installed and uninstalled."""
    before = list_seams()
    guard = Guard(LiveCallRefused)
    for _ in range(2):
        guard.install()
        guard.install()
        assert all(mine is not found for mine, found in zip(list_seams(), before, strict=False))
        guard.uninstall()
        guard.uninstall()
        assert list_seams() == before


def test_inner_guard_does_not_disturb_the_outer(guard: Guard, refusals: list[str]) -> None:
    """The upper of two guards refuses first, allows for itself only, and leaves the lower one in force."""
    outer = list_seams()
    inner_refusals: list[str] = []

    def refuse(host: str) -> BaseException:
        inner_refusals.append(host)
        return LiveCallRefused(host)

    inner = Guard(refuse)
    inner.install()
    with pytest.raises(LiveCallRefused):
        socket.getaddrinfo(CLAUDE, 443)
    assert (inner_refusals, refusals) == ([CLAUDE], [])
    with inner.allow(), pytest.raises(LiveCallRefused):
        socket.getaddrinfo(CLAUDE, 443)
    assert (inner_refusals, refusals) == ([CLAUDE], [CLAUDE])
    inner.uninstall()
    assert list_seams() == outer
    with pytest.raises(LiveCallRefused):
        socket.getaddrinfo(CLAUDE, 443)
    assert refusals == [CLAUDE] * 2


def test_guard_below_another_patch_is_silent_after_uninstall(
    asked: list[str],
    install_guard: Callable[[Mode], Guard],
    refusals: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What somebody has put on top stays, and what lies below it refuses nothing any more."""
    guard = install_guard("claude")
    below = socket.getaddrinfo

    def on_top(host: str, port: int) -> object:
        return below(host, port)

    monkeypatch.setattr(socket, "getaddrinfo", on_top)
    guard.uninstall()
    assert socket.getaddrinfo is on_top
    socket.getaddrinfo(CLAUDE, 443)
    assert asked == [CLAUDE]
    assert refusals == []


def test_pytest_inside_pytest_keeps_its_own_guard(
    pytester: pytest.Pytester, guard: Guard, refusals: list[str]
) -> None:
    """A run in the same process that installs a guard and takes it away leaves this one as it was."""
    pytester.makeconftest(
        """
        from claude_replay.intercept.guard import Guard

        def pytest_configure(config):
            refused = []
            config.guard = Guard(lambda host: KeyboardInterrupt(refused.append(host)))
            config.guard.refused = refused
            config.guard.install()

        def pytest_unconfigure(config):
            config.guard.uninstall()
        """
    )
    pytester.makepyfile(
        """
        import socket
        import pytest

        def test_refused(pytestconfig):
            with pytest.raises(KeyboardInterrupt):
                socket.create_connection(("api.anthropic.com", 443))
            assert pytestconfig.guard.refused == ["api.anthropic.com"]
        """
    )
    before = list_seams()
    # Without our plugin, whose own guard would fail the test for the call it swallows.
    run = pytester.runpytest_inprocess("-p", "no:claude_replay", "-p", "no:asyncio")
    run.assert_outcomes(passed=1)
    assert list_seams() == before
    assert refusals == []
    with pytest.raises(LiveCallRefused):
        socket.create_connection((CLAUDE, 443))


def run_python(code: str) -> str:
    """What a fresh interpreter prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert result.stderr == ""
    return result.stdout.strip()


def test_installing_imports_nothing_heavy() -> None:
    """Test runs that open no connection do not pay for `ssl`, `asyncio`, `socket` or the rules of the API."""
    code = """
import sys
before = set(sys.modules)
from claude_replay.intercept.guard import Guard
Guard(ValueError).install()
heavy = {"ssl", "asyncio", "socket", "httpx", "httpx2", "claude_replay.api"}
print(sorted(heavy & set(sys.modules) - before))
"""
    assert run_python(code) == "[]"


def test_modules_imported_later_are_guarded() -> None:
    """The guard finds `socket` and `ssl` when the application imports them."""
    code = f"""
import sys
from claude_replay.intercept.guard import Guard
refused = []
Guard(lambda host: KeyboardInterrupt(refused.append(host))).install()
import ssl, socket
try:
    ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="{CLAUDE}")
except KeyboardInterrupt:
    pass
try:
    socket.create_connection(("{CLAUDE}", 443))
except KeyboardInterrupt:
    pass
print(refused)
"""
    assert run_python(code) == f"['{CLAUDE}', '{CLAUDE}']"
