"""A stand-in server and a cassette for each test here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_replay.intercept.ambient import Ambient, pop_ambient, push_ambient
from claude_replay.session import Tally
from recordings import Studio, close_clients
from standin import ClaudeServer


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a key, a proxy, or settings of this package."""
    for name in list(os.environ):
        if (
            name == "CI"
            or name.lower().endswith("_proxy")
            or name.startswith(("ANTHROPIC_", "CLAUDE_REPLAY_"))
        ):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as server:
        yield server
        close_clients()


@pytest.fixture
def studio(server: ClaudeServer, tmp_path: Path) -> Iterator[Studio]:
    """Accounts of cassettes used here do not get into the summary of this run of pytest."""
    tallies: list[Tally] = []
    ambient = Ambient(closed=lambda session: tallies.append(session.tally))
    push_ambient(ambient)
    yield Studio(server, tmp_path / "cassettes" / "chat.yaml", tallies, ambient)
    pop_ambient(ambient)
