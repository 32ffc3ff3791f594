"""Everything of one session that no longer equals the recordings."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from claude_replay.exchange import Meta, Response
from claude_replay.matching import Change
from claude_replay.session.comparison import Comparison, compare
from claude_replay.session.drift import Drift, compare_requests, describe_changes
from claude_replay.session.recording import Ticket
from claude_replay.session.tally import Tally

__all__ = ["DriftLog"]


class DriftLog:
    """Drift as values, for who asks the handle, and as lines in the account, for the summary."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lock = threading.Lock()
        self.found: list[Drift] = []
        self.comparisons: list[Comparison] = []

    def note_request(self, changes: Sequence[Change], *, number: int, asked: str, place: int) -> None:
        """A request is answered with the recording at `place`, which was made for another one."""
        if changes:
            with self._lock:
                self.found += compare_requests(changes, number=number, asked=asked)
                self._tally.drift.append(describe_changes(asked, place, changes))

    def compare(self, ticket: Ticket, recorded: tuple[Response, Meta], live: tuple[Response, Meta]) -> None:
        """The recorded answer was asked for again; `live` is what came, redacted."""
        assert ticket.compares is not None
        comparison = compare(
            recorded, live, place=ticket.compares, number=ticket.order + 1, asked=ticket.asked
        )
        with self._lock:
            self.comparisons.append(comparison)
            self.found.extend(comparison.drift)
            self._tally.drift.extend(map(str, comparison.drift))
            self._tally.verified.append(comparison.measures)
