"""An open cassette: file, mode and decision, recording and saving; without any interception."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from claude_replay.api import Endpoint, endpoint_of
from claude_replay.cassette import Entry, Journal, Media, Recorded, ensure_writable, key_of, read_journals
from claude_replay.errors import (
    BudgetReached,
    CassetteError,
    CassetteLoadError,
    CassetteMiss,
    LiveCallRefused,
    ReplayFailure,
    UnplayedExchanges,
)
from claude_replay.exchange import Body, Exchange, Meta, Request, Response
from claude_replay.faults import Spoiled, read_faults
from claude_replay.normalize import Canonical, canonicalize, digest_sent
from claude_replay.replay import Asked, Compare, Decider, Miss, Outcome, Pass, Play, Record, explain_miss
from claude_replay.session.accounts import count_played
from claude_replay.session.adoption import adopt_journals
from claude_replay.session.answered import Answered, describe_request
from claude_replay.session.budget import Budget, budget_for
from claude_replay.session.driftlog import DriftLog
from claude_replay.session.faulting import Faulting
from claude_replay.session.interning import Interner
from claude_replay.session.loaded import Loaded
from claude_replay.session.recording import RETRYABLE, Recorder, Ticket
from claude_replay.session.rules import redactor_for, rules_for
from claude_replay.session.run import Run
from claude_replay.session.saving import Saver, explain_failure, refuse_foreign
from claude_replay.session.stalenotes import note_stale
from claude_replay.session.tally import Tally
from claude_replay.session.turns import Turns
from claude_replay.session.unplayed import explain_unplayed
from claude_replay.settings import Settings, may_send

__all__ = ["Session"]

_RECORDING_MODES = ("once", "new_episodes", "rewrite", "all")
_PLAYING_MODES = ("none", "once", "new_episodes")
_MOST_SKIPPED = 5
_Failure = TypeVar("_Failure", bound=ReplayFailure)


@dataclass(slots=True, repr=False)
class Session:
    """
    One cassette in use.

    `label` names the owner in messages and in the file, `command` gives the command line that records in a
    mode, `spell` what to write to give the cassette a setting, `explicit` says that the path was named by the
    user, so other owners may share it. `extras` are cassettes that answer as well and are never written.
    """

    path: Path
    settings: Settings
    run: Run
    label: str
    command: Callable[[str], str]
    environ: Mapping[str, str]
    spell: Callable[[str], str] = "@pytest.mark.claude_replay({})".format
    explicit: bool = False
    extras: Sequence[Path] = ()
    answered: list[Answered] = field(default_factory=list)
    misses: list[ReplayFailure] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    closed: bool = False
    _open_tickets: dict[Ticket, Callable[[], None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _interner: Interner = field(default_factory=Interner)
    _fresh: bool = False
    # Set by open().
    _loaded: Loaded = field(init=False)
    _decider: Decider = field(init=False)
    _recorder: Recorder = field(init=False)
    log: DriftLog = field(init=False)
    _turns: Turns | None = None
    _budget: Budget | None = None
    faulting: Faulting = field(init=False)

    def open(self) -> Session:
        """
        Read the cassette and get ready.

        Raises CassetteLoadError where the file cannot be read, CassetteSaveError where recording was asked
        for and the cassette cannot be written.
        """
        mode, settings = self.settings.mode, self.settings
        # Node ids of files whose names are not UTF-8 hold what a cassette cannot.
        self.label = self.label.encode("utf-8", "backslashreplace").decode()
        self.tally = Tally(label=self.label, cassette=str(self.path), mode=mode, explicit=self.explicit)
        self.tally.notes.extend(settings.notes)
        redactor = redactor_for(settings, self.environ)
        journal = Journal(self.path, label=self.label, mode=mode)
        media = Media(self.path, home=settings.dir)
        self._recorder = Recorder(self.path, redactor, journal, media, settings.record_errors)
        if mode == "once":
            self._fresh = self.run.claim_new(self.path, exists=self.path.exists())
        if may_send(mode):
            self._budget = budget_for(settings, self.run.id, self.path, self.command("once"))
        if mode in _RECORDING_MODES:
            self.tally.notes.extend(adopt_journals(self.path, self.label, settings.dir))
        by_order = settings.match == "sequence"
        rules = rules_for(settings)
        self._loaded = Loaded(
            self.path,
            rules,
            redactor,
            by_order=by_order,
            extras=self.extras,
            hosts=settings.record_hosts,
        )
        self._fresh = self._fresh or (mode == "once" and self._is_waiting())
        if self._fresh or (mode in _RECORDING_MODES and mode != "once"):
            refuse_foreign(self.path, self._loaded.cassette.foreign, mode, self.command)
            ensure_writable(self.path)
        cassette = self._loaded.cassette
        self.tally.incomplete = bool(cassette.incomplete)
        self.tally.notes.extend(f"{self.path}: left out: {line}" for line in cassette.skipped[:_MOST_SKIPPED])
        self._decider = Decider(self._loaded.keys, mode, fresh=self._fresh, repeat=settings.repeat)
        self.faulting = Faulting(self._decider, self._loaded.entries, self.tally)
        for fault in read_faults(settings.inject):
            self.faulting.plan.add(fault)
        self.log = DriftLog(self.tally)
        if by_order:
            self._turns = Turns(self._loaded, self._decider, self.log, str(self.path), mode, self.command)
        return self

    def _is_waiting(self) -> bool:
        return self.label in self._loaded.cassette.incomplete

    @property
    def entries(self) -> list[Entry]:
        """The recordings in file order."""
        return self._loaded.entries

    @property
    def may_send(self) -> bool:
        """Whether any request may reach Claude."""
        mode = self.settings.mode
        return self._fresh if mode == "once" else may_send(mode)

    # ------------------------------------------------------------------ one request

    def begin(
        self, request: Request, endpoint: Endpoint, *, patience: float | None = None
    ) -> Entry | Spoiled | Ticket | None:
        """
        Decide about a request; `patience` is how many seconds its client waits for a byte, None for ever.

        An Entry is to be played, or what a fault makes of one; a Ticket to be sent and its answer reported with
        `finish` or `abandon`, None to be sent and forgotten. Raises CassetteMiss, which is remembered as well.
        """
        redactor = self._recorder.redactor
        if self.settings.mode != "none":
            for credential in redactor.credentials_in(request.headers):
                redactor.add_literal(credential)
        clean = redactor.request(request)
        if clean.url != request.url:
            # As the recorded one is described.
            endpoint = endpoint_of(clean)
        canonical = canonicalize(clean, rules_for(self.settings), endpoint)
        key = endpoint.operation if self._turns is not None else key_of(canonical.fingerprint)
        clean = self._interner.share(clean)
        with self._lock:
            self._refuse_late()
            order = len(self.answered)
            answered = Answered(clean, clean.headers.get("anthropic-version"))
            self.answered.append(answered)
            try:
                due = self.faulting.plan.find_due()
                if due is not None and (spoiled := self.faulting.strike(due, answered, key, patience)):
                    return spoiled
                if self._turns is None:
                    outcome = self._decide(key)
                else:
                    asked = describe_request(endpoint, clean)
                    outcome = self._turns.take(asked, clean, canonical, number=order + 1)
            except CassetteMiss as miss:
                raise self.remember(miss) from None
            except CassetteLoadError as error:
                raise self._unreadable(error) from None
            if not isinstance(outcome, Miss):
                self.faulting.plan.count_answer()
            if isinstance(outcome, Play):
                source = self._play(answered, outcome)
                return self.faulting.delay(due, answered, source) if due is not None else source
            asked = describe_request(endpoint, clean)
            reserved = 0.0 if isinstance(outcome, Miss) else self._pay(asked, request)
        if isinstance(outcome, Miss):
            raise self._miss(asked, clean, canonical)
        ticket = Ticket(order, clean, canonical, str(asked), reserved=reserved, key=key)
        ticket.sdk = request.headers.get("x-stainless-package-version")
        ticket.injected = due if due is not None and due.fault.is_within else None
        return self._issue(outcome, ticket)

    def _pay(self, asked: Asked, request: Request) -> float:
        try:
            reserved = self._budget.reserve(str(asked), request.body) if self._budget is not None else 0.0
        except BudgetReached as stop:
            self.tally.budget_stops += 1
            raise self.remember(stop) from None
        self.tally.live += 1
        return reserved

    def recall(
        self,
        endpoint: Endpoint,
        headers: Mapping[str, str],
        content: bytes,
        ask: Callable[[Body], Request],
    ) -> Entry | None:
        """
        What to play for a request that is, byte for byte, one of those recorded; None where `begin` has to look.

        `content` is its JSON body as sent, `headers` those that are stored. It is neither parsed nor redacted until
        somebody asks for it: what equals a recording holds no more secrets than that, and `ask` makes the request
        then, of the body that was recorded.
        """
        known = self._loaded.keys_by_digest
        if not known or self.settings.mode not in _PLAYING_MODES or self.faulting.plan.active:
            return None
        key = known.get(digest_sent(endpoint, headers.get("anthropic-beta", ""), content))
        if key is None:
            return None
        with self._lock:
            self._refuse_late()
            outcome = self._decider.decide(key)
            if not isinstance(outcome, Play):
                return None
            # Not of `content`: a conversation's requests would be kept whole, each with all turns before it.
            entry = self._loaded.entries[outcome.ordinal]
            version = headers.get("anthropic-version")
            answered = Answered(lambda: self._recorder.redactor.request(ask(entry.request.body)), version)
            self.answered.append(answered)
            return self._play(answered, outcome)

    def _play(self, answered: Answered, outcome: Play) -> Entry:
        entry = answered.source = self._loaded.entries[outcome.ordinal]
        answered.played = True
        try:
            count_played(self.tally, entry)
        except CassetteLoadError as error:
            raise self._unreadable(error) from None
        return entry

    def _unreadable(self, error: CassetteLoadError) -> CassetteMiss:
        return self.remember(_explain_unreadable(error))

    def _refuse_late(self) -> None:
        if self.closed:
            raise LiveCallRefused(
                f"claude_replay: the cassette {self.path} was closed while this request was on its way.\n"
                "  Wait for threads and tasks that call Claude before the test or the block ends."
            )

    def _issue(self, outcome: Outcome, ticket: Ticket) -> Ticket | None:
        if isinstance(outcome, Pass):
            return None
        if isinstance(outcome, Compare):
            ticket.compares, ticket.records = outcome.ordinal, False
        elif isinstance(outcome, Record) and outcome.replaces is not None:
            ticket.replaces = self._loaded.entries[outcome.replaces].digest
        self._recorder.begin(ticket)
        return ticket

    def _decide(self, key: str) -> Outcome:
        outcome = self._decider.decide(key)
        if self.settings.mode == "rewrite" or not _is_unknown(outcome):
            return outcome
        keys = self._loaded.look_again()
        if keys is None:
            return outcome
        self._decider.rekey(keys)
        return self._decider.decide(key)

    def _miss(self, asked: Asked, clean: Request, canonical: Canonical) -> CassetteMiss:
        loaded, key = self._loaded, key_of(canonical.fingerprint)
        played = self._decider.played
        try:
            miss = explain_miss(
                asked,
                canonical,
                loaded.forms,
                equal=[place for place, known in enumerate(loaded.keys) if known == key],
                likely=loaded.find_likely(clean, played),
                cassette=str(self.path),
                exists=loaded.exists or bool(loaded.entries),
                waiting=sum(len(journal.recorded) for journal in read_journals(self.path)),
                mode=self.settings.mode,
                ignored=rules_for(self.settings).describe(),
                command=self.command,
                spell=self.spell,
                played=played,
            )
        except CassetteLoadError as error:
            miss = _explain_unreadable(error)
        with self._lock:
            return self.remember(miss)

    def remember(self, failure: _Failure) -> _Failure:
        """Note a request that was stopped, in case the application swallows the error; gives that back."""
        self.misses.append(failure)
        self.tally.missed += 1
        return failure

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
        clean = self._recorder.redactor.response(response)
        recorded = self._loaded.entries[ticket.compares]
        self.answered[ticket.order].live = Exchange(recorded.request, clean, meta)
        if response.status in RETRYABLE and recorded.answer[0].status not in RETRYABLE:
            # The SDK, or whoever, tries again; that is no drift.
            self._note(f"{ticket.asked}: answered {response.status}; not compared")
            self._decider.give_back(ticket.key)
            return
        self.log.compare(ticket, recorded.answer, (clean, meta))

    def abandon(self, ticket: Ticket, reason: str) -> None:
        """Take note that a live call brought no whole answer; nothing of it is recorded."""
        with self._lock:
            self._open_tickets.pop(ticket, None)
        self._recorder.abandon(ticket)
        # Errors of HTTP libraries may quote a header.
        reason = self._recorder.redactor.text(reason)
        self.tally.notes.append(f"{ticket.asked}: {reason}; not recorded")

    # ------------------------------------------------------------------ the end

    def close(self, *, passed: bool) -> None:
        """
        Save what was recorded and settle the account; does nothing the second time.

        `passed` says whether the owner succeeded. Raises CassetteSaveError, SecretFound, UnusedFault, or
        UnplayedExchanges, the gravest first.
        """
        with self._lock:
            if self.closed:
                return
            self.closed = True
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
        note_stale(self.tally, self.answered, self.log, self.settings.max_age)
        if passed:
            self.faulting.check()
        self._check_unplayed(passed)

    def _save(self, recorded: Sequence[Recorded], *, passed: bool) -> bool:
        """Write what there is to be written; whether what was recorded is in the cassette now."""
        mode = self.settings.mode
        home = self.settings.dir
        saver = Saver(self.path, self.run, label=self.label, shared=self.explicit, home=home)
        if recorded and not passed and self.settings.save == "passed":
            self._note(f"{len(recorded)} recorded by a test that did not pass: not kept (save = passed)")
        elif recorded and not passed and mode == "rewrite":
            aside = saver.reject(recorded)
            self._note(f"the test did not pass, so the cassette was left as it is; recorded: {aside.name}")
        elif mode == "rewrite":
            # A test of its own cassette that no longer asks for anything leaves nothing in it.
            if recorded or (passed and self._loaded.exists and not self.explicit):
                saver.replace(recorded)
                self.tally.incomplete = False
                return True
        elif recorded or (passed and mode in _RECORDING_MODES and self._is_waiting()):
            saver.add(recorded, passed=passed, was_taken=self._recorder.journal.was_taken)
            self.tally.incomplete = not passed
            return True
        return False

    def _note(self, line: str) -> None:
        self.tally.notes.append(f"{self.path}: {line}")

    @property
    def unplayed(self) -> list[str]:
        """The recordings that no request of this session asked for, in a few words each."""
        is_played = self.settings.mode in _PLAYING_MODES
        left = self.faulting.excuse(self._decider.unplayed()) if is_played else []
        return self._loaded.describe_unplayed(left)

    def explain_unplayed(self, left: Sequence[str]) -> UnplayedExchanges:
        """The error for recordings that nobody asked for."""
        return explain_unplayed(self.path, left, len(self._loaded.cassette.entries), self.command)

    def _check_unplayed(self, passed: bool) -> None:
        if self.tally.live or self.tally.recorded or self.settings.mode not in _PLAYING_MODES:
            return
        # A shared cassette is played by several tests; only all of them together can leave something over.
        if self.explicit or self.settings.unplayed == "ignore":
            return
        left = self.tally.unplayed = self.unplayed
        if left and passed and not self.tally.incomplete and self.settings.unplayed == "fail":
            raise self.explain_unplayed(left)

    def raise_swallowed(self) -> None:
        """Raise the first miss, which the application has swallowed, or else nobody would ask."""
        if self.misses:
            raise self.misses[0]


def _explain_unreadable(error: CassetteLoadError) -> CassetteMiss:
    return CassetteMiss(f"claude_replay: {error}", reason="unreadable")


def _is_unknown(outcome: Outcome) -> bool:
    """Whether the cassette had nothing to go with a request."""
    if isinstance(outcome, Record):
        return outcome.replaces is None
    return isinstance(outcome, Miss) or (isinstance(outcome, Compare) and outcome.ordinal is None)
