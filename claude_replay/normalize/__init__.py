"""Request to canonical form to fingerprint, under a named rule set."""

from __future__ import annotations

from claude_replay.normalize.canonical import (
    Canonical,
    canonical_body,
    canonicalize,
    unwrap_text,
)
from claude_replay.normalize.paths import PathRule, parse_path, parse_rule
from claude_replay.normalize.provider import canonical_betas
from claude_replay.normalize.rules import CACHING, DEFAULT_IGNORE, MATCHING, RULES_VERSION, Rules
from claude_replay.normalize.sent import digest_sent
from claude_replay.normalize.values import PRESETS, VALUE_NORMALIZERS

__all__ = [
    "CACHING",
    "DEFAULT_IGNORE",
    "MATCHING",
    "PRESETS",
    "RULES_VERSION",
    "VALUE_NORMALIZERS",
    "Canonical",
    "PathRule",
    "Rules",
    "canonical_betas",
    "canonical_body",
    "canonicalize",
    "digest_sent",
    "parse_path",
    "parse_rule",
    "unwrap_text",
]
