"""A server and a project for each test here."""

from __future__ import annotations

import os
from collections.abc import Iterator

import anthropic  # noqa: F401  # see below
import pytest
import yaml  # noqa: F401  # runs of pytest in this process would import its C extension anew each, which breaks it

# Here, so that they stay: what a run of pytest within this process imports is thrown away when it ends.
from claude_replay import use_cassette  # noqa: F401
from plugin_project import Project
from standin import ClaudeServer


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a key, a proxy, or settings of this package."""
    for name in list(os.environ):
        if (
            name in ("CI", "BUILD_NUMBER")
            or name.lower().endswith("_proxy")
            or (
                name.startswith(("ANTHROPIC_", "CLAUDE_REPLAY_", "PYTEST_")) and name != "PYTEST_CURRENT_TEST"
            )
        ):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as server:
        yield server


@pytest.fixture
def project(pytester: pytest.Pytester, server: ClaudeServer, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(pytester, server, monkeypatch)
