"""What the tests of the response cache share: a server that counts, and clients of both kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from cache.asking import close_all
from sdk_ways import drive
from standin import ClaudeServer

pytest.register_assert_rewrite("cache.contract")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a key, a proxy, or settings of this package."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("ANTHROPIC_", "CLAUDE_REPLAY_CACHE")):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as server:
        yield server
        drive(close_all())
