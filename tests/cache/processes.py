"""What other processes do in tests of the cache; imports little, as each of them imports it anew."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from typing import Any

from claude_replay.cache.entry import Entry
from claude_replay.cache.stores.sqlite import SQLiteStore


def say(path: str, url: str, results: Any, text: str) -> None:
    """Ask through a cache in a file."""
    import anthropic

    from claude_replay import ResponseCache

    with (
        ResponseCache(path) as cache,
        anthropic.Anthropic(base_url=url, api_key="x", middleware=[cache]) as client,
    ):
        message = client.messages.create(
            model="claude-sonnet-5", max_tokens=100, messages=[{"role": "user", "content": text}]
        )
        results.put(message.content[0].text)  # type: ignore[union-attr]


def make_numbered(number: int) -> Entry:
    """An entry that says which one it is, some of them large."""
    return Entry(
        key=f"{number:064x}",
        envelope=f"entry {number} ".encode() * (1 + number % 400),
        created=float(number),
        model="m",
        tags=("t",),
        marks=("all",),
    )


def write_for_ever(path: str, start: int) -> None:
    """Put one entry after the other and say so once it is kept; until killed."""
    store = SQLiteStore(path)
    for number in itertools.count(start):
        entry = make_numbered(number)
        store.put(entry)
        if number % 7 == 0:
            store.put(replace(entry, tags=()))
        store.get(entry.key)
        print(number, flush=True)


if __name__ == "__main__":
    write_for_ever(sys.argv[1], int(sys.argv[2]))
