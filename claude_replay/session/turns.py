"""`match = sequence`: the n-th request of an operation gets its n-th answer, whatever it asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from claude_replay.api import wants_stream
from claude_replay.errors import CassetteMiss
from claude_replay.exchange import Request
from claude_replay.normalize import Canonical
from claude_replay.replay import Asked, Compare, Decider, Miss, Outcome, Play, explain_sequence
from claude_replay.session.driftlog import DriftLog
from claude_replay.session.loaded import Loaded

__all__ = ["Turns"]


@dataclass(frozen=True, slots=True)
class Turns:
    """
    The recordings of a cassette in order; `path`, `mode` and `command` are for messages.

    Order alone decides, so what is asked is compared afterwards: every difference is drift. Only a stream is
    never answered with a whole answer, nor the other way around.
    """

    loaded: Loaded
    decider: Decider
    log: DriftLog
    path: str
    mode: str
    command: Callable[[str], str]

    def take(self, asked: Asked, request: Request, canonical: Canonical, *, number: int) -> Outcome:
        """The outcome for a redacted request, the `number`-th from 1; raises CassetteMiss."""
        outcome = self.decider.decide(asked.operation)
        if isinstance(outcome, Miss):
            raise self._miss(asked)
        place = outcome.ordinal if isinstance(outcome, (Play, Compare)) else None
        if place is not None:
            if wants_stream(request.body) != wants_stream(self.loaded.entries[place].request.body):
                raise self._miss(asked, crossed=place)
            changes = self.loaded.find_changes(place, canonical)
            self.log.note_request(changes, number=number, asked=str(asked), place=place)
        return outcome

    def _miss(self, asked: Asked, *, crossed: int | None = None) -> CassetteMiss:
        return explain_sequence(
            asked,
            cassette=self.path,
            count=len(self.loaded.entries) if self.loaded.exists else None,
            same=self.loaded.keys.count(asked.operation),
            crossed=crossed,
            mode=self.mode,
            command=self.command,
        )
