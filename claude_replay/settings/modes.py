"""The record modes: what happens to a request that is in the cassette, and to one that is not."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["RECORD_MODES", "RecordMode", "may_send"]

RecordMode = Literal["none", "once", "new_episodes", "rewrite", "all", "verify", "off"]

RECORD_MODES: tuple[RecordMode, ...] = get_args(RecordMode)


def may_send(mode: RecordMode) -> bool:
    """Whether a request may reach Claude in this mode."""
    return mode != "none"
