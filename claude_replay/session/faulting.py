"""Faults that are injected into one session, and the recordings they stand in for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from claude_replay.cassette import Entry
from claude_replay.faults import Fault, FaultPlan, Injected, Spoiled, find_misfit, spoil
from claude_replay.replay import Decider
from claude_replay.session.answered import Answered
from claude_replay.session.tally import Tally

__all__ = ["Faulting"]


class Faulting:
    """
    Decides what a fault does to a request; whoever uses it holds the session's lock.

    A fault takes no recording away: the request that is made again gets it. Only where several equal ones are
    left does a fault within an answer take its own, as recording with the same fault has made one for each.
    """

    def __init__(self, decider: Decider, entries: Sequence[Entry], tally: Tally) -> None:
        self.plan = FaultPlan()
        self._decider = decider
        self._entries = entries
        self._tally = tally
        self._stood_in: set[int] = set()

    def strike(self, due: Injected, answered: Answered, key: str, patience: float | None) -> Spoiled | None:
        """What comes in place of an answer, or None where it is to be answered (or missed) as always."""
        fault = due.fault
        places = self._decider.peek(key)
        good = self._entries[places[0]].answer if places and fault.is_within else None
        if fault.is_within:
            due.misfit = find_misfit(fault, good[0]) if good else ""
            if good is None or due.misfit or (fault.kind == "slow" and not _is_too_slow(fault, patience)):
                return None
            if len(places) > 1:
                self._decider.decide(key)
        self._stood_in.update(places[:1])
        return self._note(due, answered, time_out(spoil(fault, good), patience))

    def delay(self, due: Injected, answered: Answered, source: Entry) -> Entry | Spoiled:
        """An answer that is played; late where that is due, but in time."""
        if due.fault.kind != "slow" or due.misfit:
            return source
        return self._note(due, answered, spoil(due.fault, source.answer))

    def spoil_live(self, due: Injected, answered: Answered, patience: float | None) -> Spoiled | None:
        """What comes of an answer that has just been recorded; None where the fault cannot happen to it."""
        if answered.live is None:
            return None
        good = answered.live.response, answered.live.meta
        due.misfit = find_misfit(due.fault, good[0])
        if due.misfit:
            return None
        return self._note(due, answered, time_out(spoil(due.fault, good), patience))

    def _note(self, due: Injected, answered: Answered, spoiled: Spoiled) -> Spoiled:
        due.strikes += 1
        answered.fault = due.fault.kind
        self._tally.injected += 1
        return spoiled

    def excuse(self, unplayed: Iterable[int]) -> list[int]:
        """
        Of recordings that were not played, those that should have been.

        Whoever was given a fault in place of an answer and did not ask again has come no further.
        """
        left = list(unplayed)
        last = min(self._stood_in.intersection(left), default=None)
        return [place for place in left if last is None or place < last]

    def check(self) -> None:
        """Raise UnusedFault for a fault that did not happen."""
        for injected in self.plan.active:
            injected.check()


def _is_too_slow(fault: Fault, patience: float | None) -> bool:
    return patience is not None and fault.seconds >= patience


def time_out(spoiled: Spoiled, patience: float | None) -> Spoiled:
    """An answer that comes later than the client waits is one that never comes."""
    if patience is None or spoiled.wait < patience or spoiled.breaks:
        return spoiled
    return Spoiled(None, breaks="timeout", wait=patience, is_slept=spoiled.is_slept)
