"""What no longer equals a recording: what is sent, or what Claude answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from claude_replay.matching import Change, summarize
from claude_replay.matching.wording import describe_value

__all__ = ["Drift", "compare_requests", "describe_changes"]

_WIDTH = 60


@dataclass(frozen=True, slots=True)
class Drift:
    """
    One thing that no longer equals the recording.

    `kind` is "request" where something else was sent than the recording answers (`match = sequence`),
    "answer" where Claude now answers otherwise (mode `verify`). `path` says where, `recorded` and `now` what
    stands there, None where nothing does; `text` is that in words. `number` counts the requests of this
    cassette's use from 1, and `asked` says in words what that one asked; both are redacted.
    """

    kind: Literal["request", "answer"]
    path: str
    recorded: object
    now: object
    text: str
    number: int = 0
    asked: str = ""

    def __str__(self) -> str:
        return f"{self.asked}: {self.text}" if self.asked else self.text


def compare_requests(changes: Iterable[Change], *, number: int, asked: str) -> list[Drift]:
    """What a request has that the recording it is answered with has not, and the other way around."""
    return [
        Drift("request", change.path, change.recorded, change.sent, _describe(change), number, asked)
        for change in changes
    ]


def _describe(change: Change) -> str:
    if change.kind == "added":
        return f"{change.path}: only in the request sent ({describe_value(change.sent, _WIDTH)})"
    if change.kind == "removed":
        return f"{change.path}: only in the recording ({describe_value(change.recorded, _WIDTH)})"
    recorded, sent = describe_value(change.recorded, _WIDTH), describe_value(change.sent, _WIDTH)
    return f"{change.path}: recorded {recorded}, sent {sent}"


def describe_changes(asked: str, place: int, changes: Sequence[Change]) -> str:
    """One line for the summary; `place` is that of the recording, from 0."""
    return f"{asked}: answered with number {place + 1}, whose request differs at {summarize(changes)}"
