"""The record modes: what happens to a request that is in the cassette, and to one that is not."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["PLAYING_MODES", "RECORDING_MODES", "RECORD_MODES", "RecordMode", "may_send"]

RecordMode = Literal["none", "once", "new_episodes", "rewrite", "all", "verify", "off"]

RECORD_MODES: tuple[RecordMode, ...] = get_args(RecordMode)
RECORDING_MODES: tuple[RecordMode, ...] = ("once", "new_episodes", "rewrite", "all")
PLAYING_MODES: tuple[RecordMode, ...] = ("none", "once", "new_episodes")


def may_send(mode: RecordMode) -> bool:
    """Whether a request may reach Claude in this mode."""
    return mode != "none"
