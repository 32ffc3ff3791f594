"""Guards, loopback servers and a cassette for the tests of this folder."""

from __future__ import annotations

import inspect
import os
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from anthropic import DefaultAioHttpClient

from claude_replay.errors import LiveCallRefused
from claude_replay.intercept.ambient import Ambient, pop_ambient, push_ambient
from claude_replay.intercept.guard import Guard, Mode
from standin import ClaudeServer

TRANSPORTS = ("HTTPTransport", "AsyncHTTPTransport")
METHODS = {"__init__", "handle_request", "handle_async_request", "_init_transport"}


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
def bare_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """The httpx family as it is without this package, whose plugin is active in these test runs too."""
    built = [getattr(library, name) for library in (httpx, httpx2) for name in TRANSPORTS]
    for owner in {
        owner for kind in (*built, DefaultAioHttpClient) for owner in kind.__mro__ if owner is not object
    }:
        for name in METHODS & vars(owner).keys():
            monkeypatch.setattr(owner, name, inspect.unwrap(vars(owner)[name]))


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


@pytest.fixture
def claude(no_proxies: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClaudeServer]:
    """A stand-in for Claude's API, and nothing in the environment that forbids recording from it."""
    for name in [name for name in os.environ if name == "CI" or name.startswith("CLAUDE_REPLAY_")]:
        monkeypatch.delenv(name)
    with ClaudeServer() as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test has its cassette."""
    return tmp_path / "cassette.yaml"


@pytest.fixture
def notes() -> Iterator[list[str]]:
    """What the cassettes that were closed say to people."""
    found: list[str] = []
    ambient = Ambient(closed=lambda session: found.extend(session.tally.notes))
    push_ambient(ambient)
    yield found
    pop_ambient(ambient)
