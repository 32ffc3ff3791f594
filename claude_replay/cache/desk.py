"""Where calls arrive, from whatever seat: what the cache was told, and what it answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from claude_replay.cache.cassettes import state_of_cassettes
from claude_replay.cache.control import Control, read_environment, read_header
from claude_replay.cache.flight import Place
from claude_replay.cache.keeping import Received
from claude_replay.cache.keys import Bypass, Question, Sent, ask
from claude_replay.cache.lineage import Why
from claude_replay.cache.policy import Found, Policy, Steps, Ticket
from claude_replay.cache.reply import Outcome
from claude_replay.cache.steps import arun, run
from claude_replay.cache.stores.base import Store
from claude_replay.errors import StoreError

__all__ = ["Desk", "Fetch"]


@dataclass(frozen=True, slots=True)
class Desk:
    """
    What all seats of a cache share.

    `version` and `headers_left_out` go into keys, `control` holds where nobody says otherwise.
    """

    store: Store
    policy: Policy
    control: Control
    version: str
    headers_left_out: frozenset[str]
    said: ContextVar[Control]
    last: ContextVar[Outcome | None]

    @contextmanager
    def say(self, control: Control) -> Iterator[None]:
        """Let `control` hold for calls made within the block, by this thread or task and what it starts."""
        token = self.said.set(self.said.get().under(control))
        try:
            yield
        finally:
            self.said.reset(token)

    def hear(self, header: str | None) -> Control:
        """What holds for a call with this control header; raises CacheError."""
        control = self.control.under(self.said.get())
        if header is not None:
            control = control.under(read_header(header))
        return control.under(read_environment(os.environ))

    def glance(self, sent: Sent, control: Control) -> Found | Question | None:
        """
        A plain hit, by the shortest way, in a store that answers at once; the key where there is none.

        None where this call takes more: `decide` then begins at its beginning.
        """
        epoch = self.policy.known_epoch()
        if epoch is None or control.mode not in (None, "on") or state_of_cassettes() == "recording":
            return None
        asked = self._ask(sent, control, epoch)
        if isinstance(asked, Bypass):
            return None
        try:
            found = self.policy.judge(asked, control, self.store.get(asked.key))
        except StoreError:
            # Warned of on the long way.
            return asked
        if not isinstance(found, Found) or found.stale:
            return asked
        self.policy.tally.hit(found.answer, stale=False)
        self.note(Outcome("hit", age=found.age))
        return found

    def decide(
        self,
        sent: Sent,
        control: Control,
        place: Callable[[], Place],
        *,
        first: bool,
        asked: Question | None = None,
    ) -> Steps[Found | Ticket | Outcome]:
        """
        An answer, the right to fetch one, or that the call is none of the cache's business.

        `asked` is the key where it is known already.
        """
        question = asked or (yield from self.ask(sent, control))
        if isinstance(question, Bypass):
            if first:
                self.policy.tally.add(f"bypassed.{question.reason}")
            return self.note(Outcome("bypass", Why(question.reason)))
        result = yield from self.policy.look_up(sent, question, control, place, first=first)
        if isinstance(result, Found):
            self.note(Outcome("stale" if result.stale else "hit", age=result.age, near=result.near))
        else:
            self.note(Outcome("miss", result.why))
        return result

    def ask(self, sent: Sent, control: Control) -> Steps[Question | Bypass]:
        """The key of a call, or why it is not looked up."""
        if control.mode == "bypass":
            return Bypass("asked_for")
        if state_of_cassettes() == "recording":
            return Bypass("cassette_records")
        epoch = yield from self.policy.epoch()
        return self._ask(sent, control, epoch)

    def _ask(self, sent: Sent, control: Control, epoch: int) -> Question | Bypass:
        return ask(
            sent,
            namespace=self.policy.namespace,
            version=self.version,
            epoch=epoch,
            sample=control.sample,
            headers_left_out=self.headers_left_out,
        )

    def note(self, outcome: Outcome) -> Outcome:
        """Remember what was done with the last call of this thread or task."""
        self.last.set(outcome)
        return outcome


class Fetch:
    """A live call and whom to tell of its end (claude_replay.cache.listening.Listener)."""

    __slots__ = ("_desk", "ticket")

    def __init__(self, desk: Desk, ticket: Ticket) -> None:
        self._desk = desk
        self.ticket = ticket

    def settle(self, received: Received | str) -> None:
        """In sync code."""
        run(self._desk.policy.settle(self.ticket, received), self._desk.store)

    async def asettle(self, received: Received | str) -> None:
        """In a task."""
        await arun(self._desk.policy.settle(self.ticket, received), self._desk.store)

    def drop(self) -> None:
        """The answer was dropped unread."""
        if self.ticket.flight is not None:
            self.ticket.flight.finish()
