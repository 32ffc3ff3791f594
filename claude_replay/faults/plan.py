"""Which fault is due: counts answers, and how often each fault has struck."""

from __future__ import annotations

from dataclasses import dataclass

from claude_replay.errors import UnusedFault
from claude_replay.faults.fault import Fault

__all__ = ["FaultPlan", "Injected"]


@dataclass(eq=False, slots=True)
class Injected:
    """A fault in place: `strikes` counts how often it has happened, `answers` what was answered since."""

    fault: Fault
    strikes: int = 0
    answers: int = 0
    misfit: str = ""

    @property
    def is_due(self) -> bool:
        """Whether the next request is the one."""
        times = self.fault.times
        return self.answers + 1 == self.fault.answer and (times is None or self.strikes < times)

    def check(self) -> None:
        """Raise UnusedFault where it has not happened as often as it was to."""
        times = self.fault.times or 1
        if self.strikes >= times:
            return
        answers = "1 answer was" if self.answers == 1 else f"{self.answers} answers were"
        why = self.misfit or f"{answers} given, and nobody asked for more"
        struck = f" {times} times (but {self.strikes})" if self.strikes else ""
        raise UnusedFault(
            f"claude_replay: the injected fault {self.fault} did not happen{struck}: {why}\n"
            "  Without it the test shows nothing; give `answer` and `times` that fit the calls it makes."
        )


class FaultPlan:
    """The faults of one open cassette; whoever uses it holds the cassette's lock."""

    def __init__(self) -> None:
        self.active: list[Injected] = []

    def add(self, fault: Fault) -> Injected:
        """Put a fault in place."""
        injected = Injected(fault)
        self.active.append(injected)
        return injected

    def remove(self, injected: Injected) -> None:
        """Take it away again."""
        self.active.remove(injected)

    def find_due(self) -> Injected | None:
        """The fault that the next request meets, the one put in place first."""
        return next((injected for injected in self.active if injected.is_due), None)

    def count_answer(self) -> None:
        """One more request gets its answer."""
        for injected in self.active:
            injected.answers += 1

    @property
    def skips_pauses(self) -> bool:
        """Whether the SDK shall not sleep before its next attempt, for it was a fault that broke the last."""
        return any(injected.strikes and injected.fault.skips_pauses for injected in self.active)
