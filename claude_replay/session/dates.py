"""When something was recorded, as it is written: no more of a file is to change than what was said."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from claude_replay.cassette import Entry, Recorded
from claude_replay.errors import CassetteLoadError, SettingsError
from claude_replay.exchange import Exchange, Meta
from claude_replay.session.staleness import read_day

__all__ = ["Clock", "keep_dates"]

_FIXED = "SOURCE_DATE_EPOCH"
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class Clock:
    """
    Says when an exchange was recorded.

    Where `environ` fixes the date (SOURCE_DATE_EPOCH, seconds since 1970, see reproducible-builds.org), all have
    that, and none says how long it took: two recordings of the same answers are then the same file. Raises
    SettingsError where that is no number of seconds.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        text = environ.get(_FIXED, "")
        try:
            self._fixed = datetime.fromtimestamp(int(text), UTC) if text else None
        except (ValueError, OverflowError, OSError):
            raise SettingsError(
                f"environment: {_FIXED}: seconds since 1970 were expected, not {text!r:.60}"
            ) from None

    @property
    def is_fixed(self) -> bool:
        """Whether all that is recorded has one date."""
        return self._fixed is not None

    def date(self, meta: Meta) -> Meta:
        """What is written of the times of an exchange that has just been recorded."""
        if self._fixed is not None:
            return Meta(f"{self._fixed:{_FORMAT}}", sdk=meta.sdk)
        return replace(meta, recorded_at=time.strftime(_FORMAT, time.gmtime()))


def keep_dates(
    recorded: Iterable[Recorded], before: Iterable[Entry], max_age: float | None
) -> Sequence[Recorded]:
    """
    `recorded`, with what was noted of the same exchange `before` where the answer came back as it was.

    What is older than `max_age` days, or was asked by another version of the SDK, gets the new date: it has been seen
    to hold today.
    """
    known: dict[str, deque[Meta]] = defaultdict(deque)
    today = datetime.now(UTC).date()
    for entry in before:
        with suppress(CassetteLoadError):
            meta = entry.exchange.meta
            day = read_day(meta.recorded_at)
            if max_age is None or (day is not None and (today - day).days <= max_age):
                known[_digest(entry.exchange)].append(meta)
    return [_date_back(item, known) for item in recorded]


def _date_back(item: Recorded, known: Mapping[str, deque[Meta]]) -> Recorded:
    exchange = item.entry.exchange
    metas = known.get(_digest(exchange))
    if not metas:
        return item
    return replace(item, entry=Entry(exchange=replace(exchange, meta=metas.popleft())))


def _digest(exchange: Exchange) -> str:
    return Entry(exchange=replace(exchange, meta=Meta(sdk=exchange.meta.sdk))).digest
