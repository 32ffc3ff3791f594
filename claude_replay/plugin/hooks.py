"""The hooks of one run; what they do stands in the modules beside this one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from typing import Any

import pytest

from claude_replay.plugin.state import ASKING, State

__all__ = ["RunHooks"]

_MARK = "claude_replay"
_OTHERS = ("vcr", "vcr_cassette")


class _Marked:
    """Which nodes have one of some marks, their own or of a node they are in; each of these is asked once."""

    def __init__(self, marks: Sequence[str]) -> None:
        self._marks = marks
        self._known: dict[pytest.Item | pytest.Collector | None, bool] = {None: False}

    def has(self, node: pytest.Item | pytest.Collector) -> bool:
        if node.own_markers and any(marker.name in self._marks for marker in node.own_markers):
            return True
        parent = node.parent
        known = self._known.get(parent)
        if known is None:
            assert parent is not None
            known = self._known[parent] = self.has(parent)
        return known


class RunHooks:
    """
    Registered when pytest is configured.

    Everything that is called for each test first asks whether there is anything to do, and imports nothing
    if not.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def __dir__(self) -> list[str]:
        # pytest looks at everything in a plugin, in several ways: whether it is a hook, and whether it is a fixture.
        return [name for name in vars(RunHooks) if name.startswith("pytest_")]

    def pytest_report_header(self) -> str:
        return self._state.given.describe()

    # ------------------------------------------------------------------ collecting

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        lower: dict[str, str] = {}
        marked = _Marked(("vcr", _MARK) if self._state.given.serves_vcr_marks else (_MARK,))
        for item in items:
            names: list[str] | None = getattr(item, "fixturenames", None)
            if names is not None and (_MARK in names or marked.has(item)):
                if lower.setdefault(item.nodeid.lower(), item.nodeid) != item.nodeid:
                    self._note_likeness(lower[item.nodeid.lower()], item)
                # First, so that the cassette is open before other fixtures of the test call Claude, and after
                # them too. A list of its own: parametrized tests share theirs, and not all may be marked.
                item.fixturenames = [_MARK, *(name for name in names if name != _MARK)]  # type: ignore[attr-defined]

    def _note_likeness(self, other: str, item: pytest.Item) -> None:
        marker = item.get_closest_marker(_MARK)
        is_named = marker is not None and ("cassette" in marker.kwargs or bool(marker.args))
        # All workers collect the same.
        if not is_named and (self._state.worker or {"workerid": "gw0"})["workerid"] == "gw0":
            self._state.notes.append(
                f"{other} and {item.nodeid} differ in upper and lower case only: on macOS and Windows they would "
                "share a cassette; name that of one: @pytest.mark.claude_replay(cassette=…)"
            )

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self._state.partial.update(item.nodeid.partition("::")[0] for item in items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._state.partial.add(report.nodeid.partition("::")[0])

    def pytest_collection_finish(self) -> None:
        self._note_stopped("while tests were collected")
        if self._state.given.serves_vcr_marks:
            from claude_replay.plugin.vcrmarks import find_unserved_hooks

            self._state.notes += find_unserved_hooks(self._state.config)

    # ------------------------------------------------------------------ one test

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: Any
    ) -> Generator[None, Any, Any]:
        state = self._state
        if fixturedef.scope == "function":
            is_ours = fixturedef.argname == _MARK
            if is_ours:
                ASKING[:] = [(state, request)]
            result = yield
            if is_ours and state.test is not None:
                state.test.finish = partial(fixturedef.finish, request)
            elif fixturedef.argname in _OTHERS and not getattr(result, "write_protected", True):
                # pytest-recording's or pytest-vcr's cassette, which somebody has asked to record.
                fixturedef.addfinalizer(state.let_others_record())
            return result
        before, state.fixture = state.fixture, (fixturedef.argname, fixturedef.scope)
        try:
            if state.test is None:
                return (yield)
            with state.test.hide():
                return (yield)
        finally:
            state.fixture = before

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        yield
        if self._state.stopped or self._state.test is not None:
            from claude_replay.plugin.outcomes import raise_swallowed

            raise_swallowed(self._state)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.skipped:
            self._state.skipped.add(item.nodeid)
        if call.excinfo is not None or self._state.stopped or self._state.test is not None:
            from claude_replay.plugin.outcomes import amend_report

            amend_report(self._state, item, call, report)
        return report

    # ------------------------------------------------------------------ the end

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._note_stopped("after the last test")
        if self._state.has_account:
            from claude_replay.plugin.summary import finish_run

            finish_run(self._state, session, exitstatus)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._state.has_account:
            from claude_replay.plugin.summary import write_summary

            write_summary(self._state, terminalreporter)

    def _note_stopped(self, when: str) -> None:
        # There is no test that could be failed for them.
        stopped, self._state.stopped = self._state.stopped, []
        self._state.notes += [f"{when}: {failure}" for failure in stopped]
