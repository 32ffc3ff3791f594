"""Request to canonical form to fingerprint, under a named rule set."""

from __future__ import annotations

from claude_replay.normalize.canonical import Canonical, canonicalize, unwrap_text
from claude_replay.normalize.paths import PathRule, parse_path, parse_rule
from claude_replay.normalize.rules import DEFAULT_IGNORE, MATCHING, RULES_VERSION, Rules
from claude_replay.normalize.values import PRESETS, VALUE_NORMALIZERS

__all__ = [
    "DEFAULT_IGNORE",
    "MATCHING",
    "PRESETS",
    "RULES_VERSION",
    "VALUE_NORMALIZERS",
    "Canonical",
    "PathRule",
    "Rules",
    "canonicalize",
    "parse_path",
    "parse_rule",
    "unwrap_text",
]
