"""
Options, fixtures, and the hooks that are there before a run is configured.

Imported at the start of every pytest run on the machine, so nothing but pytest and the standard library is
imported here; what a hook needs is imported when there is something to do.
"""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from claude_replay.plugin.hooks import RunHooks
from claude_replay.plugin.network import Network
from claude_replay.plugin.options import add_options
from claude_replay.plugin.state import ASKING, STATE, State

if TYPE_CHECKING:
    from claude_replay.session import Handle

__all__ = [
    "claude_replay",
    "claude_replay_config",
    "pytest_addoption",
    "pytest_configure",
    "pytest_load_initial_conftests",
]

_NETWORK = pytest.StashKey[Network]()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    # These are imported before pytest is configured, and may call Claude as well.
    state = _begin(early_config, early_config.known_args_namespace)
    try:
        yield
    finally:
        if state.stopped:
            raise pytest.UsageError(f"while a conftest.py was imported: {state.stopped[0]}")


def _begin(config: pytest.Config, option: object) -> State:
    state = config.stash[STATE] = State(config, option)
    network = config.stash[_NETWORK] = Network(state)
    config.add_cleanup(network.stop)
    network.start()
    return state


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "claude_replay(cassette=None, mode=None, ignore=[], ...): replay what this test asks Claude from its "
        "cassette; all settings are in the README",
    )
    # A plugin that a conftest.py names was not there yet when these were imported.
    state = config.stash.get(STATE, None) or _begin(config, config.option)
    state.learn(config.option)
    config.stash[_NETWORK].start()
    config.add_cleanup(state.forget)
    config.add_cleanup(state.given.provide(state.run_id, state.closed, state.stopped_late, state.command))
    config.pluginmanager.register(RunHooks(state), "claude_replay_run")
    if state.given.serves_vcr_marks:
        from claude_replay.plugin.vcrfixtures import prepare_vcr_marks

        prepare_vcr_marks(state)
    # Where pytest-xdist is installed, but not used, there is nobody to tell anything.
    if config.pluginmanager.hasplugin("xdist") and config.getoption("dist", "no") != "no":
        from claude_replay.plugin.workers import WorkerHooks

        config.pluginmanager.register(WorkerHooks(state), "claude_replay_workers")


@pytest.fixture(scope="session")
def claude_replay_config() -> Mapping[str, object]:
    """Settings for all tests that see this fixture; override it in a conftest.py or a module."""
    return {}


@pytest.fixture
def claude_replay() -> Iterator[Handle]:
    """The cassette of this test: replays what Claude answered, and tells what was sent and played."""
    cassettes = _import_cassettes()
    state, request = ASKING.pop()
    yield cassettes.open_cassette(state, request)
    cassettes.close_cassette(state)


@cache
def _import_cassettes() -> ModuleType:
    # What is imported is no garbage; looking for some takes a third of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        from claude_replay.plugin import cassettes
    finally:
        if collects:
            gc.enable()
    return cassettes
