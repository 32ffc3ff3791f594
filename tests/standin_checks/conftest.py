"""A server, and clients of it, for the checks of the stand-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from standin import ClaudeServer
from standin.clients import AsyncClient, Client, SyncClient


@pytest.fixture
def server() -> Iterator[ClaudeServer]:
    """A running server."""
    with ClaudeServer() as server:
        yield server


@pytest.fixture(params=[SyncClient, AsyncClient])
def client(request: pytest.FixtureRequest, server: ClaudeServer) -> Client:
    """A client of the server, once sync and once async."""
    made: Client = request.param(server.url)
    return made
