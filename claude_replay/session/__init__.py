"""An open cassette: its file, its mode, what is recorded and what is played."""

from __future__ import annotations

from claude_replay.session.comparison import Comparison
from claude_replay.session.drift import Drift
from claude_replay.session.handle import Handle
from claude_replay.session.injection import Injection
from claude_replay.session.livecalls import LiveCalls
from claude_replay.session.recording import Ticket, find_secret
from claude_replay.session.rules import rules_for
from claude_replay.session.run import Run
from claude_replay.session.session import Session
from claude_replay.session.staleness import find_causes
from claude_replay.session.tally import Tally

__all__ = [
    "Comparison",
    "Drift",
    "Handle",
    "Injection",
    "LiveCalls",
    "Run",
    "Session",
    "Tally",
    "Ticket",
    "find_causes",
    "find_secret",
    "rules_for",
]
