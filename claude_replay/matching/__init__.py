"""Which recorded exchange answers a request; which one comes nearest when none does, and where it differs."""

from __future__ import annotations

from claude_replay.matching.difference import Change, differences, render, summarize
from claude_replay.matching.index import Index
from claude_replay.matching.nearest import MIN_SIMILARITY, Sketch, find_nearest, measure_similarity, sketch
from claude_replay.matching.ranking import Ranking, Told

__all__ = [
    "MIN_SIMILARITY",
    "Change",
    "Index",
    "Ranking",
    "Sketch",
    "Told",
    "differences",
    "find_nearest",
    "measure_similarity",
    "render",
    "sketch",
    "summarize",
]
