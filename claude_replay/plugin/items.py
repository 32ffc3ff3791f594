"""From a test to its settings and its cassette."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_replay.cassette import cassette_file, cassette_folder
from claude_replay.errors import SettingsError
from claude_replay.session import Session, rules_for
from claude_replay.settings import Layer, Settings

if TYPE_CHECKING:
    from claude_replay.plugin.state import State
    from claude_replay.plugin.vcrmarks import VcrTest

__all__ = ["MARK", "cassette_path", "command_for", "make_session", "module_of", "nodeid_of", "settings_of"]

MARK = "claude_replay"


def nodeid_of(item: pytest.Item) -> str:
    """The id of a test; pytest-xdist may have appended the name of a group to the one pytest gives."""
    return f"{item.parent.nodeid}::{item.name}" if item.parent is not None else item.nodeid


def module_of(item: pytest.Item) -> str:
    """The file of a test as its id names it."""
    return item.nodeid.partition("::")[0]


def settings_of(
    state: State,
    item: pytest.Item,
    config_values: Mapping[str, object],
    served: VcrTest | None = None,
) -> Settings:
    """
    The settings of a test: its markers, the nearest last, over the fixture, over the ini file.

    What a mark of vcr says comes below our fixture.
    """
    if not isinstance(config_values, Mapping):
        raise SettingsError(f"claude_replay_config: a mapping was expected, not {config_values!r}")
    layers = [served.layer] if served is not None else []
    layers += [Layer("claude_replay_config", config_values)] if config_values else []
    layers += _read_markers(item)
    if not any(layer.values for layer in layers):
        return state.given.settings
    settings = state.given.ambient.resolve(*layers)
    rules_for(settings)
    return settings


def _read_markers(item: pytest.Item) -> Iterator[Layer]:
    """What the markers of a test say, the nearest last."""
    for node in item.listchain():
        if not node.own_markers:
            continue
        markers = [marker for marker in node.own_markers if marker.name == MARK]
        # Those of a class are in the order of its bases, those of a function begin with the nearest.
        for marker in markers if isinstance(node, pytest.Class) else reversed(markers):
            values = dict(marker.kwargs)
            if marker.args:
                if len(marker.args) > 1 or "cassette" in values:
                    raise SettingsError(
                        f"marker of {node.nodeid}: one cassette was expected, and the rest by name"
                    )
                values["cassette"] = marker.args[0]
            yield Layer("marker", values, node.nodeid)


def cassette_path(state: State, item: pytest.Item, settings: Settings) -> Path:
    """The cassette file of a test."""
    root = state.config.rootpath
    if settings.cassette:
        return root / settings.dir / settings.cassette
    nodeid = nodeid_of(item)
    return _find_folder(root, settings.dir, nodeid.partition("::")[0]) / cassette_file(nodeid)


# The tests of a module ask one after the other.
@lru_cache(maxsize=64)
def _find_folder(root: Path, folder: str, module: str) -> Path:
    return root / folder / cassette_folder(module)


def make_session(
    state: State,
    item: pytest.Item,
    config_values: Mapping[str, object],
    served: VcrTest | None = None,
) -> Session:
    """A session for a test, not opened yet; `served` is what its mark of vcr says. Raises SettingsError."""
    settings = settings_of(state, item, config_values, served)
    return Session(
        path=served.path if served is not None else cassette_path(state, item, settings),
        extras=served.extras if served is not None else (),
        settings=settings,
        run=state.given.ambient.run,
        label=nodeid_of(item),
        command=lambda mode: command_for(state.config, nodeid_of(item), mode),
        environ=os.environ,
        explicit=served.is_shared if served is not None else settings.cassette is not None,
    )


def command_for(config: pytest.Config, nodeid: str, mode: str) -> str:
    """The command line that runs a test in a record mode, from the folder where pytest was started."""
    module, colons, rest = nodeid.partition("::")
    path = os.path.relpath(config.rootpath / module, config.invocation_params.dir)
    target = f"{path}{colons}{rest}"
    quoted = shlex.quote(target) if re.search(r'["$`\\!]', target) else f'"{target}"'
    return f"pytest --claude-record={mode} {quoted}"
