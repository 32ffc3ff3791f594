"""How a stopped request looks in a test report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import pytest

from claude_replay.errors import ReplayFailure
from claude_replay.session import Session

__all__ = ["add_section", "fail_readably", "fail_swallowed"]


def fail_swallowed(failures: Sequence[ReplayFailure], seen: list[BaseException], item: pytest.Item) -> None:
    """Fail a test that went on as if a stopped request had only been a bad connection."""
    __tracebackhide__ = True
    fresh = [failure for failure in failures if all(failure is not known for known in seen)]
    if fresh:
        seen.extend(fresh)
        said = "\n\n".join(failure.message for failure in fresh)
        pytest.fail(f"{said}\n  (the application caught this and went on; the test fails all the same)", pytrace=False)


def fail_readably(
    error: BaseException, failures: Sequence[ReplayFailure], seen: list[BaseException], item: pytest.Item
) -> None:
    """Replace the traceback of a stopped request, through the SDK's inside, by its message."""
    __tracebackhide__ = True
    raised = list(_find_failures(error))
    seen.extend([*raised, *failures])
    if raised:
        parts = [f"{failure.message}{_place(failure.__traceback__, item)}" for failure in raised]
        # The traceback stays on it, for debuggers; the report shows the message alone.
        raise pytest.fail.Exception("\n\n".join(parts), pytrace=False).with_traceback(error.__traceback__) from None


def _find_failures(error: BaseException | None) -> Iterator[ReplayFailure]:
    if isinstance(error, ReplayFailure):
        yield error
    elif isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _find_failures(inner)


def _place(trace: TracebackType | None, item: pytest.Item) -> str:
    root, place = Path(item.config.rootpath), ""
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(root) and "site-packages" not in path.parts:
            place = f"\n  at        {path.relative_to(root)}:{trace.tb_lineno} in {trace.tb_frame.f_code.co_name}"
        trace = trace.tb_next
    return place


def add_section(item: pytest.Item, session: Session) -> None:
    """Say in the report of a failing test what its cassette did."""
    lines = [f"cassette {session.path} (mode {session.settings.mode})"]
    for number, answered in enumerate(session.answered, 1):
        exchange = answered.exchange
        verdict = "no answer" if exchange is None else f"{'replayed' if answered.played else 'live'}, {exchange.response.status}"
        lines.append(f"  {number}  {answered.request.method} {answered.request.url}: {verdict}")
    item.add_report_section("call", "claude_replay", "\n".join(lines) + "\n")
