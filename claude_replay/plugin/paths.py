"""From a test to its cassette and its settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_replay.cassette import cassette_name
from claude_replay.session import Session
from claude_replay.settings import Layer, Settings

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["cassette_path", "make_session", "settings_of"]

_MARK = "claude_replay"


def settings_of(state: State, item: pytest.Item, config_values: Mapping[str, object] = {}) -> Settings:  # noqa: B006
    """The settings of a test: its markers, the nearest last, over the fixture over the ini file."""
    layers = [Layer("claude_replay_config", config_values)] if config_values else []
    for marker in reversed(list(item.iter_markers(_MARK))):
        values = dict(marker.kwargs)
        if marker.args:
            if len(marker.args) > 1 or "cassette" in values:
                raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.{_MARK} takes one cassette, the rest by name")
            values["cassette"] = marker.args[0]
        if values:
            layers.append(Layer(f"marker of {item.nodeid}", values))
    return state.resolve(*layers) if layers else state.base_settings()


def cassette_path(state: State, item: pytest.Item, config_values: Mapping[str, object] = {}) -> Path | None:  # noqa: B006
    """The cassette file of a test; None where its settings are not valid (said when the test runs)."""
    try:
        settings = settings_of(state, item, config_values)
    except pytest.UsageError:
        return None
    folder = state.config.rootpath / settings.dir
    return folder / (settings.cassette or cassette_name(_own_nodeid(item)))


def _own_nodeid(item: pytest.Item) -> str:
    # `--dist loadgroup` of pytest-xdist appends the group's name to the node id.
    if item.config.getoption("dist", "no") == "loadgroup":
        group = item.get_closest_marker("xdist_group")
        name = group.args[0] if group and group.args else group.kwargs.get("name", "default") if group else None
        return item.nodeid.removesuffix(f"@{name}")
    return item.nodeid


def make_session(
    state: State, item: pytest.Item, config_values: Mapping[str, object], path: Path | None
) -> Session:
    """A session for a test, not opened yet; an invalid setting fails the test."""
    try:
        settings = settings_of(state, item, config_values)
    except pytest.UsageError as error:
        pytest.fail(str(error), pytrace=False)
    assert path is not None
    nodeid = _own_nodeid(item)
    return Session(
        path=path,
        settings=settings,
        run=state.ambient.run,
        label=nodeid,
        command=lambda mode: f'pytest --claude-record={mode} "{nodeid}"',
        environ=os.environ,
        explicit=settings.cassette is not None,
    )
