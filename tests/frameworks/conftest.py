"""
Frameworks that call Claude, each recorded from the stand-in and replayed without a key, as their users would.

They live in the dependency group `frameworks`; what frameworks warn of among themselves is their affair:
`uv run --group frameworks pytest -W ignore tests/frameworks`. `.ci/run` shows that none is missing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from claude_replay import Handle, use_cassette
from standin import ClaudeServer

_NEEDED = {
    "test_instructor.py": "instructor",
    "test_langchain.py": "langchain_anthropic",
    "test_litellm.py": "litellm",
    "test_llm.py": "llm_anthropic",
    "test_openinference.py": "openinference",
    "test_pydantic_ai.py": "pydantic_ai",
}
# Whoever has not asked for the group has none of its tests either.
collect_ignore = [test for test, module in _NEEDED.items() if find_spec(module) is None]
if not version("anthropic").startswith("0."):
    # llm-anthropic 0.26 sends a `temperature`, which anthropic no longer takes since 1.0.
    collect_ignore.append("test_llm.py")
KEY = "sk-ant-" + "api03-" + "x" * 24


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if (
            name == "CI"
            or name.lower().endswith("_proxy")
            or name.startswith(("ANTHROPIC_", "CLAUDE_REPLAY_"))
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as server:
        yield server


@pytest.fixture
def round_trip(
    server: ClaudeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], Any]], Handle]:
    """
    Runs what asks Claude twice: recording, with a key, then replaying without one and with nobody there.

    Both have to give the same; the handle is that of the replay.
    """
    path = tmp_path / "cassette.yaml"

    def run(ask: Callable[[], Any]) -> Handle:
        # As users would: by the variables that the frameworks, or the SDK below them, read.
        for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL", "ANTHROPIC_API_BASE"):
            monkeypatch.setenv(name, server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        with use_cassette(path, mode="once"):
            recorded = ask()
        assert server.count > 0
        assert KEY not in path.read_text(encoding="utf-8")
        server.close()
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        with use_cassette(path) as handle:
            assert ask() == recorded
        assert handle.played
        return handle

    return run
