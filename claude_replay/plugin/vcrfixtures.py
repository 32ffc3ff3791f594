"""
What a suite of pytest-recording expects to be there: its fixtures, marks and hook.

Registered only where `claude_replay_serve_vcr_marks` is on and pytest-recording is not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_replay.plugin.state import STATE, State

if TYPE_CHECKING:
    from claude_replay.session import Handle

__all__ = ["RecordingHooks", "VcrView", "prepare_vcr_marks"]

_MARKS = (
    "vcr: replay what this test asks Claude, as pytest-recording does (claude_replay_serve_vcr_marks)",
    "default_cassette(name): the cassette of a test marked with vcr",
    "block_network: a mark of pytest-recording, which claude_replay does not use",
    "allowed_hosts: a mark of pytest-recording, which claude_replay does not use",
)
_OTHERS = {"recording": "pytest-recording", "vcr": "pytest-vcr"}
_FORBIDDEN = re.compile(r"""[<>?%*:|"'/\\]""")


def prepare_vcr_marks(state: State) -> None:
    """Declare marks, hook and fixtures; raises pytest.UsageError where another plugin has them."""
    config = state.config
    for plugin, name in _OTHERS.items():
        if config.pluginmanager.hasplugin(plugin):
            raise pytest.UsageError(
                f"claude_replay: claude_replay_serve_vcr_marks is on, and {name} serves @pytest.mark.vcr as "
                f"well. Uninstall it, or leave it out: addopts = -p no:{plugin}"
            )
    for mark in _MARKS:
        config.addinivalue_line("markers", mark)
    config.pluginmanager.add_hookspecs(RecordingHooks)
    config.pluginmanager.register(sys.modules[__name__], "claude_replay_vcr")


class RecordingHooks:
    """The hook of pytest-recording: without a declaration, pytest refuses a conftest.py that has it."""

    def pytest_recording_configure(self, config: pytest.Config, vcr: object) -> None:
        """Never called."""


class VcrView:
    """What the fixture `vcr` gives: as much of vcrpy's cassette as tests ask of it."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    @property
    def play_count(self) -> int:
        """How many recordings were played."""
        return len(self._handle.played)

    @property
    def all_played(self) -> bool:
        """Whether there is no recording left that was not asked for."""
        try:
            self._handle.assert_all_played()
        except AssertionError:
            return False
        return True

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"the fixture `vcr` has play_count and all_played here, not {name!r}; the fixture `claude_replay` "
            "has sent, played, messages and more"
        )


@pytest.fixture
def vcr_config() -> Mapping[str, object]:
    """What the tests that see this fixture give to vcrpy; override it in a conftest.py or a module."""
    return {}


@pytest.fixture(scope="module")
def vcr_cassette_dir(request: pytest.FixtureRequest) -> str:
    """The folder of the cassettes of a module."""
    path: Path = request.path
    return str(path.parent / "cassettes" / path.stem)


@pytest.fixture
def default_cassette_name(request: pytest.FixtureRequest) -> str:
    """The name of a test's cassette, as pytest-recording makes it."""
    marker = request.node.get_closest_marker("default_cassette")
    if marker is not None and marker.args:
        return str(marker.args[0])
    name: str = request.node.name
    return _FORBIDDEN.sub("-", f"{request.cls.__name__}.{name}" if request.cls else name)


@pytest.fixture(scope="session")
def record_mode(request: pytest.FixtureRequest) -> str:
    """The record mode of the run."""
    return request.config.stash[STATE].given.settings.mode


@pytest.fixture
def vcr(request: pytest.FixtureRequest) -> VcrView | None:
    """The cassette of a test marked with `vcr`; None for any other."""
    if request.node.get_closest_marker("vcr") is None:
        return None
    return VcrView(request.getfixturevalue("claude_replay"))
