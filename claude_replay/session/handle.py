"""What a test sees of its cassette."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from claude_replay.api import ToolCall, assemble_message, cost_usd, message_text, message_usage, tool_calls
from claude_replay.cassette.yamltext import emit
from claude_replay.errors import ReplayFailure
from claude_replay.exchange import Exchange, Request, Usage
from claude_replay.faults import make_fault
from claude_replay.session.drift import Drift
from claude_replay.session.injection import Injection
from claude_replay.session.rules import rules_for
from claude_replay.session.session import Session
from claude_replay.session.snapshot import snapshot_requests

if TYPE_CHECKING:
    from anthropic.types import Message
    from anthropic.types.beta import BetaMessage

__all__ = ["Handle"]


class Handle:
    """The cassette of a test while the test runs; everything is in the order in which requests were made."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __repr__(self) -> str:
        return f"<claude_replay {self.path} mode={self.mode} sent={len(self.sent)} played={len(self.played)}>"

    @property
    def path(self) -> Path:
        """The cassette file."""
        return self._session.path

    @property
    def mode(self) -> str:
        """The record mode in force."""
        return self._session.settings.mode

    @property
    def sent(self) -> list[Request]:
        """What this run really sent, redacted; `.json` of each is its body."""
        return [answered.request for answered in self._session.answered]

    @property
    def played(self) -> list[Exchange]:
        """The recorded exchanges that were played."""
        return [
            answered.exchange
            for answered in self._session.answered
            if answered.played and answered.exchange is not None
        ]

    @property
    def misses(self) -> list[ReplayFailure]:
        """The requests that were stopped; a test takes out of this list the ones it expects."""
        return self._session.misses

    @property
    def messages(self) -> list[Message | BetaMessage]:
        """The messages Claude answered with, as SDK types, beta ones for betas; streams are assembled."""
        from anthropic.types import Message
        from anthropic.types.beta import BetaMessage

        return [
            (BetaMessage if _is_beta(request) else Message).construct(None, **message)
            for request, message in self._answers()
        ]

    def _answers(self) -> list[tuple[Request, dict[str, Any]]]:
        answers = []
        for answered in self._session.answered:
            exchange = answered.exchange
            message = assemble_message(exchange.response.body) if exchange is not None else None
            if message is not None:
                answers.append((answered.request, message))
        return answers

    @property
    def text(self) -> str:
        """The text of the last message; empty before there is one."""
        answers = self._answers()
        return message_text(answers[-1][1]) if answers else ""

    @property
    def tool_calls(self) -> list[ToolCall]:
        """Every tool Claude asked for: `.name`, `.input`, `.id`."""
        return [call for _, message in self._answers() for call in tool_calls(message)]

    @property
    def usage(self) -> Usage:
        """The tokens of all messages together."""
        return sum((message_usage(message) for _, message in self._answers()), Usage())

    @property
    def cost_usd(self) -> float | None:
        """What these messages cost when they were live; None where a price is not known (extra `prices`)."""
        answers = self._answers()
        prices = [cost_usd(str(message.get("model", "")), message_usage(message)) for _, message in answers]
        known = [price for price in prices if price is not None]
        return sum(known) if len(known) == len(prices) else None

    @property
    def drift(self) -> list[Drift]:
        """What no longer equals the recording: what was sent (`match = sequence`) or answered (`verify`)."""
        return list(self._session.log.found)

    def inject(
        self,
        fault: str | int,
        *,
        answer: int = 1,
        times: int | str = 1,
        after: int | None = None,
        retry_after: float | None = None,
        seconds: float | None = None,
        sleep: bool = False,
    ) -> Injection:
        """
        Let something go wrong in this cassette from now on, until it closes or the `with` block ends.

        Arguments as those of `claude_replay.inject`; raises SettingsError.
        """
        wanted = make_fault(
            fault,
            answer=answer,
            times=times,
            after=after,
            retry_after=retry_after,
            seconds=seconds,
            sleep=sleep,
        )
        return Injection(self._session, wanted)

    def assert_all_played(self) -> None:
        """
        Raise AssertionError, naming them, where recordings were not asked for until now.

        Tests of their own cassette are checked when they end; this is for shared cassettes, scripts, and the
        middle of a test.
        """
        if left := self._session.unplayed:
            raise AssertionError(str(self._session.explain_unplayed(left)))

    def sent_snapshot(self) -> list[dict[str, Any]]:
        """
        What was sent as plain data, for `assert handle.sent_snapshot() == snapshot`.

        The same in every run, as far as the requests match: what is ignored is gone or `<name>`, ids of tool
        calls are numbered, long base64 data is its length and hash. Each dict has operation and body, query
        and betas where there are any.
        """
        return snapshot_requests(self.sent, rules_for(self._session.settings))

    @property
    def sent_text(self) -> str:
        """The same as YAML text, for snapshots that people read and review."""
        return emit(self.sent_snapshot())


def _is_beta(request: Request) -> bool:
    # Newer SDKs send the same for `client.beta` without betas as for a plain call; older ones said
    # `?beta=true`.
    return "anthropic-beta" in request.headers or ("beta", "true") in parse_qsl(urlsplit(request.url).query)
