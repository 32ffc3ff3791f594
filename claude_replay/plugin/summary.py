"""The end of a run: orphans, and the account."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["finish_run", "write_summary"]

_STOPPED = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)


def finish_run(state: State, session: pytest.Session, exitstatus: int) -> None:
    """Look for orphans, and hand everything to the main process where this is a worker."""
    if session.shouldstop or session.shouldfail or exitstatus in _STOPPED:
        # Of a worker's, for the main process: it knows better why the run ended.
        state.orphans = []
    elif not state.config.option.collectonly and (state.config.rootpath / state.folder).is_dir():
        from claude_replay.plugin.orphans import find_orphans

        state.orphans += find_orphans(state, session)
    if state.worker is not None:
        from claude_replay.plugin.workers import tell_main_process

        tell_main_process(state)


def write_summary(state: State, terminal: pytest.TerminalReporter) -> None:
    """Print the account of the run; nothing where there is nothing to tell."""
    if not (state.tallies or state.orphans or state.notes):
        return
    from claude_replay.report import report_lines

    terminal.write_sep("=", "claude_replay")
    for line in report_lines(
        state.tallies,
        orphans=state.orphans,
        notes=state.notes,
        lost_workers=state.lost_workers,
        details=bool(state.config.option.claude_replay_details),
        root=f"{state.config.rootpath}{os.sep}",
    ):
        terminal.write_line(line)
