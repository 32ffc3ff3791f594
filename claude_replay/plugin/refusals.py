"""What a request is told that nothing covers."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING

from claude_replay.api.endpoints import Endpoint, is_claude_host
from claude_replay.errors import LiveCallRefused

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["explain_refusal"]

_OURS = f"{Path(__file__).parents[1]}{os.sep}"
_MARK_IT = "mark the test: @pytest.mark.claude_replay; then record it: pytest --claude-record=once"
_CALL_IT = "to really call Claude and record nothing: pytest --claude-record=off"


def explain_refusal(host: str, endpoint: Endpoint | None, state: State) -> LiveCallRefused:
    """The error for a request to `host` that no cassette and no record mode covers."""
    if endpoint is None and not is_claude_host(host):
        return LiveCallRefused(
            "claude_replay: a connection was stopped\n"
            f"  asked     {host}\n"
            "  why       only this machine may be reached: claude_replay_block is set to 'all'"
        )
    what = f"{endpoint.operation} at {host}" if endpoint is not None else host
    lines = [
        "claude_replay: a request to Claude was stopped: no cassette covers it",
        f"asked     {what}",
        *_explain_why(state),
        _CALL_IT,
    ]
    return LiveCallRefused("\n  ".join(lines))


def _explain_why(state: State) -> list[str]:
    if state.fixture is not None:
        name, scope = state.fixture
        return [
            f"why       the {scope}-scoped fixture {name!r} outlives the test, so its calls belong to no "
            "test's cassette",
            f'give the fixture one of its own: with claude_replay.use_cassette("cassettes/{name}.yaml"): …',
        ]
    if state.test is not None:
        return [
            "why       the test has a cassette, but this request did not come through an HTTP library that "
            "cassettes can see",
        ]
    if not state.running:
        return [
            f"why       no test is running yet, or any more{_find_place(state)}",
            "call Claude in a test or a fixture, or there: with claude_replay.use_cassette"
            '("cassettes/….yaml"): …',
        ]
    return ["why       no test with a cassette is running", _MARK_IT]


def _find_place(state: State) -> str:
    """The line of the project's own that led here, if there is one."""
    root, frame = f"{state.config.rootpath}{os.sep}", inspect.currentframe()
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(root) and "site-packages" not in name and not name.startswith(_OURS):
            return f"\n  at        {name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
