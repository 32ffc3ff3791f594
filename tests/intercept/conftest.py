"""Guards and a loopback server for the tests of this folder."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from claude_replay.errors import LiveCallRefused
from claude_replay.intercept.guard import Guard, Mode


@pytest.fixture
def refusals() -> list[str]:
    """The hosts that guards have refused, in order."""
    return []


@pytest.fixture
def install_guard(refusals: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Mode], Guard]]:
    """Installs a guard on top of whatever the test has patched so far, until its end."""
    guards: list[Guard] = []

    def refuse(host: str) -> BaseException:
        refusals.append(host)
        return LiveCallRefused(f"refused: {host}")

    def install(mode: Mode) -> Guard:
        guard = Guard(refuse, mode=mode)
        guard.install()
        guards.append(guard)
        return guard

    yield install
    while guards:
        guards.pop().uninstall()


@pytest.fixture
def guard(install_guard: Callable[[Mode], Guard]) -> Guard:
    """A guard as users have it by default."""
    return install_guard("claude")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every name now stands for this machine; the list holds those that were looked up."""
    names: list[str] = []
    getaddrinfo = socket.getaddrinfo

    def look_up(host: str, *args: Any, **options: Any) -> Any:
        names.append(host)
        return getaddrinfo("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies of the machine that runs the tests play no part."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


class Pong(BaseHTTPRequestHandler):
    """Answers GET with "pong" and CONNECT as a proxy that has connected."""

    connects: list[str]

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"pong")

    def do_CONNECT(self) -> None:
        self.connects.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.rfile.read(1)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (Pong,), {"connects": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def url(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"
