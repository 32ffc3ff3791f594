"""The recordings of an open cassette: canonical forms and what they answer."""

from __future__ import annotations

import gc
from pathlib import Path

from claude_replay.api import Endpoint, describe_endpoint, identify
from claude_replay.cassette import Cassette, Entry, load_cassette
from claude_replay.exchange import Exchange, Request
from claude_replay.normalize import Canonical, Rules, canonicalize
from claude_replay.redact import Redactor

__all__ = ["Loaded"]


def canonical_of(request: Request, endpoint: Endpoint | None, rules: Rules) -> Canonical:
    """The canonical form of a redacted request; `endpoint` None means: as its URL says."""
    endpoint = endpoint or describe_endpoint(request.method, request.url)
    return canonicalize(request, endpoint.operation, endpoint.query, rules)


class Loaded:
    """A cassette file in memory, with the fingerprint of each of its requests."""

    def __init__(self, path: Path, rules: Rules, redactor: Redactor) -> None:
        self._rules = rules
        self._redactor = redactor
        enabled = gc.isenabled()
        gc.disable()  # parsing makes many small objects and no garbage: a third of the time goes otherwise
        try:
            cassette = load_cassette(path)
            self.exists = cassette is not None
            self.cassette = cassette or Cassette()
            self.fingerprints = [self.canonical(entry).fingerprint for entry in self.cassette.entries]
        finally:
            if enabled:
                gc.enable()

    @property
    def entries(self) -> list[Entry]:
        """The exchanges in file order."""
        return self.cassette.entries

    def canonical(self, entry: Entry) -> Canonical:
        """The canonical form of a recorded request, redacted by today's rules as the one sent is."""
        request = self._redactor.request(entry.exchange.request)
        return canonical_of(request, identify(request.method, request.url, request.headers), self._rules)

    def exchange(self, ordinal: int) -> Exchange:
        """The exchange at a place."""
        return self.entries[ordinal].exchange

    def describe(self, ordinal: int) -> str:
        """An exchange in a few words, for lists."""
        request = self.exchange(ordinal).request
        endpoint = describe_endpoint(request.method, request.url)
        return f"number {ordinal + 1} ({endpoint.operation})"
