"""
The pytest plugin: options, fixtures, and the hooks of each run.

Imported at the start of every pytest run on the machine, so nothing but pytest and the standard library is
imported here; what a hook needs is imported when there is something to do.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import pytest

from claude_replay.plugin.hooks import RunHooks
from claude_replay.plugin.network import start_network
from claude_replay.plugin.options import add_options
from claude_replay.plugin.state import STATE, State

if TYPE_CHECKING:
    from claude_replay.session import Handle

__all__: list[str] = []

_EARLY = pytest.StashKey[tuple[State, Callable[[], None]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    # These are imported before pytest is configured, and may call Claude as well.
    state = State(early_config, early_config.known_args_namespace)
    early_config.stash[_EARLY] = state, start_network(state)
    early_config.add_cleanup(partial(_end_early, early_config))
    try:
        yield
    finally:
        if state.stopped:
            raise pytest.UsageError(f"while a conftest.py was imported: {state.stopped[0]}")


def _end_early(config: pytest.Config) -> None:
    if early := config.stash.get(_EARLY, None):
        del config.stash[_EARLY]
        early[1]()


def pytest_configure(config: pytest.Config) -> None:
    _end_early(config)
    config.addinivalue_line(
        "markers",
        "claude_replay(cassette=None, mode=None, ignore=[], ...): replay what this test asks Claude from its "
        "cassette; all settings are in the README",
    )
    state = config.stash[STATE] = State(config, config.option)
    config.add_cleanup(state.forget)
    config.add_cleanup(start_network(state))
    config.add_cleanup(state.given.provide(state.run_id, state.closed, state.stopped_late))
    config.pluginmanager.register(RunHooks(state), "claude_replay_run")
    if state.given.serves_vcr_marks:
        from claude_replay.plugin.vcrfixtures import prepare_vcr_marks

        prepare_vcr_marks(state)
    if config.pluginmanager.hasplugin("xdist"):
        from claude_replay.plugin.workers import WorkerHooks

        config.pluginmanager.register(WorkerHooks(state), "claude_replay_workers")


@pytest.fixture(scope="session")
def claude_replay_config() -> Mapping[str, object]:
    """Settings for all tests that see this fixture; override it in a conftest.py or a module."""
    return {}


@pytest.fixture
def claude_replay(
    request: pytest.FixtureRequest, claude_replay_config: Mapping[str, object]
) -> Iterator[Handle]:
    """The cassette of this test: replays what Claude answered, and tells what was sent and played."""
    from claude_replay.plugin.cassettes import close_cassette, open_cassette

    state = request.config.stash[STATE]
    yield open_cassette(state, request, claude_replay_config)
    close_cassette(state)
