"""How stopped requests fail tests, and how that looks in reports."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import pytest

from claude_replay.errors import ReplayFailure

if TYPE_CHECKING:
    from claude_replay.plugin.cassettes import OpenCassette
    from claude_replay.plugin.state import State

__all__ = ["amend_report", "raise_swallowed"]

_TITLE = "claude_replay"
_MANY = 3


def raise_swallowed(state: State) -> None:
    """Fail a test that went on as if a stopped request had only been a bad connection."""
    __tracebackhide__ = True
    if swallowed := _take_stopped(state):
        state.swallowed = swallowed
        raise swallowed[0]


def _take_stopped(state: State) -> list[ReplayFailure]:
    stopped, state.stopped = state.stopped, []
    return [*stopped, *(state.test.take_misses() if state.test is not None else [])]


def amend_report(
    state: State, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> None:
    """
    Let a report tell of the requests that were stopped.

    By their messages alone where they are why the test failed, since their tracebacks lead through the inside
    of the SDK; in a section of their own where the test failed of something else.
    """
    if _is_plain(call, report) and state.test is not None and not state.swallowed:
        # What was stopped and not raised the teardown will tell.
        state.test.note(report)
        return
    error = call.excinfo.value if call.excinfo is not None else None
    raised, (swallowed, state.swallowed) = list(_find_failures(error)), (state.swallowed, [])
    stopped: list[ReplayFailure] = []
    if report.failed or report.when == "teardown" or hasattr(report, "wasxfail"):
        stopped = [failure for failure in _take_stopped(state) if failure not in raised]
    if report.when == "teardown" and stopped and not report.failed:
        report.outcome, raised, swallowed = "failed", stopped, stopped
    if report.failed and raised:
        told = swallowed or raised
        _show(report, told[0], _tell(told, item, is_swallowed=bool(swallowed)))
    elif report.failed and stopped:
        report.sections.append((f"{_TITLE}: stopped before", _tell(stopped, item, is_swallowed=False)))
    if state.test is not None:
        _tell_of_cassette(state, state.test, report)


def _is_plain(call: pytest.CallInfo[None], report: pytest.TestReport) -> bool:
    """Whether this is what most reports are: a part of a test that passed, and that ought to."""
    return (
        report.passed
        and report.when != "teardown"
        and call.excinfo is None
        and not hasattr(report, "wasxfail")
    )


def _tell_of_cassette(state: State, cassette: OpenCassette, report: pytest.TestReport) -> None:
    cassette.note(report)
    if report.failed:
        text = cassette.describe().replace(f"{state.config.rootpath}{os.sep}", "")
        report.sections.append((_TITLE, text))
    if report.when == "teardown":
        # pytest leaves fixtures open when another one is torn down by SystemExit and the like.
        try:
            cassette.finish()
        except pytest.fail.Exception as error:
            report.sections.append((_TITLE, str(error)))


def _find_failures(error: BaseException | None) -> Iterator[ReplayFailure]:
    if isinstance(error, ReplayFailure):
        yield error
    elif isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _find_failures(inner)


def _tell(failures: Sequence[ReplayFailure], item: pytest.Item, *, is_swallowed: bool) -> str:
    parts = [f"{failure.message}{_place(failure.__traceback__, item)}" for failure in failures[:_MANY]]
    if len(failures) > _MANY:
        parts.append(f"… and {len(failures) - _MANY} more requests were stopped")
    if is_swallowed:
        parts.append("The application caught this and went on; the test fails all the same.")
    # Paths as pytest shows them.
    return "\n\n".join(parts).replace(f"{item.config.rootpath}{os.sep}", "")


def _show(report: pytest.TestReport, failure: ReplayFailure, text: str) -> None:
    report.longrepr = text
    if failure.__traceback__ is not None:
        shown = ReplayFailure(text).with_traceback(failure.__traceback__)
        report.longrepr = pytest.ExceptionInfo.from_exception(shown).getrepr(style="value", chain=False)
        if report.longrepr.reprcrash is not None:
            # What stands in the short summary and in the XML report.
            message = f"{type(failure).__name__}: {text.removeprefix('claude_replay: ')}"
            report.longrepr.reprcrash.message = message


def _place(trace: TracebackType | None, item: pytest.Item) -> str:
    """The line of the test that led to a request, and the last one of the project's own."""
    root, first, last = item.config.rootpath, "", ""
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        is_test = path == item.path
        if is_test or (path.is_relative_to(root) and "site-packages" not in path.parts):
            last = f"{path}:{trace.tb_lineno} in {trace.tb_frame.f_code.co_name}"
            first = first or (last if is_test else "")
        trace = trace.tb_next
    places = [place for place in dict.fromkeys((first, last)) if place]
    return "\n  at        " + "\n            ".join(places) if places else ""
