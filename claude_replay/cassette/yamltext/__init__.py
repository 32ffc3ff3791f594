"""YAML as text: `emit` writes plain values for people to review, `read` reads them and nothing else."""

from __future__ import annotations

from claude_replay.cassette.yamltext.emit import MAX_DEPTH, Flow, FlowList, emit, has_controls, has_separators
from claude_replay.cassette.yamltext.fast import DECLINED, read_own
from claude_replay.cassette.yamltext.limits import DEFAULT_LIMITS, Limits, YamlError

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


def read(
    text: str, *, name: str = "<cassette>", first_line: int = 1, limits: Limits = DEFAULT_LIMITS
) -> object:
    """
    Return the one document in `text` as dict, list, str, int, float, bool, None or bytes; None if it is none.

    Without quotes, `true`, `false`, `null`, `~` and decimal numbers are not text; all else and every key is.
    Raises `YamlError`, with `name` and lines counted from `first_line`, for whatever else is wrong with the
    text, and for anchors, aliases, tags but `!!binary` and `!!str`, keys that stand twice, a second document,
    nesting deeper than `MAX_DEPTH`, and what exceeds `limits`.
    """
    # What is in our own layout need not wait for PyYAML.
    from claude_replay.cassette.yamltext import reader

    return reader.read(text, name=name, first_line=first_line, limits=limits)
