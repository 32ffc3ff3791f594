"""YAML as text: `emit` writes plain values for people to review, `read` reads them and nothing else."""

from __future__ import annotations

from claude_replay.cassette.yamltext.emit import MAX_DEPTH, Flow, FlowList, emit, has_controls, has_separators
from claude_replay.cassette.yamltext.fast import DECLINED, read_own
from claude_replay.cassette.yamltext.read import Limits, YamlError, read

__all__ = [
    "DECLINED",
    "MAX_DEPTH",
    "Flow",
    "FlowList",
    "Limits",
    "YamlError",
    "emit",
    "has_controls",
    "has_separators",
    "read",
    "read_own",
]
