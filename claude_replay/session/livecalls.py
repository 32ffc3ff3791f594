"""The calls of one session that reach Claude: what they may cost, what they brought, and how that is saved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from claude_replay.cassette import Journal, Media, Recorded
from claude_replay.errors import CassetteError
from claude_replay.exchange import Body, Exchange, Meta, Response
from claude_replay.normalize import MATCHING
from claude_replay.redact import Redactor
from claude_replay.replay import Compare, Decider, Outcome, Pass, Record
from claude_replay.session.answered import Answered
from claude_replay.session.budget import Budget, budget_for
from claude_replay.session.dates import Clock, keep_dates
from claude_replay.session.driftlog import DriftLog
from claude_replay.session.loaded import Loaded
from claude_replay.session.recording import RETRYABLE, Recorder, Ticket
from claude_replay.session.rules import rules_for
from claude_replay.session.run import Run
from claude_replay.session.saving import Saver, explain_failure
from claude_replay.session.tally import Tally
from claude_replay.settings import RECORDING_MODES, Settings

__all__ = ["LiveCalls"]

_RENEWING_MODES = ("rewrite", "all")


@dataclass(slots=True)
class LiveCalls:
    """
    One for each session that may send, and none for one that only replays.

    `answered` are the requests of the session in the order they were issued; the rest is as there.
    """

    path: Path
    settings: Settings
    run: Run
    label: str
    command: Callable[[str], str]
    explicit: bool
    environ: Mapping[str, str]
    redactor: Redactor
    loaded: Loaded
    decider: Decider
    log: DriftLog
    tally: Tally
    answered: Sequence[Answered]
    _recorder: Recorder = field(init=False)
    _budget: Budget | None = field(init=False)
    _open_tickets: dict[Ticket, Callable[[], None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        settings = self.settings
        self._budget = budget_for(settings, self.run.id, self.path, self.command("once"))
        journal = Journal(self.path, label=self.label, mode=settings.mode)
        media = Media(self.path, home=settings.dir)
        self._recorder = Recorder(
            self.path, self.redactor, journal, media, settings.record_errors, Clock(self.environ)
        )
        self._recorder.has_own_rules = rules_for(settings) != MATCHING

    # ------------------------------------------------------------------ one call

    def pay(self, asked: str, body: Body) -> float:
        """What a call is reckoned to cost at most; raises BudgetReached."""
        reserved = self._budget.reserve(asked, body) if self._budget is not None else 0.0
        self.tally.live += 1
        return reserved

    def issue(self, outcome: Outcome, ticket: Ticket) -> Ticket | None:
        """Take note of a call that is about to be sent; None where nobody needs its answer."""
        if isinstance(outcome, Pass):
            return None
        if isinstance(outcome, Compare):
            ticket.compares, ticket.records = outcome.ordinal, False
        elif isinstance(outcome, Record) and outcome.replaces is not None:
            ticket.replaces = self.loaded.entries[outcome.replaces].digest
        self._recorder.begin(ticket)
        return ticket

    def watch(self, ticket: Ticket, close: Callable[[], None]) -> None:
        """Remember how to end a live answer that is still open when the cassette closes."""
        with self._lock:
            self._open_tickets[ticket] = close

    def finish(self, ticket: Ticket, response: Response, meta: Meta) -> None:
        """Take the whole answer of a live call; `ended` of the response says whether it was closed early."""
        with self._lock:
            self._open_tickets.pop(ticket, None)
        if self._budget is not None:
            self._budget.settle(ticket.reserved, ticket.request.body, response)
        if not ticket.records:
            self._compare(ticket, response, meta)
            return
        exchange = self._recorder.finish(ticket, response, meta)
        if exchange is not None:
            self.answered[ticket.order].live = exchange

    def _compare(self, ticket: Ticket, response: Response, meta: Meta) -> None:
        if ticket.compares is None:
            self.tally.drift.append(f"{ticket.asked}: not in the cassette")
            return
        clean = self.redactor.response(response)
        recorded = self.loaded.entries[ticket.compares]
        self.answered[ticket.order].live = Exchange(recorded.request, clean, meta)
        if response.status in RETRYABLE and recorded.answer[0].status not in RETRYABLE:
            # The SDK, or whoever, tries again; that is no drift.
            self._note(f"{ticket.asked}: answered {response.status}; not compared")
            self.decider.give_back(ticket.key)
            return
        self.log.compare(ticket, recorded.answer, (clean, meta))

    def abandon(self, ticket: Ticket, reason: str) -> None:
        """Take note that a live call brought no whole answer; nothing of it is recorded."""
        with self._lock:
            self._open_tickets.pop(ticket, None)
        self._recorder.abandon(ticket)
        # Errors of HTTP libraries may quote a header.
        self.tally.notes.append(f"{ticket.asked}: {self.redactor.text(reason)}; not recorded")

    # ------------------------------------------------------------------ the end

    def close(self, *, passed: bool) -> None:
        """
        End what is still open, and save what was recorded.

        Raises CassetteSaveError and SecretFound; what was recorded is in the journal then.
        """
        with self._lock:
            waiting = list(self._open_tickets.values())
        for end in waiting:
            end()
        recorded = self._recorder.settle(passed=passed)
        journal, problems = self._recorder.journal, self._recorder.problems
        try:
            kept = self._save(recorded, passed=passed and not problems)
        except CassetteError as error:
            journal.close(discard=False)
            raise explain_failure(self.path, error, journal, recorded, self.command("once")) from None
        finally:
            self.tally.notes.extend(self._recorder.notes)
        journal.close(discard=True)
        self.tally.recorded = len(recorded) if kept else 0
        self.tally.live -= self.tally.recorded
        if problems:
            raise type(problems[0])("\n".join(map(str, problems)))

    def _save(self, recorded: Sequence[Recorded], *, passed: bool) -> bool:
        """Write what there is to be written; whether what was recorded is in the cassette now."""
        mode = self.settings.mode
        home = self.settings.dir
        recorder = self._recorder
        if mode in _RENEWING_MODES and not (recorder.journal.was_taken or recorder.clock.is_fixed):
            recorded = keep_dates(recorded, self.loaded.entries, self.settings.max_age)
        saver = Saver(self.path, self.run, label=self.label, shared=self.explicit, home=home)
        if recorded and not passed and self.settings.save == "passed":
            self._note(f"{len(recorded)} recorded by a test that did not pass: not kept (save = passed)")
        elif recorded and not passed and mode == "rewrite" and self.loaded.exists:
            aside = saver.reject(recorded)
            self._note(f"the test did not pass, so the cassette was left as it is; recorded: {aside.name}")
        elif mode == "rewrite" and (passed or not recorded):
            # A test of its own cassette that no longer asks for anything leaves nothing in it.
            if recorded or (passed and self.loaded.exists and not self.explicit):
                saver.replace(recorded)
                self.tally.incomplete = False
                return True
        elif recorded or (passed and mode in RECORDING_MODES and self.loaded.is_waiting_for(self.label)):
            # A rewriting that fails and has nothing to spoil is the first recording.
            saver.add(recorded, passed=passed, was_taken=recorder.journal.was_taken, begins=mode == "rewrite")
            self.tally.incomplete = not passed
            return True
        return False

    def _note(self, line: str) -> None:
        self.tally.notes.append(f"{self.path}: {line}")
