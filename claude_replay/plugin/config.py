"""The settings that the fixture `claude_replay_config` gives a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["read_config"]

_CONFIG = "claude_replay_config"


def read_config(state: State, request: pytest.FixtureRequest) -> Mapping[str, object]:
    """
    What the fixture says; nothing where it is ours, and nobody has overridden it.

    It is no argument of our fixture, and not asked for then: in each test that would cost half of what a fixture
    costs (30 of 60 µs).
    """
    __tracebackhide__ = True
    parent = request.node.parent
    fixtures = state.configs.get(parent)
    if fixtures is None:
        fixtures = state.configs[parent] = _find_fixtures(request)
    if len(fixtures) == 1:
        return {}
    if _CONFIG not in request.fixturenames and any(fixture.params is not None for fixture in fixtures):
        raise pytest.fail.Exception(
            f"claude_replay: {_CONFIG} has parameters, and pytest gives them to tests that name it: "
            f"def {request.node.name}({_CONFIG})",
            pytrace=False,
        )
    return request.getfixturevalue(_CONFIG)  # type: ignore[no-any-return]


def _find_fixtures(request: Any) -> list[pytest.FixtureDef[Any]]:
    """Those of this name that the test sees, the nearest last; none where pytest does not tell."""
    # Not public, but there since pytest 8.
    manager = getattr(request, "_fixturemanager", None)
    return list(manager.getfixturedefs(_CONFIG, request.node) or ()) if manager is not None else []
