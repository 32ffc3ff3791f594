"""The recordings of an open cassette: canonical forms and what they answer."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator
from pathlib import Path

from claude_replay.api import describe_endpoint
from claude_replay.cassette import Cassette, Entry, key_of, load_cassette
from claude_replay.errors import CassetteLoadError
from claude_replay.matching import Change
from claude_replay.normalize import MATCHING, Canonical, Rules, canonicalize
from claude_replay.redact import Redactor
from claude_replay.replay import list_changes

__all__ = ["Loaded"]


class Loaded:
    """
    A cassette file in memory, and the keys by which its exchanges are found.

    `by_order` makes that the operation alone, so that the n-th request of one gets its n-th answer.
    """

    def __init__(self, path: Path, rules: Rules, redactor: Redactor, *, by_order: bool = False) -> None:
        self._rules = rules
        self._by_order = by_order
        self._redactor = redactor
        self._forms: list[Canonical] | None = None
        with _no_garbage():
            cassette = load_cassette(path)
            self.exists = cassette is not None
            self.cassette = cassette or Cassette()
            # The ids in the file say nothing under other rules than those they were made with.
            self._is_exact = rules != MATCHING or by_order
            self._know(self._find_keys())

    @property
    def entries(self) -> list[Entry]:
        """The exchanges in file order."""
        return self.cassette.entries

    def _know(self, keys: list[str]) -> None:
        self.keys = keys
        # The keys of requests that need not be parsed, by the digest of what is sent; whoever goes by order wants
        # to know how the two differ.
        self.keys_by_digest = {
            digest: key
            for entry, key in zip(self.entries, keys, strict=True)
            if not self._by_order and (digest := entry.find_sent())
        }

    def _find_keys(self) -> list[str]:
        if self._by_order:
            requests = (entry.request for entry in self.entries)
            return [describe_endpoint(request.method, request.url).operation for request in requests]
        if self._is_exact:
            return [key_of(form.fingerprint) for form in self.forms]
        return [entry.find_key() or self._compute_key(entry) for entry in self.entries]

    def _compute_key(self, entry: Entry) -> str:
        return key_of(self._canonicalize(entry).fingerprint)

    @property
    def forms(self) -> list[Canonical]:
        """The canonical forms of the recorded requests, redacted by today's rules as the one sent is."""
        if self._forms is None:
            self._forms = [self._canonicalize(entry) for entry in self.entries]
        return self._forms

    def find_changes(self, place: int, sent: Canonical) -> list[Change]:
        """Where a request differs from the recorded one at `place`."""
        recorded = self._canonicalize(self.entries[place])
        return [] if recorded.fingerprint == sent.fingerprint else list_changes(sent.form, recorded.form)

    def _canonicalize(self, entry: Entry) -> Canonical:
        return canonicalize(self._redactor.request(entry.request), self._rules)

    def look_again(self) -> list[str] | None:
        """
        The keys with every request parsed and redacted as today's rules would; None where that was done.

        An id was made when the exchange was recorded; a rule for redaction that has come since is not in it.
        """
        if self._is_exact:
            return None
        self._is_exact = True
        with _no_garbage():
            self._know(self._find_keys())
        return self.keys

    def describe_unplayed(self, ordinals: Iterable[int]) -> list[str]:
        """Exchanges that nobody asked for in a few words each, without those whose call was cancelled."""
        return [words for ordinal in ordinals if (words := self._describe(ordinal, self.entries[ordinal]))]

    def _describe(self, ordinal: int, entry: Entry) -> str | None:
        try:
            # Whether a call that is cancelled gets as far as being sent is a matter of time.
            if entry.answer[0].ended == "cancelled":
                return None
            operation = describe_endpoint(entry.request.method, entry.request.url).operation
        except CassetteLoadError:
            operation = "unreadable"
        return f"number {ordinal + 1} ({operation})"


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Switch the garbage collector off: loading makes many objects, and no garbage for it to look for."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
