"""A store that fails just when an answer is to be kept."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cache.asking import make_client
from claude_replay import MemoryStore, ResponseCache, StoreError
from claude_replay.cache import Entry
from sdk_ways import ask
from standin import ClaudeServer


class Failing(MemoryStore):
    """Fails at one method, once it is told to."""

    method = ""

    def put(self, entry: Entry) -> None:
        self._fail("put")
        super().put(entry)

    def epochs(self, names: Sequence[str]) -> tuple[int, ...]:
        self._fail("epochs")
        return super().epochs(names)

    def _fail(self, method: str) -> None:
        if self.method == method:
            raise StoreError("the disk is full")


@pytest.mark.parametrize("method", ["put", "epochs"])
def test_the_answer_is_given_and_the_next_call_is_live(server: ClaudeServer, method: str) -> None:
    """Until the store can keep it."""
    store = Failing()
    cache = ResponseCache(store)
    client = make_client(cache, server)
    store.method = method
    for _ in range(2):
        assert client.messages.create(**ask("Hello")).content
    store.method = ""
    client.messages.create(**ask("Hello"))
    client.messages.create(**ask("Hello"))

    assert server.count == 3
    assert cache.stats().not_kept == {"store_failed": 2}
    assert cache.stats().failures >= 2
