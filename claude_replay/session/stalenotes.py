"""The causes of staleness in the account of a session."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from claude_replay.api import read_sdk
from claude_replay.cassette import Origin
from claude_replay.session.answered import Answered
from claude_replay.session.driftlog import DriftLog
from claude_replay.session.staleness import find_causes
from claude_replay.session.tally import Tally

__all__ = ["note_stale"]

_EPOCH = date(1970, 1, 1).toordinal()


def note_stale(tally: Tally, answered: Iterable[Answered], log: DriftLog, max_age: float | None) -> None:
    """Count what was played and is stale, by cause."""
    played = [(one.source, one.version) for one in answered if one.played and one.source is not None]
    if not played:
        return
    # The day in UTC, as a number: dates take longer to make and to look up, in each test.
    today = int(time.time() // 86_400)
    for source, version in played:
        origin = source.origin
        if max_age is None:
            # Without the time it was recorded at they are few.
            origin = Origin(None, origin.sdk, origin.api_version)
        for cause in _list_causes(origin, version, max_age, today):
            tally.stale[cause] = tally.stale.get(cause, 0) + 1
    for model, count in tally.models.items():
        for cause in _list_model_causes(model, today):
            tally.stale[cause] = tally.stale.get(cause, 0) + count
    if changed := len({drift.number for drift in log.found if drift.kind == "request"}):
        tally.stale["another request than the recorded one (match = sequence)"] = changed


@lru_cache(maxsize=256)
def _list_causes(origin: Origin, asked_for: str | None, max_age: float | None, today: int) -> tuple[str, ...]:
    day = _read_day(today)
    return tuple(find_causes(origin, (), read_sdk(), api_version=asked_for, max_age=max_age, today=day))


@lru_cache(maxsize=64)
def _list_model_causes(model: str, today: int) -> tuple[str, ...]:
    day = _read_day(today)
    return tuple(find_causes(Origin(), [model], read_sdk(), api_version=None, max_age=None, today=day))


def _read_day(number: int) -> date:
    """The day that is so many after 1 January 1970."""
    return date.fromordinal(_EPOCH + number)
