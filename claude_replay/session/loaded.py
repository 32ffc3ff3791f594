"""The recordings of an open cassette: canonical forms and what they answer."""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path

from claude_replay.api import AUTHORITY, describe_endpoint, describe_other, endpoint_of
from claude_replay.cassette import Cassette, Entry, key_of, load_cassette, write_request
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Request
from claude_replay.matching import Change, Ranking, Told
from claude_replay.normalize import MATCHING, Canonical, Rules, canonicalize
from claude_replay.redact import Redactor
from claude_replay.replay import Recordings, list_changes

__all__ = ["Loaded"]


# Up to so many recordings all are compared with a request that none answers; of more, the likeliest of each kind.
_FEW, _MOST_LIKELY, _MOST_OTHERS = 12, 5, 2
_URL = re.compile(
    rb"  request:\n(?:    continues: .*\n)?(?:    method: (?P<method>[A-Z]+)\n)?    url: (?P<url>[a-z][!-~]*)\n"
)
_CONTINUES = re.compile(rb"\n    continues: .*")
_LONGEST_HEAD = 4_000
_OTHER = f"'{AUTHORITY}'".encode()


class Loaded:
    """
    A cassette file in memory, and the keys by which its exchanges are found.

    `by_order` makes that the operation alone, so that the n-th request of one gets its n-th answer. The
    exchanges of `extras`, which need not exist, come behind those of the file. Of what another tool wrote,
    exchanges with `hosts` are read, too.
    """

    def __init__(
        self,
        path: Path,
        rules: Rules,
        redactor: Redactor,
        *,
        by_order: bool = False,
        extras: Sequence[Path] = (),
        hosts: Sequence[str] = (),
    ) -> None:
        self._rules = rules
        self._by_order = by_order
        self._redactor = redactor
        with _NoGarbage():
            cassette = load_cassette(path, hosts=hosts)
            self.exists = cassette is not None
            self.cassette = cassette or Cassette()
            self.entries = self.cassette.entries
            for extra in extras:
                self.entries = [*self.entries, *(load_cassette(extra, hosts=hosts) or Cassette()).entries]
            # The recorded requests, redacted by today's rules as the one sent is. What makes them does not know
            # `self`: that cycle would keep each test's cassette in memory until the garbage collector finds it.
            make = partial(_canonicalize_at, self.entries, redactor, rules)
            self.forms = Recordings(len(self.entries), make)
            # The ids in the file say nothing under other rules than those they were made with.
            self._is_exact = rules != MATCHING or by_order
            self._know(self._find_keys())

    def is_waiting_for(self, label: str) -> bool:
        """Whether the test of this name recorded into it and has not passed yet."""
        return label in self.cassette.incomplete

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
            return [endpoint_of(request).operation for request in requests]
        if self._is_exact:
            return [key_of(form.fingerprint) for form in self.forms]
        return [entry.find_key() or self._compute_key(entry) for entry in self.entries]

    def _compute_key(self, entry: Entry) -> str:
        return key_of(_canonicalize(entry, self._redactor, self._rules).fingerprint)

    def find_changes(self, place: int, sent: Canonical) -> list[Change]:
        """Where a request differs from the recorded one at `place`."""
        recorded = self.forms[place]
        return [] if recorded.fingerprint == sent.fingerprint else list_changes(sent.form, recorded.form)

    def look_again(self) -> list[str] | None:
        """
        The keys with every request parsed and redacted as today's rules would; None where that changes nothing.

        An id was made when the exchange was recorded; a rule for redaction that has come since is not in it.
        """
        if self._is_exact:
            return None
        self._is_exact = True
        if self._are_left_alone():
            return None
        with _NoGarbage():
            self._know(self._find_keys())
        return self.keys

    def _are_left_alone(self) -> bool:
        """Whether redacting the recorded requests is sure to change nothing, by their texts alone."""
        for entry in self.entries:
            texts = entry.texts
            url = _URL.match(texts[0][:_LONGEST_HEAD]) if texts else None
            # What it goes on from is part of it, answers too.
            text = entry.data if self._is_linked else texts[0] if texts else b""
            if url is None or not self._redactor.leaves_alone(url["url"].decode(), text):
                return False
        return True

    def find_likely(self, sent: Request, played: Collection[int]) -> Sequence[int]:
        """The places among which the one nearest to a redacted request is worth looking for."""
        count = len(self.entries)
        ranking = self._ranking if count > _FEW else None
        if ranking is None:
            return range(count)
        operation = endpoint_of(sent).operation
        groups = (
            (lambda place: self._operations[place] == operation and place not in played, _MOST_LIKELY),
            (lambda place: self._operations[place] == operation, _MOST_LIKELY),
            (lambda place: True, _MOST_OTHERS),
        )
        return ranking.find(write_request(sent), groups)

    @cached_property
    def _is_linked(self) -> bool:
        return any(entry.labels for entry in self.entries)

    @cached_property
    def _operations(self) -> list[str]:
        return [_find_operation(entry) for entry in self.entries]

    @cached_property
    def _ranking(self) -> Ranking | None:
        """None where an exchange stands in another layout."""
        places = {id(entry): place for place, entry in enumerate(self.entries)}
        told = []
        for entry in self.entries:
            if (texts := entry.texts) is None:
                return None
            bases = tuple(places[id(base)] for base in entry.bases)
            told.append(Told(_CONTINUES.sub(b"", texts[0]), texts[1], bases))
        return Ranking(told)

    def describe_unplayed(self, ordinals: Iterable[int]) -> list[str]:
        """Exchanges that nobody asked for in a few words each, without those whose call was cancelled."""
        # Those of extra cassettes are other tests' to ask for.
        own = (ordinal for ordinal in ordinals if ordinal < len(self.cassette.entries))
        return [words for ordinal in own if (words := self._describe(ordinal, self.entries[ordinal]))]

    def _describe(self, ordinal: int, entry: Entry) -> str | None:
        try:
            # Whether a call that is cancelled gets as far as being sent is a matter of time.
            if entry.answer[0].ended == "cancelled":
                return None
            operation = endpoint_of(entry.request).operation
        except CassetteLoadError:
            operation = "unreadable"
        return f"number {ordinal + 1} ({operation})"


def _canonicalize(entry: Entry, redactor: Redactor, rules: Rules) -> Canonical:
    return canonicalize(redactor.request(entry.request), rules)


def _canonicalize_at(entries: Sequence[Entry], redactor: Redactor, rules: Rules, place: int) -> Canonical:
    return _canonicalize(entries[place], redactor, rules)


def _find_operation(entry: Entry) -> str:
    """The operation of a request by its text; empty where that does not begin as ours do."""
    texts = entry.texts
    found = _URL.match(texts[0][:_LONGEST_HEAD]) if texts else None
    if texts is None or found is None:
        return ""
    method = found["method"] or b"POST"
    with contextlib.suppress(ValueError):
        url = found["url"].decode()
        describe = describe_other if _OTHER in texts[0][:_LONGEST_HEAD] else describe_endpoint
        return describe(method.decode(), url).operation
    return ""


class _NoGarbage:
    """The garbage collector is off: loading makes many objects, and no garbage for it to look for."""

    def __enter__(self) -> None:
        self._enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *error: object) -> None:
        if self._enabled:
            gc.enable()
