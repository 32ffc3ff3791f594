"""The causes of staleness in the account of a session."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache

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
    today = datetime.now(UTC).date()
    for source, version in played:
        origin = source.origin
        # Without the time it was recorded at they are few.
        when = origin.recorded_at if max_age is not None else None
        for cause in _list_causes(when, origin.sdk, origin.api_version, version, max_age, today):
            tally.stale[cause] = tally.stale.get(cause, 0) + 1
    for model, count in tally.models.items():
        for cause in _list_model_causes(model, today):
            tally.stale[cause] = tally.stale.get(cause, 0) + count
    if changed := len({drift.number for drift in log.found if drift.kind == "request"}):
        tally.stale["another request than the recorded one (match = sequence)"] = changed


@lru_cache(maxsize=256)
def _list_causes(
    recorded_at: str | None,
    sdk: str | None,
    api_version: str | None,
    asked_for: str | None,
    max_age: float | None,
    today: date,
) -> tuple[str, ...]:
    origin = Origin(recorded_at, sdk, api_version)
    return tuple(find_causes(origin, (), read_sdk(), api_version=asked_for, max_age=max_age, today=today))


@lru_cache(maxsize=64)
def _list_model_causes(model: str, today: date) -> tuple[str, ...]:
    return tuple(find_causes(Origin(), [model], read_sdk(), api_version=None, max_age=None, today=today))
