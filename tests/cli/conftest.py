"""A stand-in server, a client and a folder of one's own for the tests of the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from anthropic import Anthropic

from claude_replay.cli import main
from claude_replay.intercept.ambient import Ambient, pop_ambient, push_ambient
from standin import ClaudeServer
from standin.clients import KEY


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test works in an empty folder, without settings or credentials, apart from the run around it."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "CLAUDE_REPLAY_")) or name in ("CI", "NO_COLOR"):
            monkeypatch.delenv(name)
    ambient = Ambient()
    push_ambient(ambient)
    yield
    pop_ambient(ambient)


@pytest.fixture
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as server:
        yield server


@pytest.fixture
def client(server: ClaudeServer) -> Iterator[Anthropic]:
    with Anthropic(base_url=server.url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line within this process: exit code, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def program() -> str:
    """The installed console command."""
    return str(Path(sys.executable).with_name("claude-replay"))
