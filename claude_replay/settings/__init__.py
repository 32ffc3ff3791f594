"""Record modes and settings, resolved purely from layers, each value remembering where it came from."""

from __future__ import annotations

from claude_replay.settings.fields import FIELDS, names_for_runs, names_for_tests
from claude_replay.settings.layers import COMMAND_LINE, ENVIRONMENT, INI_FILE, Layer, environment_layer
from claude_replay.settings.modes import PLAYING_MODES, RECORD_MODES, RECORDING_MODES, RecordMode, may_send
from claude_replay.settings.names import nearest
from claude_replay.settings.resolve import Settings, is_ci, resolve

__all__ = [
    "COMMAND_LINE",
    "ENVIRONMENT",
    "FIELDS",
    "INI_FILE",
    "PLAYING_MODES",
    "RECORDING_MODES",
    "RECORD_MODES",
    "Layer",
    "RecordMode",
    "Settings",
    "environment_layer",
    "is_ci",
    "may_send",
    "names_for_runs",
    "names_for_tests",
    "nearest",
    "resolve",
]
