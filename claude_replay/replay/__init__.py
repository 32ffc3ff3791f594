"""The decision, without I/O: a request and a mode give Play, Record, Compare, Pass or Miss."""

from __future__ import annotations

from claude_replay.replay.decision import Compare, Decider, Miss, Outcome, Pass, Play, Record
from claude_replay.replay.explain import Asked, explain_miss, explain_sequence, list_changes
from claude_replay.replay.recordings import Recordings

__all__ = [
    "Asked",
    "Compare",
    "Decider",
    "Miss",
    "Outcome",
    "Pass",
    "Play",
    "Record",
    "Recordings",
    "explain_miss",
    "explain_sequence",
    "list_changes",
]
