"""When something was recorded and how long it took, as the tools write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from claude_replay.exchange import Meta

__all__ = ["read_duration", "read_meta", "read_time"]

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_PART = r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|μs|ns|h|m|s)"
_DURATION = re.compile(rf"(?:{_PART})+")


def read_meta(recorded_at: object = None, duration: object = None) -> Meta:
    """What is known besides the exchange itself; what cannot be read is left out, as nothing hangs on it."""
    return Meta(read_time(recorded_at), read_duration(duration))


def read_time(value: object) -> str | None:
    """An HTTP date or an ISO time, which is UTC where it names no zone, as ours: `2026-07-13T23:13:07Z`."""
    if not isinstance(value, str):
        return None
    try:
        found = parsedate_to_datetime(value) if "," in value else datetime.fromisoformat(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return f"{found:%Y-%m-%dT%H:%M:%SZ}"


def read_duration(value: object) -> float | None:
    """A duration as Go writes it (`1m2.5s`, `350ms`) in seconds, to the millisecond."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        return None
    return round(sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, value)), 3)
