"""Failures on purpose: what may go wrong, when, and what an answer looks like then; without I/O."""

from __future__ import annotations

from claude_replay.faults.fault import Fault, make_fault, read_faults
from claude_replay.faults.plan import FaultPlan, Injected
from claude_replay.faults.spoiled import Breaks, Spoiled, find_misfit, spoil

__all__ = [
    "Breaks",
    "Fault",
    "FaultPlan",
    "Injected",
    "Spoiled",
    "find_misfit",
    "make_fault",
    "read_faults",
    "spoil",
]
