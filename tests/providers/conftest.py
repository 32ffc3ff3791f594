"""A machine without credentials, a stand-in and a cassette for each test here."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_replay.cassette import identify_request, load_cassette
from provider_clients import clear_credentials, close_provider_clients
from standin import ClaudeServer


@pytest.fixture(autouse=True)
def _bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    home = tmp_path / "home"
    home.mkdir()
    clear_credentials(monkeypatch, home)
    yield
    close_provider_clients()


@pytest.fixture
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Where the test has its cassette, of which each id is to be that of its request in the end."""
    path = tmp_path / "cassette.yaml"
    yield path
    cassette = load_cassette(path)
    for entry in cassette.entries if cassette is not None else ():
        assert not entry.short_id or entry.find_key() == identify_request(entry.request).key


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """From now on nobody is reached: metadata servers and token services neither; the list says who tried."""
    tried: list[object] = []

    def refuse(*args: Any, **options: Any) -> Any:
        tried.append(args)
        raise OSError("the network is down")

    for owner, name in ((socket, "getaddrinfo"), (socket.socket, "connect"), (socket.socket, "connect_ex")):
        monkeypatch.setattr(owner, name, refuse)
    return tried
