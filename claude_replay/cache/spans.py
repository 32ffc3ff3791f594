"""Marking the SDK's OpenTelemetry spans, so that an answer from the shelf is not counted as spend."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claude_replay.cache.policy import Found

__all__ = ["ATTRIBUTE", "mark_span"]

ATTRIBUTE = "claude_replay.cache"
"""Set to "hit" or "stale" on the span of a call that was answered from the shelf, with the age beside it."""


def mark_span(found: Found) -> None:
    """
    Say on the current span that nothing was sent.

    The SDK (2.12) makes one span per call, current while its middleware runs, and puts the token counts of the
    answer on it afterwards; those can only be left out with `usage_on_hit="zero"`.
    """
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute(ATTRIBUTE, "stale" if found.stale else "hit")
        span.set_attribute(f"{ATTRIBUTE}.age", found.age)
