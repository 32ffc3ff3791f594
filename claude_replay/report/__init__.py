"""The account of a run: what was replayed, recorded and missed, and what that saved."""

from __future__ import annotations

from claude_replay.report.lines import report_lines

__all__ = ["report_lines"]
