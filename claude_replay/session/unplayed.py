"""What a test hears that passed without asking for all that is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from claude_replay.errors import UnplayedExchanges

__all__ = ["explain_unplayed"]

_MOST_NAMED = 5


def explain_unplayed(
    path: Path, left: Sequence[str], total: int, command: Callable[[str], str]
) -> UnplayedExchanges:
    """
    The error for recordings that nobody asked for.

    `left` describes them, `total` counts all in the cassette; `command` gives the command line that records
    in a mode.
    """
    named = ", ".join(left[:_MOST_NAMED]) + (", …" if len(left) > _MOST_NAMED else "")
    return UnplayedExchanges(
        f"{path}: {len(left)} of {total} recorded exchanges were not asked for: {named}\n"
        f"If the test no longer makes these calls, record it anew: {command('rewrite')}\n"
        'If this is on purpose: unplayed="ignore" in the marker, or claude_replay_unplayed = ignore'
    )
