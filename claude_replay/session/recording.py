"""Finished exchanges on their way into the cassette."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from claude_replay.cassette import Entry, Form, Journal, Media, Recorded, Writer, drop_notes, key_of
from claude_replay.errors import CassetteSaveError, ClaudeReplayError, SecretFound
from claude_replay.exchange import Exchange, Meta, Request, Response
from claude_replay.faults import Injected
from claude_replay.normalize import Canonical
from claude_replay.redact import Redactor
from claude_replay.session.bursts import Bursts
from claude_replay.session.dates import Clock

__all__ = ["RETRYABLE", "Recorder", "Ticket", "find_secret"]

RETRYABLE = frozenset({408, 409, 429}) | frozenset(range(500, 600))
"""Statuses after which the SDK tries again (anthropic 2.12, `_base_client._should_retry`)."""


@dataclass(eq=False, slots=True)
class Ticket:
    """
    A live call that is under way.

    `order` is its place among the requests issued, `asked` says in words what it asks. `replaces` is the
    digest of the recording it is made for anew; `compares` the place of the one it is compared with, if it is
    not recorded; `injected` a fault that shall happen to the answer; `reserved` what it may cost; `key` that of
    the decision; `sdk` the version of the anthropic package that asks, as it says.
    """

    order: int
    request: Request
    canonical: Canonical
    asked: str
    replaces: str = ""
    compares: int | None = None
    records: bool = True
    injected: Injected | None = None
    reserved: float = 0.0
    key: str = ""
    sdk: str | None = None


@dataclass(slots=True)
class Recorder:
    """
    Takes finished exchanges, redacts them and keeps them in the journal until the cassette is saved.

    `media` is where side files go. `has_own_rules` says that requests are not compared under the default matching
    rules, as ids are. `problems` are errors that must surface when the cassette closes; `notes`
    are lines for people.
    """

    path: Path
    redactor: Redactor
    journal: Journal
    media: Media
    record_errors: bool
    clock: Clock
    has_own_rules: bool = False
    problems: list[ClaudeReplayError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _recorded: list[Recorded] = field(default_factory=list)
    _held: list[tuple[Ticket, Exchange]] = field(default_factory=list)
    _unread: list[tuple[Ticket, Exchange]] = field(default_factory=list)
    # Writes the journal, in which exchanges stand in the order in which they were finished.
    _writer: Writer = field(default_factory=Writer)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _bursts: Bursts = field(default_factory=Bursts)

    def begin(self, ticket: Ticket) -> None:
        """Take note of a call that is about to be sent; `finish` or `abandon` follows."""
        self._bursts.begin(ticket.order, ticket.request, ticket.canonical.fingerprint)

    def abandon(self, ticket: Ticket) -> None:
        """Take note that a call brought no whole answer."""
        self._bursts.end(ticket.order)

    def finish(self, ticket: Ticket, response: Response, meta: Meta) -> Exchange | None:
        """Take a finished exchange; None where it is not to be recorded."""
        self._bursts.end(ticket.order)
        exchange = self.redactor.exchange(Exchange(ticket.request, response, meta))
        sdk = ticket.sdk
        if sdk is not None and not re.fullmatch(r"[0-9][0-9A-Za-z.+-]{0,30}", sdk):
            sdk = None
        exchange = replace(exchange, meta=self.clock.date(replace(meta, sdk=sdk)))
        if response.status == 401:
            self.notes.append(f"{ticket.asked}: answered 401, the key was refused; not recorded")
            return None
        if response.status in RETRYABLE and not self.record_errors:
            with self._lock:
                self._held.append((ticket, exchange))
            return exchange
        if response.status < 400:
            self._forget_overcome(ticket)
        if response.ended == "complete":
            self._keep(ticket, exchange)
        else:
            with self._lock:
                self._unread.append((ticket, exchange))
        return exchange

    def _forget_overcome(self, ticket: Ticket) -> None:
        with self._lock:
            fingerprint = ticket.canonical.fingerprint
            kept = [item for item in self._held if item[0].canonical.fingerprint != fingerprint]
            overcome, self._held = len(self._held) - len(kept), kept
        if overcome:
            self.notes.append(
                f"{ticket.asked}: {overcome} failed before it succeeded; only the answer was recorded"
            )

    def _keep(self, ticket: Ticket, exchange: Exchange) -> None:
        is_known = exchange.request is ticket.request and not self.has_own_rules
        entry = Entry(exchange=exchange, key=key_of(ticket.canonical.fingerprint) if is_known else None)
        with self._lock:
            try:
                form = self._writer.form(entry)
            except ValueError as error:
                problem = f"{self.path}: {ticket.asked}: not saved, for {error}"
                self.problems.append(CassetteSaveError(problem))
                return
            if place := find_secret(exchange, form, self.redactor):
                self.problems.append(_secret_found(self.path, ticket.asked, place))
                return
            self._recorded.append(Recorded(ticket.order, entry, ticket.replaces))
            try:
                self.media.write(form.files)
                self.journal.append(Recorded(ticket.order, form.entry, ticket.replaces))
                self._writer.keep(entry, form)
            except (OSError, CassetteSaveError) as error:
                self._note_refusal(error)
            else:
                if self.journal.refusal is not None:
                    self._note_refusal(self.journal.refusal)

    def _note_refusal(self, error: OSError | CassetteSaveError) -> None:
        # What was recorded is still in memory, and saving the cassette may yet succeed.
        reason = error.strerror if isinstance(error, OSError) else error
        note = f"the journal of {self.path} cannot be written: {reason}"
        if note not in self.notes:
            self.notes.append(note)

    def settle(self, *, passed: bool) -> Sequence[Recorded]:
        """
        Everything to be saved, in the order of `Bursts`; failures nobody overcame are kept.

        Answers that were not read to their end are kept only if the owner `passed`: else it may be a fault
        that stopped the reading, and once it is mended there would be nothing to read on.
        """
        with self._lock:
            held, self._held = self._held, []
            unread, self._unread = self._unread, []
        if unread and not passed:
            self.notes.append(f"{self.path}: {_count_answers(len(unread))}; not recorded")
        for ticket, exchange in [*held, *(unread if passed else [])]:
            self._keep(ticket, exchange)
        with self._lock:
            return self._bursts.sort(self._recorded)


def find_secret(exchange: Exchange, form: Form, redactor: Redactor) -> str | None:
    """Where what is to be written still holds a secret: in the exchange, its text, or a side file."""
    # One look at the text, nearly always.
    if not form.files and not form.entry.labels and redactor.is_clean(exchange, form.data):
        return None
    if place := redactor.find(exchange):
        return place
    if redactor.find_in_text(drop_notes(form.data.decode("utf-8"))):
        return "the written text"
    found = (name for name, content in form.files.items() if redactor.find_in_data(content))
    return next((f"the side file {name}" for name in found), None)


def _count_answers(count: int) -> str:
    answers = "1 answer was" if count == 1 else f"{count} answers were"
    return f"{answers} not read to the end, and the test did not pass"


def _secret_found(path: Path, asked: str, place: str) -> SecretFound:
    return SecretFound(
        f"{path}: {asked}: what was to be written still holds a secret at {place}; this exchange was not "
        "saved and is not in the journal. Take the secret out of the code under test, or name its shape: "
        "claude_replay_redact = <regular expression>"
    )
