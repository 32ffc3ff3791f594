"""What was sent, as plain data that is the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from claude_replay.exchange import Request
from claude_replay.normalize import Rules, canonicalize, unwrap_text

__all__ = ["snapshot_requests"]

_LONGEST_DATA = 200


def snapshot_requests(requests: Iterable[Request], rules: Rules) -> list[dict[str, Any]]:
    """
    Requests as dicts, lists, texts and numbers, reduced by the rules that compare them.

    Values that differ from run to run are gone or `<name>` where the rules say so, ids of tool calls are
    numbered, lone text blocks are texts, long base64 data is its length and hash. Keys: operation, body, and
    query and betas where there are any.
    """
    return [_snapshot(canonicalize(request, rules).form) for request in requests]


def _snapshot(form: dict[str, object]) -> dict[str, Any]:
    return {key: _simplify(value) for key, value in form.items() if value != []}


def _simplify(value: object) -> object:
    if isinstance(value, list):
        return [_simplify(item) for item in value]
    if not isinstance(value, dict):
        return value
    data = value.get("data")
    if value.get("type") == "base64" and isinstance(data, str) and len(data) > _LONGEST_DATA:
        digest = hashlib.sha256(data.encode()).hexdigest()[:12]
        return {**value, "data": f"<{len(data)} characters, sha256 {digest}>"}
    return {
        key: _simplify(unwrap_text(item) if key in ("content", "system") else item)
        for key, item in value.items()
    }
