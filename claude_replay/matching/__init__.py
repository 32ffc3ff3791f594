"""Which recorded exchange answers a request; which one comes nearest when none does, and where it differs."""

from __future__ import annotations

from claude_replay.matching.difference import Change, differences, render, summarize
from claude_replay.matching.index import Index
from claude_replay.matching.nearest import MIN_SIMILARITY, Sketch, find_nearest, sketch

__all__ = [
    "MIN_SIMILARITY",
    "Change",
    "Index",
    "Sketch",
    "differences",
    "find_nearest",
    "render",
    "sketch",
    "summarize",
]
