"""Finished exchanges on their way into the cassette."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from claude_replay.cassette import Entry, Journal
from claude_replay.errors import SecretFound
from claude_replay.exchange import Exchange, Meta, Request, Response
from claude_replay.normalize import Canonical
from claude_replay.redact import Redactor

__all__ = ["RETRYABLE", "Recorder", "Ticket"]

RETRYABLE = frozenset({408, 409, 429}) | frozenset(range(500, 600))
"""Statuses after which the SDK tries again (anthropic 2.12, `_base_client._should_retry`)."""


@dataclass(eq=False, slots=True)
class Ticket:
    """A live call that is under way; `order` is its place among the requests issued."""

    order: int
    request: Request
    canonical: Canonical
    asked: str
    replaces: int | None = None
    compares: int | None = None
    records: bool = True


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finished exchange, redacted, ready to be written."""

    order: int
    entry: Entry
    replaces: int | None = None


@dataclass(slots=True)
class Recorder:
    """
    Takes finished exchanges, redacts them and keeps them in the journal until the cassette is saved.

    `problems` are errors that must surface when the cassette closes; `notes` are lines for people.
    """

    path: Path
    redactor: Redactor
    record_errors: bool
    recorded: list[Recorded] = field(default_factory=list)
    problems: list[Exception] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _held: list[tuple[Ticket, Exchange]] = field(default_factory=list)
    _unread: list[tuple[Ticket, Exchange]] = field(default_factory=list)
    _journal: Journal | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def finish(self, ticket: Ticket, response: Response, meta: Meta) -> Exchange | None:
        """Take a finished exchange; None where it is not to be recorded."""
        exchange = self.redactor.exchange(Exchange(ticket.request, response, meta))
        exchange = replace(exchange, meta=replace(meta, recorded_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"))
        if response.status == 401:
            self.notes.append(f"{ticket.asked}: answered 401, the key was refused; nothing was recorded")
            return None
        if response.status in RETRYABLE and not self.record_errors:
            with self._lock:
                self._held.append((ticket, exchange))
            return exchange
        if response.status < 400:
            self._forget_overcome(ticket)
        if response.ended != "complete":
            with self._lock:
                self._unread.append((ticket, exchange))
            return exchange
        self._keep(ticket, exchange)
        return exchange

    def _forget_overcome(self, ticket: Ticket) -> None:
        with self._lock:
            kept = [item for item in self._held if item[0].canonical.fingerprint != ticket.canonical.fingerprint]
            overcome, self._held = len(self._held) - len(kept), kept
        if overcome:
            self.notes.append(f"{ticket.asked}: {overcome} failed before it succeeded; only the answer was recorded")

    def _keep(self, ticket: Ticket, exchange: Exchange) -> None:
        try:
            entry = Entry.of(exchange)
            place = self.redactor.find(exchange)
            if place is None and self.redactor.find_in_text(entry.data.decode("utf-8")):
                place = "the written text"
        except ValueError as error:
            self.problems.append(SecretFound(f"{self.path}: {ticket.asked}: cannot be written: {error}"))
            return
        if place is not None:
            self.problems.append(_secret_found(self.path, ticket.asked, place))
            return
        with self._lock:
            self.recorded.append(
                Recorded(ticket.order, entry, ticket.replaces)
            )
            if self._journal is None:
                self._journal = Journal(self.path)
        try:
            self._journal.append(ticket.order, entry)
        except OSError as error:
            # It is still in memory, and saving the cassette may yet succeed.
            self.notes.append(f"the journal of {self.path} cannot be written: {error.strerror}")

    def settle(self, *, passed: bool) -> Sequence[Recorded]:
        """
        Everything to be saved, in the order in which it was issued; failures nobody overcame are kept.

        Answers that were not read to their end are kept only if the owner `passed`: else a fault may have stopped
        the reading, and once it is mended nothing would be there to read on.
        """
        with self._lock:
            held, self._held = self._held, []
            unread, self._unread = self._unread, []
        if unread and not passed:
            count = "1 answer was" if len(unread) == 1 else f"{len(unread)} answers were"
            self.notes.append(f"{self.path}: {count} not read to the end, and the test did not pass; not recorded")
        for ticket, exchange in [*held, *(unread if passed else [])]:
            self._keep(ticket, exchange)
        return sorted(self.recorded, key=lambda item: item.order)

    @property
    def journal_path(self) -> Path | None:
        """Where the journal is; None where nothing was kept yet."""
        return self._journal.path if self._journal is not None else None

    def close(self, *, discard: bool) -> None:
        """Close the journal; `discard` removes it because its exchanges are safe."""
        if self._journal is not None:
            self._journal.close(discard=discard)


def _secret_found(path: Path, asked: str, place: str) -> SecretFound:
    return SecretFound(
        f"{path}: {asked}: what was to be written still holds a secret at {place}; this exchange was not saved and "
        "is not in the journal. Take the secret out of the code under test, or name its shape: "
        "claude_replay_redact = <regular expression>"
    )
