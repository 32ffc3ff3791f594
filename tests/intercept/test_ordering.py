"""What the SDK may still leave to threads."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import anthropic._base_client

from claude_replay import use_cassette


async def find_thread(name: str) -> int:
    """The thread in which the SDK runs a function of that name."""

    def function() -> int:
        return threading.get_ident()

    function.__name__ = name
    found: int = await anthropic._base_client.asyncify(function)()  # type: ignore[attr-defined]
    return found


def test_only_the_search_for_the_platform_stays(tmp_path: Path) -> None:
    """And that only while a cassette is open; whatever else may block runs beside the event loop, as always."""
    with use_cassette(tmp_path / "chat.yaml"):
        assert asyncio.run(find_thread("get_platform")) == threading.get_ident()
        assert asyncio.run(find_thread("read_file")) != threading.get_ident()
    assert asyncio.run(find_thread("get_platform")) != threading.get_ident()
