"""The causes of staleness in the account of a session."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from claude_replay.api import read_sdk
from claude_replay.cassette import Origin
from claude_replay.session.answered import Answered
from claude_replay.session.driftlog import DriftLog
from claude_replay.session.staleness import find_causes
from claude_replay.session.tally import Tally

__all__ = ["note_stale"]


def note_stale(tally: Tally, answered: Iterable[Answered], log: DriftLog, max_age: float | None) -> None:
    """Count what was played and is stale, by cause."""
    played = [(one.source, one.version) for one in answered if one.played and one.source is not None]
    if not played:
        return
    facts, today = read_sdk(), datetime.now(UTC).date()
    for source, version in played:
        causes = find_causes(source.origin, (), facts, api_version=version, max_age=max_age, today=today)
        for cause in causes:
            tally.stale[cause] = tally.stale.get(cause, 0) + 1
    for model, count in tally.models.items():
        for cause in find_causes(Origin(), [model], facts, api_version=None, max_age=None, today=today):
            tally.stale[cause] = tally.stale.get(cause, 0) + count
    if changed := len({drift.number for drift in log.found if drift.kind == "request"}):
        tally.stale["another request than the recorded one (match = sequence)"] = changed
