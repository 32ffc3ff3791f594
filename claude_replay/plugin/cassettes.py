"""The cassette of the test that is running."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from claude_replay.api import endpoint_of, last_user_text, model_of
from claude_replay.errors import (
    CassetteLoadError,
    ClaudeReplayError,
    ReplayFailure,
    UnplayedExchanges,
    UnusedFault,
)
from claude_replay.intercept.scope import Scope, enter, leave
from claude_replay.intercept.use import prepare_session
from claude_replay.plugin.config import read_config
from claude_replay.plugin.items import make_session
from claude_replay.replay import Asked
from claude_replay.session import Handle, Session
from claude_replay.session.answered import Answered

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["OpenCassette", "close_cassette", "open_cassette"]

_MANY = 20
_CACHE = "claude_replay.cache.response_cache"
_HINT = "\nIf a response cache answers them, so that nobody asks: CLAUDE_REPLAY_CACHE=off"


class OpenCassette:
    """
    A cassette from before the first fixture of its test until after the last.

    `passed`, `failed` and `xfailed` are what the reports of the test have said so far; `finish` ends the
    fixture it came from.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.finish: Callable[[], None] = lambda: None
        self.passed = self.failed = self.xfailed = False
        self._told: list[ReplayFailure] = []
        self._end = prepare_session(session)
        self._scope = enter(session, ambient=True)

    def note(self, report: pytest.TestReport) -> None:
        """Take note of what a report says about the test."""
        self.failed = self.failed or report.failed
        if report.when == "call":
            self.xfailed = hasattr(report, "wasxfail")
            self.passed = report.passed or self.xfailed

    def take_misses(self) -> list[ReplayFailure]:
        """The misses since the last time."""
        fresh = [miss for miss in self.session.misses if all(miss is not told for told in self._told)]
        self._told.extend(fresh)
        return fresh

    def describe(self) -> str:
        """What was asked until now, and what became of it, for the report of a failing test."""
        settings, answered = self.session.settings, self.session.answered
        origin = f", from {settings.origins['mode']}" if "mode" in settings.origins else ""
        lines = [f"{self.session.path} (mode {settings.mode}{origin})"]
        lines += [f"{number:3}  {_describe_answer(one)}" for number, one in enumerate(answered[:_MANY], 1)]
        if len(answered) > _MANY:
            lines.append(f"     … and {len(answered) - _MANY} more")
        return "\n".join(lines if answered else [*lines, "     nothing was sent"])

    @contextmanager
    def hide(self) -> Iterator[None]:
        """Keep the calls of a fixture that outlives the test out of the test's cassette."""
        hidden: Scope = enter(None, ambient=True)
        try:
            yield
        finally:
            leave(hidden)
            # One that the fixture has opened for longer is not nearer to the test than its own.
            leave(self._scope)
            self._scope = enter(self.session, ambient=True)

    def close(self) -> None:
        """Save and settle; raises ClaudeReplayError, the gravest first."""
        leave(self._scope)
        self._end()
        has_passed = self.passed and not self.failed
        # Who has not come to the end has not come to everything.
        has_ended = has_passed and not self.xfailed
        try:
            self.session.close(passed=has_passed)
        except (UnplayedExchanges, UnusedFault):
            if has_ended:
                raise
        finally:
            if not has_ended:
                self.session.tally.unplayed.clear()


def _describe_answer(answered: Answered) -> str:
    try:
        request, exchange = answered.request, answered.exchange
    except CassetteLoadError:
        return "a recording that cannot be read"
    endpoint = endpoint_of(request)
    asked = Asked(endpoint.operation, model_of(request.body), last_user_text(request.body))
    if answered.fault:
        return f"{asked}: injected {answered.fault}"
    if exchange is None:
        return f"{asked}: no answer"
    became = exchange.response.status or "cancelled"
    return f"{asked}: {'replayed' if answered.played else 'live'}, {became}"


def open_cassette(state: State, request: pytest.FixtureRequest) -> Handle:
    """Open the cassette of a test; what is wrong with it fails the test."""
    __tracebackhide__ = True
    config_values = read_config(state, request)
    try:
        served = None
        if state.serves(request.node):
            from claude_replay.plugin.vcrmarks import read_vcr_mark

            served = read_vcr_mark(state, request)
            state.notes += [note for note in served.notes if note not in state.notes]
        session = make_session(state, request.node, config_values, served).open()
    except ClaudeReplayError as error:
        raise _make_failure(error) from None
    state.test = OpenCassette(session)
    return Handle(session)


def _make_failure(error: ClaudeReplayError) -> BaseException:
    hint = _HINT if isinstance(error, UnplayedExchanges) and _CACHE in sys.modules else ""
    return pytest.fail.Exception(f"claude_replay: {error}{hint}", pytrace=False)


def close_cassette(state: State) -> None:
    """Close the cassette of the test; what cannot be saved or was left over fails the test."""
    __tracebackhide__ = True
    cassette, state.test = state.test, None
    assert cassette is not None
    try:
        cassette.close()
    except ClaudeReplayError as error:
        raise _make_failure(error) from None
    finally:
        state.closed(cassette.session)
        # Whether they were swallowed, or are on their way out of another fixture, the report knows.
        state.stopped += cassette.take_misses()
