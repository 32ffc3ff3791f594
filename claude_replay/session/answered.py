"""A request of this run, and what answered it."""

from __future__ import annotations

from collections.abc import Callable

from claude_replay.api import Endpoint, last_user_text, model_of
from claude_replay.cassette import Entry
from claude_replay.exchange import Exchange, Request
from claude_replay.replay import Asked

__all__ = ["Answered", "describe_request"]


class Answered:
    """
    A request of this run and, once there is one, its answer; both redacted.

    `request` may be given as a function that makes it when somebody looks; `fault` is what was injected in place
    of an answer, in words; `version` is the version of the API that was asked for. There is no useful repr on
    purpose: reports of failed tests print the values of variables, and what the function knows is not redacted.
    """

    __slots__ = ("_request", "fault", "live", "played", "source", "version")

    def __init__(self, request: Request | Callable[[], Request], version: str | None = None) -> None:
        self._request = request
        self.version = version
        self.source: Entry | None = None
        self.live: Exchange | None = None
        self.played = False
        self.fault = ""

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


def describe_request(endpoint: Endpoint, clean: Request) -> Asked:
    """A redacted request in words."""
    return Asked(endpoint.operation, model_of(clean.body), last_user_text(clean.body))
