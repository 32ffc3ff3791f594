"""Small structures on one line: a short prompt and its answer fit on a screen."""

from __future__ import annotations

from collections.abc import Mapping

from claude_replay.cassette.yamltext import Flow, FlowList

__all__ = ["fold"]

_WIDTH = 110
# Token counts: nobody reviews them, and they would take more lines than question and answer together.
_WIDE = {"usage": 320}
_NO_FIT = 1_000_000


def fold(fields: Mapping[str, object]) -> dict[str, object]:
    """
    A copy of `fields` in which every mapping and list that fits on one line is marked for it.

    The fields themselves, and texts with line breaks, keep their lines, so a changed word stays a one-line
    difference.
    """
    return {key: _fold(item, _WIDE.get(key, _WIDTH))[0] for key, item in fields.items()}


def _fold(value: object, limit: int) -> tuple[object, int]:
    """The marked copy and how wide it is on one line."""
    if isinstance(value, str):
        return value, _NO_FIT if "\n" in value else len(value) + 2
    if isinstance(value, dict) and value:
        width, items = 0, dict[str, object]()
        for key, item in value.items():
            items[key], inner = _fold(item, max(limit, _WIDE[key]) if key in _WIDE else limit)
            width += len(key) + 4 + inner
        return (Flow(items), width) if width <= limit else (items, _NO_FIT)
    if isinstance(value, list) and value:
        folded = [_fold(item, limit) for item in value]
        width = 2 + sum(item[1] + 2 for item in folded)
        if width <= limit:
            return FlowList(item[0] for item in folded), width
        return [_unwrap(item[0]) for item in folded], _NO_FIT
    return value, _NO_FIT if isinstance(value, bytes) else len(str(value))


def _unwrap(item: object) -> object:
    # `- ping: {}` says in the same line what `- {ping: {}}` does.
    return dict(item) if isinstance(item, Flow) and len(item) == 1 else item
