"""An open cassette: file, mode and decision, recording and saving; without any interception."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from claude_replay.api import Endpoint, last_user_text, model_of
from claude_replay.cassette import Entry, ensure_writable, key_of, read_journals
from claude_replay.errors import CassetteError, CassetteLoadError, CassetteMiss, ReplayFailure, UnplayedExchanges
from claude_replay.exchange import Exchange, Meta, Request, Response
from claude_replay.normalize import Canonical, canonicalize
from claude_replay.replay import Asked, Compare, Decider, Miss, Outcome, Pass, Play, explain_miss
from claude_replay.session.accounts import count_played
from claude_replay.session.drift import compare_answers
from claude_replay.session.loaded import Loaded
from claude_replay.session.recording import Recorder, Ticket
from claude_replay.session.rules import redactor_for, rules_for
from claude_replay.session.run import Run
from claude_replay.session.saving import adopt_journals, explain_failure, save_cassette, save_rejected
from claude_replay.session.tally import Tally
from claude_replay.settings import Settings

__all__ = ["Answered", "Session"]

_Failure = TypeVar("_Failure", bound=ReplayFailure)

_RECORDING_MODES = ("once", "new_episodes", "rewrite", "all")


@dataclass(slots=True)
class Answered:
    """A request of this run and, once there is one, its answer; both redacted."""

    request: Request
    source: Entry | None = None
    live: Exchange | None = None
    played: bool = False

    @property
    def exchange(self) -> Exchange | None:
        """Request and answer; None before there is one."""
        return self.source.exchange if self.source is not None else self.live


@dataclass(slots=True)
class Session:
    """
    One cassette in use.

    `label` names the owner in messages and in the file, `command` gives the command line that records in a mode,
    `explicit` says that the path was named by the user, so other owners may share it.
    """

    path: Path
    settings: Settings
    run: Run
    label: str
    command: Callable[[str], str]
    environ: Mapping[str, str]
    explicit: bool = False
    answered: list[Answered] = field(default_factory=list)
    misses: list[ReplayFailure] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    closed: bool = False
    _open_tickets: dict[Ticket, Callable[[], None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # Set by open().
    _loaded: Loaded = field(init=False)
    _decider: Decider = field(init=False)
    _recorder: Recorder = field(init=False)
    _fresh: bool = False

    def open(self) -> Session:
        """
        Read the cassette and get ready.

        Raises CassetteLoadError where the file cannot be read, CassetteSaveError where recording was asked for
        and the folder cannot be written.
        """
        mode, settings = self.settings.mode, self.settings
        self.tally = Tally(label=self.label, cassette=str(self.path), mode=mode, explicit=self.explicit)
        self.tally.notes.extend(settings.notes)
        redactor = redactor_for(settings, self.environ)
        self._recorder = Recorder(self.path, redactor, settings.record_errors)
        if mode in _RECORDING_MODES:
            self._prepare_recording()
        self._loaded = Loaded(self.path, rules_for(settings.ignore), redactor)
        if mode == "once":
            self._fresh = self.run.claim_new(self.path, exists=self._loaded.exists) or self._is_waiting()
        self.tally.incomplete = bool(self._loaded.cassette.incomplete)
        self._decider = Decider(self._loaded.keys, mode, fresh=self._fresh, repeat=settings.repeat)
        return self

    def _is_waiting(self) -> bool:
        return self.label in self._loaded.cassette.incomplete

    def _prepare_recording(self) -> None:
        exists = self.path.exists()
        if self.settings.mode != "once" or not exists:
            ensure_writable(self.path)
        recovered = adopt_journals(self.path, self.label)
        if recovered:
            self.tally.notes.append(f"{self.path}: {recovered} recovered from the journal of a run that was killed")

    # ------------------------------------------------------------------ one request

    def begin(self, request: Request, endpoint: Endpoint) -> Entry | Ticket | None:
        """
        Decide about a request.

        An Entry is to be played, a Ticket to be sent and its answer reported with `finish` or `abandon`, None to
        be sent and forgotten. Raises CassetteMiss, which is remembered as well.
        """
        redactor = self._recorder.redactor
        if self.settings.mode != "none":
            for credential in redactor.credentials_in(request.headers):
                redactor.add_literal(credential)
        clean = redactor.request(request)
        canonical = canonicalize(clean, rules_for(self.settings.ignore), endpoint)
        with self._lock:
            order = len(self.answered)
            answered = Answered(clean)
            self.answered.append(answered)
            try:
                outcome = self._decide(key_of(canonical.fingerprint))
                if isinstance(outcome, Play):
                    answered.source, answered.played = self._loaded.entries[outcome.ordinal], True
                    count_played(self.tally, *answered.source.answer)
                    return answered.source
            except CassetteLoadError as error:
                raise self.remember(CassetteMiss(f"claude_replay: {error}", reason="unreadable")) from None
        asked = Asked(endpoint.operation, model_of(clean.body), last_user_text(clean.body))
        if isinstance(outcome, Miss):
            raise self._miss(asked, canonical)
        if isinstance(outcome, Pass):
            self._count("live")
            return None
        ticket = Ticket(order, request, canonical, str(asked))
        if isinstance(outcome, Compare):
            ticket.compares, ticket.records = outcome.ordinal, False
        else:
            ticket.replaces = outcome.replaces
        self._count("live")
        return ticket

    def _decide(self, key: str) -> Outcome:
        outcome = self._decider.decide(key)
        if isinstance(outcome, (Play, Pass)) or self.settings.mode == "rewrite":
            return outcome
        keys = self._loaded.look_again()
        if keys is None:
            return outcome
        self._decider.rekey(keys)
        return self._decider.decide(key)

    def _count(self, name: str) -> None:
        with self._lock:
            setattr(self.tally, name, getattr(self.tally, name) + 1)

    def _miss(self, asked: Asked, canonical: Canonical) -> CassetteMiss:
        waiting = sum(len(entries) for _, entries in read_journals(self.path))
        miss = explain_miss(
            asked,
            canonical,
            [self._loaded.canonical(entry) for entry in self._loaded.entries],
            cassette=str(self.path),
            exists=self._loaded.exists,
            waiting=waiting,
            mode=self.settings.mode,
            ignored=rules_for(self.settings.ignore).describe(),
            command=self.command,
        )
        with self._lock:
            return self.remember(miss)

    def remember(self, failure: _Failure) -> _Failure:
        """Note a request that was stopped, in case the application swallows the error; gives the error back."""
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
        if not ticket.records:
            self._compare(ticket, response)
            return
        exchange = self._recorder.finish(ticket, response, meta)
        if exchange is not None:
            self.answered[ticket.order].live = exchange

    def _compare(self, ticket: Ticket, response: Response) -> None:
        if ticket.compares is None:
            self.tally.drift.append(f"{ticket.asked}: not in the cassette")
            return
        recorded = self._loaded.entries[ticket.compares].exchange
        clean = self._recorder.redactor.response(response)
        self.answered[ticket.order].live = Exchange(recorded.request, clean)
        self.tally.drift.extend(f"{ticket.asked}: {change}" for change in compare_answers(recorded.response, clean))

    def abandon(self, ticket: Ticket, reason: str) -> None:
        """Take note that a live call brought no whole answer; nothing of it is recorded."""
        with self._lock:
            self._open_tickets.pop(ticket, None)
        # Errors of HTTP libraries may quote a header.
        reason = self._recorder.redactor.text(reason)
        self.tally.notes.append(f"{ticket.asked}: {reason}; not recorded")

    # ------------------------------------------------------------------ the end

    def close(self, *, passed: bool) -> None:
        """
        Save what was recorded and settle the account; does nothing the second time.

        `passed` says whether the owner succeeded. Raises CassetteSaveError, SecretFound, or UnplayedExchanges, the
        gravest first.
        """
        if self.closed:
            return
        for end in list(self._open_tickets.values()):
            end()
        self.closed = True
        recorded = self._recorder.settle(passed=passed)
        self.tally.recorded = len(recorded)
        self.tally.live -= len(recorded)
        problems = self._recorder.problems
        try:
            self._save(passed=passed and not problems)
        except CassetteError as error:
            self._recorder.close(discard=False)
            raise explain_failure(self.path, error, self._recorder.journal_path, recorded) from None
        finally:
            self.tally.notes.extend(self._recorder.notes)
        if problems:
            raise problems[0]
        self._check_unplayed(passed)

    def _save(self, *, passed: bool) -> None:
        settings, recorded = self.settings, self._recorder.settle(passed=passed)
        finished_waiting = self.settings.mode == "once" and self._fresh and self._is_waiting() and passed
        if recorded and not passed and settings.save == "passed":
            self.tally.notes.append(f"{self.path}: {len(recorded)} recorded by a test that did not pass: not kept (save = passed)")
        elif recorded and not passed and settings.mode == "rewrite":
            aside = save_rejected(self.path, recorded)
            self.tally.notes.append(f"{self.path}: the test did not pass, so the cassette was left as it is; recorded: {aside}")
        elif recorded or finished_waiting:
            save_cassette(
                self.path,
                recorded,
                self._loaded,
                replace_all=settings.mode == "rewrite" and self.run.claim_rewrite(self.path),
                label=self.label,
                passed=passed,
            )
            self.tally.incomplete = not passed
        self._recorder.close(discard=True)

    def _check_unplayed(self, passed: bool) -> None:
        if self.tally.live or self.tally.recorded or self.settings.mode not in ("none", "once", "new_episodes"):
            return
        self.tally.unplayed = [self._loaded.describe(ordinal) for ordinal in self._find_unplayed()]
        left = self.tally.unplayed
        # A shared cassette is played by several tests; only all of them together can leave something over.
        if left and passed and not self.explicit and not self.tally.incomplete and self.settings.unplayed == "fail":
            raise UnplayedExchanges(
                f"{self.path}: {len(left)} of {len(self._loaded.entries)} recorded exchanges were not asked for: "
                f"{', '.join(left[:5])}{', …' if len(left) > 5 else ''}\n"
                f"If the test no longer makes these calls, record it anew: {self.command('rewrite')}\n"
                "If this is on purpose: unplayed=\"ignore\" in the marker, or claude_replay_unplayed = ignore"
            )

    def _find_unplayed(self) -> list[int]:
        # Whether a call that is cancelled gets as far as being sent is a matter of time.
        entries = self._loaded.entries
        return [place for place in self._decider.unplayed() if entries[place].answer[0].ended != "cancelled"]

    def raise_swallowed(self, seen: list[BaseException]) -> None:
        """Raise the first miss that is not among the errors `seen`: the application has swallowed it."""
        for miss in self.misses:
            if all(miss is not error for error in seen):
                raise miss

