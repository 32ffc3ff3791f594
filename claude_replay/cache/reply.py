"""Answers from the shelf as responses of httpx or httpx2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal

from claude_replay.cache.control import CONTROL_HEADER
from claude_replay.cache.crossing import without_usage
from claude_replay.cache.fallback import NEAR_HEADER, Near
from claude_replay.cache.lineage import Why
from claude_replay.cache.pacing import Pace, make_paced
from claude_replay.cache.policy import Found

__all__ = ["Outcome", "UsageOnHit", "build_response", "mark"]

UsageOnHit = Literal["original", "zero"]
Status = Literal["hit", "stale", "miss", "bypass"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What the cache did with a call.

    `status` is "hit", "stale" (given although its time was over, a fresh one is being fetched), "miss" or
    "bypass"; `why` names the reason of the last two ("new_turn", "server_tools", ...) and its detail. `age` is
    that of a hit in seconds; `near` says for which other request a hit was kept, if it was.
    """

    status: Status
    why: Why | None = None
    age: float | None = None
    near: Near | None = None

    def header(self) -> str:
        """As the response header says it."""
        if self.why is None:
            return self.status
        detail = f"; detail={self.why.detail}" if self.why.detail else ""
        return f"{self.status}; reason={self.why.reason}{detail}"


def build_response(
    library: ModuleType,
    found: Found,
    *,
    stream: bool,
    unread: bool,
    usage: UsageOnHit,
    pace: Pace,
    request: Callable[[], Any],
) -> Any:
    """
    A response that carries a stored answer, marked as such.

    `unread` leaves reading the body to the caller, as for a live one that is streamed; `request` makes the request
    that it answers.
    """
    content = without_usage(found.content, stream=stream) if usage == "zero" else found.content
    headers = {
        **found.answer.headers,
        "content-type": "text/event-stream; charset=utf-8" if stream else "application/json",
        CONTROL_HEADER: "stale" if found.stale else "hit",
        "age": str(int(found.age)),
    }
    if found.near is not None:
        headers[NEAR_HEADER] = found.near.header()
    if pace != "instant" and stream and unread:
        answer = found.answer
        body = make_paced(library, content, answer.times, answer.seconds, pace)
    else:
        body = library.ByteStream(content)
    response = _shelved(library)(200, headers=headers, stream=body)
    response.shelve(content, request, unread=unread)
    return response


@lru_cache(maxsize=4)
def _shelved(library: ModuleType) -> Callable[..., Any]:
    base: Any = library.Response

    class Shelved(base):  # type: ignore[misc]
        """
        A response that is there already, so that little has to be done for it.

        Most of what httpx does to read a body is for bodies on their way; few ask for the request.
        """

        def shelve(self, content: bytes, request: Callable[[], Any], *, unread: bool) -> None:
            self._make_request = request
            self._elapsed = timedelta(0)
            if not unread:
                self._content = content
                self.is_closed = self.is_stream_consumed = True

        @property
        def request(self) -> Any:
            """The request that was not sent."""
            sent: Any = getattr(self, "_request", None)
            if sent is None:
                self.request = sent = self._make_request()
            return sent

        @request.setter
        def request(self, value: Any) -> None:
            self._request = value

    return Shelved


def mark(response: Any, outcome: Outcome) -> None:
    """Say in the headers of a live response what the cache did."""
    response.headers[CONTROL_HEADER] = outcome.header().encode("ascii", "replace").decode()
