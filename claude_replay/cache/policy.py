"""When an answer is given from the shelf, who fetches it otherwise, and what is kept: everything but the I/O."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from claude_replay.cache.control import Control, Mode, to_seconds
from claude_replay.cache.crossing import content_for
from claude_replay.cache.entry import Entry, Selection, Stored
from claude_replay.cache.envelope import Answer, load_answer
from claude_replay.cache.fallback import Fallback, Fallbacks, Near
from claude_replay.cache.flight import Flight, Flights, Place
from claude_replay.cache.keeping import Keeper, Received
from claude_replay.cache.keys import Question, Sent
from claude_replay.cache.lineage import Why, explain, marks_to_ask
from claude_replay.cache.statistics import Tally
from claude_replay.cache.steps import Ask, Await, Pause, Step, Work
from claude_replay.errors import CacheMiss, StoreError

__all__ = ["FLUSH_AT", "Found", "Policy", "Ticket", "Times"]

_log = logging.getLogger("claude_replay.cache")
_Result = TypeVar("_Result")
Steps = Generator[Step, Any, _Result]

_READING: tuple[Mode, ...] = ("on", "only", "read")
_FETCHING_TOGETHER: tuple[Mode, ...] = ("on", "read")
_KEEPING: tuple[Mode, ...] = ("on", "refresh", "write")
# Between two looks at what another process fetches, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25
_WARN_EVERY = 60.0
FLUSH_AT = 64
"""Hits after which the store is told of them."""


@dataclass(frozen=True, slots=True)
class Times:
    """
    Time spans in seconds.

    `ttl` None keeps answers for ever; `jitter` (0 to 1) takes up to that share off it, so that what was kept
    together does not run out together. `stale` is how long after its time an answer may still be given while a
    fresh one is fetched. `wait` is the longest a call waits for another that fetches the same, and how long a
    process has the exclusive right to fetch. `epoch` is how long a process may not know of another's `clear()`.
    """

    ttl: float | None
    jitter: float = 0.0
    stale: float = 0.0
    wait: float = 60.0
    epoch: float = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """
    An answer from the shelf, and its body for this caller; `age` in seconds.

    A `stale` one is to be fetched anew meanwhile; `near` says for what it was kept, where that is not just what was
    asked.
    """

    answer: Answer
    content: bytes
    age: float
    stale: bool = False
    near: Near | None = None


@dataclass(slots=True)
class Ticket:
    """The right to fetch an answer; give it back with `Policy.settle`, once."""

    sent: Sent
    question: Question
    control: Control
    mode: Mode
    created: float
    why: Why
    flight: Flight | None = None
    holder: str = ""
    epochs: tuple[int, ...] | None = None
    kept: Entry | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def keeps(self) -> bool:
        """Whether its answer is to be kept."""
        return self.mode in _KEEPING


class Policy:
    """Decides in steps (claude_replay.cache.steps); one for each cache."""

    def __init__(
        self,
        *,
        namespace: str,
        times: Times,
        keeper: Keeper,
        tally: Tally,
        clock: Callable[[], float],
        fallbacks: Sequence[Fallback] = (),
    ) -> None:
        self.namespace = namespace
        self.times = times
        self.tally = tally
        self._keeper = keeper
        self._fallbacks = Fallbacks(fallbacks, self._fail)
        self._clock = clock
        self._flights = Flights()
        # Who waits for another process at this moment.
        self.waiting: set[str] = set()
        self._epoch, self._epoch_read = 0, float("-inf")
        self._warned = float("-inf")
        self._lock = threading.Lock()

    # ------------------------------------------------------------------ before the call

    def known_epoch(self) -> int | None:
        """The epoch of the namespace; None where it is time to ask the store."""
        return self._epoch if time.monotonic() - self._epoch_read < self.times.epoch else None

    def epoch(self) -> Steps[int]:
        """The epoch of the namespace, read anew after a while."""
        if self.known_epoch() is None:
            epochs = yield from self._try(Ask("epochs", ([self._name("")],)), (self._epoch,))
            self._epoch, self._epoch_read = epochs[0], time.monotonic()
        return self._epoch

    def look_up(
        self, sent: Sent, question: Question, control: Control, place: Callable[[], Place], *, first: bool
    ) -> Steps[Found | Ticket]:
        """
        An answer, or the right to fetch one. `first` says that this is not the SDK's retry of a call.

        Raises CacheMiss in mode "only".
        """
        mode: Mode = control.mode or "on"
        why = Why(mode)
        if mode in _READING:
            found = yield from self._read(question, control)
            if not isinstance(found, Found) and self._fallbacks:
                found = (yield from self._find_near(sent, question, control)) or found
            if isinstance(found, Found):
                return found
            why = yield from self._explain(question, found)
        if mode == "only":
            self.tally.add(f"misses.{why.reason}")
            raise CacheMiss(_describe_miss(sent, question, why), reason=why.reason)
        ticket = Ticket(sent, question, control, mode, self._clock(), why)
        if mode in _FETCHING_TOGETHER:
            together = yield from self._take_off(ticket, place())
            if together is not None:
                return together
        if first:
            self.tally.add(f"misses.{why.reason}")
        if ticket.keeps:
            yield from self._note_epochs(ticket)
        return ticket

    def renew(self, sent: Sent, question: Question, control: Control, place: Place) -> Steps[Ticket | None]:
        """The right to fetch a stale answer anew; None where somebody does already."""
        flight, leads = self._flights.join(place, question.key)
        if not leads:
            return None
        ticket = Ticket(sent, question, control, "refresh", self._clock(), Why("stale"), flight)
        leads = False
        try:
            holder = uuid.uuid4().hex
            if (yield from self._try(Ask("lease", (question.key, holder, self.times.wait)), True)):
                ticket.holder = holder
                yield from self._note_epochs(ticket)
                leads = True
        finally:
            if not leads:
                flight.finish()
        return ticket if leads else None

    def _read(self, question: Question, control: Control) -> Steps[Found | str]:
        """What is on the shelf, or why that cannot be given: empty where there is nothing."""
        stored: Stored | None = yield from self._try(Ask("get", (question.key,)), None)
        found = self.judge(question, control, stored)
        if isinstance(found, Found):
            self.tally.hit(found.answer, stale=found.stale)
            yield from self.flush(FLUSH_AT)
        return found

    def judge(self, question: Question, control: Control, stored: Stored | None) -> Found | str:
        """An entry as a hit, or why it cannot be given."""
        if stored is None:
            return ""
        try:
            answer = load_answer(stored.envelope)
            content = content_for(answer, stream=question.wants_stream)
        except ValueError as error:
            self._warn(f"an entry is left out: {error}")
            return "unreadable"
        now = self._clock()
        age = max(now - stored.created, 0.0)
        if control.ttl is not None and age >= (to_seconds(control.ttl) or 0.0):
            return "expired"
        stale = answer.stale_at is not None and now >= answer.stale_at
        return Found(answer, content, age, stale)

    def _find_near(self, sent: Sent, question: Question, control: Control) -> Steps[Found | None]:
        match = yield from self._fallbacks.find(sent, question)
        if match is None:
            return None
        key, near = match
        found = yield from self._read(replace(question, key=key), control)
        if not isinstance(found, Found):
            return None
        self.tally.add(f"near.{near.kind}")
        return replace(found, near=near)

    def _explain(self, question: Question, reason: str) -> Steps[Why]:
        if reason:
            return Why(reason)
        marks = marks_to_ask(question.lineage, question.space)
        kin = yield from self._try(Ask("kin", (marks,)), [])
        return explain(question.lineage, kin)

    # ------------------------------------------------------------------ one fetches, the others wait

    def _take_off(self, ticket: Ticket, place: Place) -> Steps[Found | None]:
        """Become the one who fetches, or have what another one fetched meanwhile."""
        key, deadline = ticket.question.key, time.monotonic() + self.times.wait
        while True:
            flight, leads = self._flights.join(place, key)
            if leads:
                break
            left = deadline - time.monotonic()
            # Who holds a stream open and asks the same again would wait for itself.
            if flight.owner == place.me or left <= 0:
                return None
            yield Await(flight, left)
            found = yield from self._read(ticket.question, ticket.control)
            if isinstance(found, Found):
                return found
        ticket.flight, flies = flight, False
        try:
            fetched = yield from self._lead(ticket, deadline)
            flies = fetched is None
        finally:
            if not flies:
                flight.finish()
        return fetched

    def _lead(self, ticket: Ticket, deadline: float) -> Steps[Found | None]:
        """Agree with other processes; the shelf is looked at again, as it may have been filled since."""
        key, holder, pause = ticket.question.key, uuid.uuid4().hex, _FIRST_PAUSE
        while True:
            # A store that fails gives everybody the right to fetch.
            leased = yield from self._try(Ask("lease", (key, holder, self.times.wait)), True)
            found = yield from self._read(ticket.question, ticket.control)
            if isinstance(found, Found):
                if leased:
                    yield from self._try(Ask("release", (key, holder)), None)
                return found
            if leased or time.monotonic() >= deadline:
                ticket.holder = holder if leased else ""
                return None
            self.waiting.add(holder)
            try:
                yield Pause(pause)
            finally:
                self.waiting.discard(holder)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _note_epochs(self, ticket: Ticket) -> Steps[None]:
        ticket.epochs = yield from self._try(Ask("epochs", (self._names(ticket),)), None)

    def _names(self, ticket: Ticket) -> list[str]:
        tags = [self._name("tag", tag) for tag in sorted(ticket.control.tags)]
        return [self._name(""), self._name("model", ticket.question.model), *tags]

    def _name(self, kind: str, value: str = "") -> str:
        return f"{self.namespace}\n{kind}\n{value}"

    # ------------------------------------------------------------------ after the call

    def settle(self, ticket: Ticket, received: Received | str) -> Steps[str | None]:
        """
        Take an answer, or why there is none; gives why it was not kept, None where it was.

        Everybody who waits for it goes on then.
        """
        try:
            reason = yield from self._keep(ticket, received) if ticket.keeps else _nothing("mode")
            if ticket.keeps:
                self.tally.add(f"not_kept.{reason}" if reason else "kept")
        finally:
            if ticket.flight is not None:
                ticket.flight.finish()
            if ticket.holder:
                yield from self._try(Ask("release", (ticket.question.key, ticket.holder)), None)
        if ticket.kept is not None:
            yield from self._fallbacks.index(ticket.sent, ticket.question, ticket.kept)
        yield from self.flush(1)
        return reason

    def _keep(self, ticket: Ticket, received: Received | str) -> Steps[str | None]:
        if isinstance(received, str):
            return received
        entry = yield Work(self._keeper.make_entry, (ticket, received, self.namespace, self.times))
        if isinstance(entry, str):
            return entry
        entry = self._fallbacks.mark(ticket.sent, ticket.question, entry)
        failed = object()
        epochs = yield from self._try(Ask("epochs", (self._names(ticket),)), failed)
        if ticket.epochs is None or epochs is failed:
            return "store_failed"
        if epochs != ticket.epochs:
            # Asked before a clear(), answered after it.
            return "cleared"
        if ticket.mode == "write" and (yield from self._try(Ask("get", (entry.key,)), None)):
            return "kept_before"
        done = yield from self._try(Ask("put", (entry,)), failed)
        if done is not failed:
            ticket.kept = entry
        return "store_failed" if done is failed else None

    def clear(self, *, model: str | None, tag: str | None, age: float | None) -> Steps[int]:
        """Forget entries of this namespace; `age` in seconds. Raises StoreError."""
        if age is None:
            names = [self._name("model", model)] if model is not None else []
            names += [self._name("tag", tag)] if tag is not None else []
            for name in names or [self._name("")]:
                # What was asked before is not kept when it arrives.
                yield Ask("advance", (name,))
            self._epoch_read = float("-inf")
        selection = Selection(self.namespace, model, tag, None if age is None else self._clock() - age)
        removed: int = yield Ask("delete_where", (selection,))
        return removed

    def flush(self, at_least: int) -> Steps[None]:
        """Tell the store what was counted."""
        pending: Mapping[str, float] = self.tally.take_pending(at_least)
        if pending:
            yield from self._try(Ask("count", (pending,)), None)

    # ------------------------------------------------------------------ a store that fails

    def _try(self, step: Ask, otherwise: Any) -> Steps[Any]:
        """What the store gives; where it fails, `otherwise` and a warning."""
        result = yield Ask(step.method, step.args, tried=True)
        if not isinstance(result, StoreError):
            return result
        self._fail(f"{result}; calls go on without the cache")
        return otherwise

    def _fail(self, text: str) -> None:
        self.tally.add("failures")
        self._warn(text)

    def _warn(self, text: str) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._warned < _WARN_EVERY:
                return
            self._warned = now
        _log.warning("claude_replay: response cache: %s", text)


def _nothing(reason: str) -> Steps[str]:
    return reason
    yield


def _describe_miss(sent: Sent, question: Question, why: Why) -> str:
    from claude_replay.api import last_user_text
    from claude_replay.exchange import Json

    text = " ".join(last_user_text(Json(sent.body)).split())
    asked = f"{text[:57]}..." if len(text) > 60 else text
    return (
        "claude_replay: the response cache holds no answer to this request, and was told to answer alone "
        f'(mode "only")\n  asked     {question.model} · "{asked}"\n  why       {why}\n'
        '  fill it:  make the call once without mode "only"'
    )
