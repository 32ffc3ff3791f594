"""A request of this run, and what answered it."""

from __future__ import annotations

from collections.abc import Callable

from claude_replay.cassette import Entry
from claude_replay.exchange import Exchange, Request

__all__ = ["Answered"]


class Answered:
    """
    A request of this run and, once there is one, its answer; both redacted.

    `request` may be given as a function that makes it when somebody looks. There is no useful repr on purpose:
    reports of failed tests print the values of variables, and what the function knows is not redacted.
    """

    __slots__ = ("_request", "live", "played", "source")

    def __init__(self, request: Request | Callable[[], Request]) -> None:
        self._request = request
        self.source: Entry | None = None
        self.live: Exchange | None = None
        self.played = False

    @property
    def request(self) -> Request:
        """What was asked."""
        if not isinstance(self._request, Request):
            self._request = self._request()
        return self._request

    @property
    def exchange(self) -> Exchange | None:
        """Request and answer; None before there is one."""
        return self.source.exchange if self.source is not None else self.live
