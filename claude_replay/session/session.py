"""An open cassette: file, mode and decision; without any interception."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from claude_replay.api import Endpoint, endpoint_of
from claude_replay.cassette import Entry, ensure_writable, key_of, read_journals
from claude_replay.errors import (
    BudgetReached,
    CassetteLoadError,
    CassetteMiss,
    LiveCallRefused,
    ReplayFailure,
    UnplayedExchanges,
)
from claude_replay.exchange import Body, Request
from claude_replay.faults import Spoiled
from claude_replay.normalize import Canonical, canonicalize, digest_sent
from claude_replay.redact import Redactor
from claude_replay.replay import Asked, Compare, Decider, Miss, Outcome, Play, Record, explain_miss
from claude_replay.session.accounts import count_played
from claude_replay.session.adoption import adopt_journals
from claude_replay.session.answered import Answered, describe_request
from claude_replay.session.driftlog import DriftLog
from claude_replay.session.faulting import Faulting
from claude_replay.session.interning import Interner
from claude_replay.session.livecalls import LiveCalls
from claude_replay.session.loaded import Loaded
from claude_replay.session.recording import Ticket
from claude_replay.session.rules import faults_for, redactor_for, rules_for
from claude_replay.session.run import Run
from claude_replay.session.saving import refuse_foreign
from claude_replay.session.stalenotes import note_stale
from claude_replay.session.tally import Tally
from claude_replay.session.turns import Turns
from claude_replay.session.unplayed import explain_unplayed
from claude_replay.settings import PLAYING_MODES, RECORDING_MODES, Settings, may_send

__all__ = ["Session"]

_MOST_SKIPPED = 5
# Origins of settings that hold for one cassette.
_NAMED_BY = ("marker", "use_cassette()")
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
    tally: Tally = field(init=False)
    closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _interner: Interner = field(default_factory=Interner)
    _fresh: bool = False
    # Set by open().
    _loaded: Loaded = field(init=False)
    _decider: Decider = field(init=False)
    _redactor: Redactor = field(init=False)
    log: DriftLog = field(init=False)
    _turns: Turns | None = None
    live: LiveCalls | None = None
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
        self._redactor = redactor_for(settings, self.environ)
        if mode == "once":
            self._fresh = self.run.claim_new(self.path, exists=self.path.exists())
        if mode in RECORDING_MODES:
            self.tally.notes.extend(adopt_journals(self.path, self.label, settings.dir))
        by_order = settings.match == "sequence"
        rules = rules_for(settings)
        self._loaded = Loaded(
            self.path,
            rules,
            self._redactor,
            by_order=by_order,
            extras=self.extras,
            hosts=settings.record_hosts,
        )
        self._fresh = self._fresh or (mode == "once" and self._loaded.is_waiting_for(self.label))
        if self._fresh or (mode in RECORDING_MODES and mode != "once"):
            refuse_foreign(self.path, self._loaded.cassette.foreign, mode, self.command)
            ensure_writable(self.path)
        cassette = self._loaded.cassette
        self.tally.incomplete = bool(cassette.incomplete)
        self.tally.notes.extend(f"{self.path}: left out: {line}" for line in cassette.skipped[:_MOST_SKIPPED])
        self._decider = Decider(self._loaded.keys, mode, fresh=self._fresh, repeat=settings.repeat)
        self.faulting = Faulting(self._decider, self._loaded.entries, self.tally)
        for fault in faults_for(settings):
            self.faulting.plan.add(fault)
        self.log = DriftLog(self.tally)
        if by_order:
            self._turns = Turns(self._loaded, self._decider, self.log, str(self.path), mode, self.command)
        if may_send(mode):
            self.live = self._make_live()
        return self

    def _make_live(self) -> LiveCalls:
        return LiveCalls(
            self.path,
            self.settings,
            self.run,
            self.label,
            self.command,
            self.explicit,
            self.environ,
            self._redactor,
            self._loaded,
            self._decider,
            self.log,
            self.tally,
            self.answered,
        )

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

        An Entry is to be played, or what a fault makes of one; a Ticket to be sent and its answer reported to
        `live`, None to be sent and forgotten. Raises CassetteMiss, which is remembered as well.
        """
        if self.live is not None:
            self._redactor.learn(request.headers)
        clean = self._redactor.request(request)
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
            live = None if isinstance(outcome, Miss) else self.live
            reserved = self._pay(live, asked, request.body) if live is not None else 0.0
        if live is None:
            raise self._miss(asked, clean, canonical)
        ticket = Ticket(order, clean, canonical, str(asked), reserved=reserved, key=key)
        ticket.sdk = request.headers.get("x-stainless-package-version")
        ticket.injected = due if due is not None and due.fault.is_within else None
        return live.issue(outcome, ticket)

    def _pay(self, live: LiveCalls, asked: Asked, body: Body) -> float:
        try:
            return live.pay(str(asked), body)
        except BudgetReached as stop:
            self.tally.budget_stops += 1
            raise self.remember(stop) from None

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
        if not known or self.settings.mode not in PLAYING_MODES or self.faulting.plan.active:
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
            entry, redactor = self._loaded.entries[outcome.ordinal], self._redactor
            # It does not know the session either, which so is gone with its test.
            answered = Answered(
                lambda: redactor.request(ask(entry.request.body)), headers.get("anthropic-version")
            )
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
                folder="" if self.path.is_absolute() else os.getcwd(),
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
        if self.live is not None:
            self.live.close(passed=passed)
        note_stale(self.tally, self.answered, self.log, self.settings.max_age)
        if passed:
            self.faulting.check()
        self._check_unplayed(passed)

    @property
    def unplayed(self) -> list[str]:
        """The recordings that no request of this session asked for, in a few words each."""
        left = self._decider.unplayed() if self.settings.mode in PLAYING_MODES else []
        return self._loaded.describe_unplayed(self.faulting.excuse(left)) if left else []

    def explain_unplayed(self, left: Sequence[str]) -> UnplayedExchanges:
        """The error for recordings that nobody asked for."""
        return explain_unplayed(self.path, left, len(self._loaded.cassette.entries), self.command)

    def _check_unplayed(self, passed: bool) -> None:
        if self.tally.live or self.tally.recorded or self.settings.mode not in PLAYING_MODES:
            return
        if self.settings.unplayed == "ignore" or (self.explicit and not self._wants_all):
            return
        left = self.tally.unplayed = self.unplayed
        if left and passed and not self.tally.incomplete and self.settings.unplayed == "fail":
            raise self.explain_unplayed(left)

    @property
    def _wants_all(self) -> bool:
        """
        Whether whoever named the cassette says what is to become of unplayed exchanges.

        If not, several tests may play it, and only all of them together can leave something over.
        """
        return self.settings.origins.get("unplayed") in _NAMED_BY

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
