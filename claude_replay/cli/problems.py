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
    """The line of a file, what is wrong there, and what to do about it."""

    line: int
    text: str
    advice: str = ""


def read_problem(error: CassetteLoadError, path: Path) -> Problem:
    """The parts of the message of an unreadable cassette; line 1 where it names none."""
    message, _, advice = str(error).partition("\n")
    rest = message.removeprefix(str(path))
    place = _PLACE.match(rest)
    if place is None:
        return Problem(1, rest.removeprefix(": "), advice)
    return Problem(int(place[1]), rest[place.end() :], advice)
