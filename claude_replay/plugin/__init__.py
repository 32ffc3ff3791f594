"""
The pytest plugin: hooks and fixtures, thin over the rooms below.

Imported at the start of every pytest run on the machine, so nothing but pytest and the standard library is
imported here; what a hook needs is imported when there is something to do.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from claude_replay.plugin.options import add_options

if TYPE_CHECKING:
    from claude_replay.plugin.state import State
    from claude_replay.session import Handle

__all__: list[str] = []

_STATE = pytest.StashKey["State"]()
_MARK = "claude_replay"


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    from claude_replay.plugin.state import State

    config.addinivalue_line(
        "markers",
        f"{_MARK}(cassette=None, mode=None, ignore=[], ...): replay what this test asks Claude from its cassette; "
        "all settings are in the README",
    )
    state = config.stash[_STATE] = State(config)
    state.start()
    if config.pluginmanager.hasplugin("xdist"):
        from claude_replay.plugin.workers import WorkerHooks

        config.pluginmanager.register(WorkerHooks(state), "claude_replay_workers")


def pytest_unconfigure(config: pytest.Config) -> None:
    state = config.stash.get(_STATE, None)
    if state is not None:
        state.stop()


def pytest_report_header(config: pytest.Config) -> str:
    return config.stash[_STATE].header()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    state = config.stash[_STATE]
    for item in items:
        names = getattr(item, "fixturenames", None)
        if names is None:
            continue
        if _MARK not in names and item.get_closest_marker(_MARK) is not None:
            # First, so that the cassette is open before other fixtures of the test call Claude, and after them too.
            names.insert(0, _MARK)
        if _MARK in names:
            state.collected(item)


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items[:1]:
        item.config.stash[_STATE].deselected(items)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Generator[None, Any, Any]:
    state = request.config.stash[_STATE]
    if fixturedef.scope == "function" or not state.sessions:
        return (yield)
    # A fixture that outlives the test must not put its calls into this one test's cassette.
    with state.without_cassette(fixturedef.argname, fixturedef.scope):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    state = item.config.stash[_STATE]
    try:
        yield
    except BaseException as error:
        if not state.is_idle(item):
            state.failed(item, error)
        raise
    if not state.is_idle(item):
        state.passed(item)


@pytest.fixture(scope="session")
def claude_replay_config() -> Mapping[str, object]:
    """Settings for all tests that see this fixture; override it in a conftest.py or a module."""
    return {}


@pytest.fixture
def claude_replay(
    request: pytest.FixtureRequest, claude_replay_config: Mapping[str, object]
) -> Iterator[Handle]:
    """The cassette of this test: replays what Claude answered, and tells what was sent and played."""
    state = request.config.stash[_STATE]
    handle = state.open_cassette(request.node, claude_replay_config)
    yield handle
    state.close_cassette(request.node)


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[_STATE].finish(session)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    config.stash[_STATE].summarize(terminalreporter)
