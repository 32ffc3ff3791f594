"""Record modes and settings, resolved purely from layers, each value remembering where it came from."""

from __future__ import annotations

from claude_replay.settings.fields import FIELDS, Field
from claude_replay.settings.modes import RECORD_MODES, RecordMode, may_send
from claude_replay.settings.resolve import Layer, Settings, is_ci, resolve

__all__ = ["FIELDS", "RECORD_MODES", "Field", "Layer", "RecordMode", "Settings", "is_ci", "may_send", "resolve"]
