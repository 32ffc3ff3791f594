"""Recorded requests, sent again as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from claude_replay.api import describe_endpoint, last_user_text, model_of
from claude_replay.bodies import dump_json
from claude_replay.cassette import Entry
from claude_replay.errors import BudgetReached, CassetteLoadError
from claude_replay.exchange import Json, Request
from claude_replay.intercept.use import open_session
from claude_replay.redact.placeholder import PLACEHOLDER
from claude_replay.replay import Asked
from claude_replay.session import Comparison, Drift, Run, Session
from claude_replay.settings import Settings

__all__ = ["Outcome", "Verified", "Verifier"]

Outcome = Literal["same", "changed", "skipped", "failed"]

# What may be asked again without changing anything but the bill.
_ASKED_AGAIN = ("messages", "messages.count_tokens")
_READ = re.compile(r"GET /v1/models(?:/[^/]+)?")
# A failure that comes and goes; see `Recorder`.
_PASSING = (408, 409, 429)
_SENT_HEADERS = ("anthropic-version", "anthropic-beta")


@dataclass(frozen=True, slots=True)
class Verified:
    """
    What became of one recorded exchange; `number` is its place in the cassette from 1.

    `reason` says why it was skipped or has failed; `comparison` is None then.
    """

    number: int
    asked: str
    outcome: Outcome
    reason: str = ""
    comparison: Comparison | None = None
    drift: tuple[Drift, ...] = ()

    def describe(self) -> str:
        """In a few words."""
        found = self.comparison
        if found is None:
            return f"{self.outcome}: {self.reason}"
        parts: list[str] = [self.outcome]
        if found.similarity is not None:
            parts.append(f"text {found.similarity * 100:.0f} % alike")
        if found.recorded.total_tokens or found.live.total_tokens:
            parts.append(f"{found.recorded.total_tokens:,} → {found.live.total_tokens:,} tokens")
        if found.recorded_seconds is not None and found.live_seconds is not None:
            parts.append(f"{found.recorded_seconds:.1f} → {found.live_seconds:.1f} s")
        return " · ".join(parts)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for programs."""
        found = self.comparison
        return {
            "number": self.number,
            "asked": self.asked,
            "outcome": self.outcome,
            "reason": self.reason,
            "drift": [
                {"path": one.path, "text": one.text, "recorded": one.recorded, "now": one.now}
                for one in self.drift
            ],
            "similarity": found.similarity if found else None,
            "tokens": {"recorded": found.recorded.total_tokens, "now": found.live.total_tokens}
            if found
            else None,
            "seconds": {"recorded": found.recorded_seconds, "now": found.live_seconds} if found else None,
        }


class Verifier:
    """
    Verifies cassettes with one client and one budget.

    `min_similarity` is how alike texts must be, 0 to 1. Calls Claude.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str], min_similarity: float) -> None:
        self._settings = settings
        self._environ = environ
        self._least = min_similarity
        self._run = Run()
        self._is_spent = ""

    def verify(self, path: Path) -> list[Verified]:
        """Every exchange of the cassette at `path`; raises CassetteLoadError."""
        import anthropic

        session = Session(
            path=path,
            settings=self._settings,
            run=self._run,
            label=f"verify {path}",
            command=lambda mode: "claude-replay verify --max-calls N, --max-usd USD",
            environ=self._environ,
            explicit=True,
        ).open()
        with anthropic.Anthropic() as client, open_session(session):
            found = [
                self._verify(session, client, number, entry)
                for number, entry in enumerate(session.entries, 1)
            ]
        session.close(passed=True)
        return found

    def _verify(self, session: Session, client: Any, number: int, entry: Entry) -> Verified:
        try:
            request, asked = entry.request, _describe(entry.request)
            reason = _find_obstacle(entry) or self._is_spent
        except CassetteLoadError as error:
            return Verified(number, "unreadable", "failed", str(error).partition("\n")[0])
        if reason:
            return Verified(number, asked, "skipped", reason)
        before = len(session.log.comparisons)
        try:
            problem = _send(client, request)
        except BudgetReached:
            self._is_spent = "the budget is used up"
            return Verified(number, asked, "skipped", self._is_spent)
        compared = session.log.comparisons[before:]
        if not compared:
            return Verified(number, asked, "failed", problem or "there was no whole answer")
        return self._judge(number, asked, compared[-1])

    def _judge(self, number: int, asked: str, found: Comparison) -> Verified:
        drift = found.drift
        if found.similarity is not None and found.similarity < self._least:
            text = f"text: {found.similarity * 100:.0f} % alike, and {self._least * 100:.0f} % is the least"
            drift = (*drift, Drift("answer", "text", 1.0, found.similarity, text, number, asked))
        return Verified(number, asked, "changed" if drift else "same", "", found, drift)


def _describe(request: Request) -> str:
    operation = describe_endpoint(request.method, request.url).operation
    return str(Asked(operation, model_of(request.body), last_user_text(request.body)))


def _find_obstacle(entry: Entry) -> str:
    """Why this request cannot be sent again as it was; empty where it can."""
    request, (response, _) = entry.request, entry.answer
    operation = describe_endpoint(request.method, request.url).operation
    if operation not in _ASKED_AGAIN and not _READ.fullmatch(operation):
        return "asking again would not be the same, or would change something on the server"
    if operation in _ASKED_AGAIN and not isinstance(request.body, Json):
        return "its body is no JSON"
    content = dump_json(request.json).decode() if isinstance(request.body, Json) else ""
    if PLACEHOLDER in content or PLACEHOLDER in request.url:
        return f"it holds {PLACEHOLDER}, so nobody knows what was really sent"
    if response.ended == "cancelled":
        return "the recorded call was cancelled, so nothing is known of its answer"
    if response.status in _PASSING or response.status >= 500:
        return f"a failure was recorded ({response.status}) that comes and goes"
    return ""


def _send(client: Any, request: Request) -> str:
    """Send a request through the SDK, which reads the whole answer; gives what went wrong on the way."""
    import anthropic

    parts = urlsplit(request.url)
    path = parts.path[parts.path.rfind("/v1/") :]
    headers = {name: request.headers[name] for name in _SENT_HEADERS if name in request.headers}
    options = {"headers": headers, "params": dict(parse_qsl(parts.query, keep_blank_values=True))}
    try:
        if request.method == "GET":
            client.get(path, cast_to=object, options=options)
        else:
            client.post(path, body=request.json, cast_to=object, options=options)
    except anthropic.APIError as error:
        # One with a status is an answer like any other; it has been compared, unless it comes and goes.
        return f"{type(error).__name__}: {error}"
    return ""
