"""How much of a project a run collects; light, because every main process of xdist asks."""

from __future__ import annotations

import os

import pytest

__all__ = ["collected_folders"]

# Options with which a run leaves something out without a word.
_LEAVES_OUT = ("lf", "ignore", "ignore_glob", "deselect")


def collected_folders(config: pytest.Config) -> list[str]:
    """The folders that a run collects all of; none where the command line names, or leaves out, a part."""
    is_partial = any(config.getoption(name, None) for name in _LEAVES_OUT)
    if is_partial or config.args_source is pytest.Config.ArgsSource.ARGS:
        return []
    return [os.path.realpath(config.invocation_params.dir / name) for name in config.args]
