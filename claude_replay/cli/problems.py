"""What is wrong with a file, as one line that editors and CI can jump to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from claude_replay.errors import CassetteLoadError

__all__ = ["Problem", "read_problem"]

_PLACE = re.compile(r":(\d+)(?::\d+)?: ")


@dataclass(frozen=True, slots=True)
class Problem:
    """The line of a file (None: no line in particular), what is wrong there, and what to do about it."""

    line: int | None
    text: str
    advice: str = ""


def read_problem(error: CassetteLoadError, path: Path) -> Problem:
    """The parts of the message of an unreadable cassette."""
    message, _, advice = str(error).partition("\n")
    rest = message.removeprefix(str(path))
    place = _PLACE.match(rest)
    if place is None:
        return Problem(None, rest.removeprefix(": "), advice)
    return Problem(int(place[1]), rest[place.end() :], advice)
