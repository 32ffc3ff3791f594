"""
The canonical form of a request.

Only equivalences that the API itself declares are applied (docs of the Messages API; the docstrings of anthropic
2.12's request types): key order, `"x"` and one text block, documented defaults, `1` and `1.0`, the old spelling
`output_format`, and the ids of tool calls, which are renumbered by first appearance.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from claude_replay.api import Endpoint, describe_endpoint
from claude_replay.exchange import Binary, Body, EventStream, Json, Request, Text
from claude_replay.normalize.rules import Rules

__all__ = ["Canonical", "canonicalize"]

_Object = dict[str, object]
_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Canonical:
    """
    A request reduced to what matching compares.

    `form` has the keys operation, query, betas and body; `fingerprint` is the SHA-256 of it, in hex.
    """

    form: _Object
    fingerprint: str


def canonicalize(request: Request, rules: Rules, endpoint: Endpoint | None = None) -> Canonical:
    """
    Reduce a (redacted) request to its canonical form under `rules`.

    `endpoint` is what the request asks for where that is known already.
    """
    endpoint = endpoint or describe_endpoint(request.method, request.url)
    betas = request.headers.get("anthropic-beta")
    form: _Object = {
        "operation": endpoint.operation,
        "query": [list(pair) for pair in endpoint.query],
        "betas": sorted({beta.strip() for beta in betas.split(",") if beta.strip()}) if betas else [],
        "body": _canonical_body(request.body, endpoint.operation, rules),
    }
    return Canonical(form, hashlib.sha256(_dumps(form).encode()).hexdigest())


def _canonical_body(body: Body, operation: str, rules: Rules) -> object:
    if isinstance(body, Json):
        value = _fold_numbers(body.value)
        if operation in ("messages", "messages.count_tokens") and isinstance(value, dict):
            value = _canonical_messages(value, rules)
        for rule in rules.paths:
            value = rule.apply(value)
        return value
    if body is None:
        return None
    if isinstance(body, Text):
        return {"text": body.text}
    if isinstance(body, Binary):
        return {"sha256": hashlib.sha256(body.data).hexdigest(), "bytes": len(body.data)}
    return _canonical_stream(body)


def _canonical_stream(body: EventStream) -> object:
    # No endpoint takes one; compared as it stands rather than refused.
    return {"events": repr(body)}


def _fold_numbers(value: object) -> object:
    kind = type(value)
    if kind is str or kind is int:
        return value
    if kind is dict:
        return {key: _fold_numbers(item) for key, item in cast("_Object", value).items()}
    if kind is list:
        return [_fold_numbers(item) for item in cast("list[object]", value)]
    if kind is float and cast("float", value).is_integer():
        return int(cast("float", value))
    return value


class _Ids:
    """Numbers for tool-call ids, by first appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    def number(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        return self._numbers.setdefault(value, f"id-{len(self._numbers) + 1}")


def _canonical_messages(body: _Object, rules: Rules) -> _Object:
    # `body` was copied by _fold_numbers, so it may be changed in place.
    for name in ("metadata", "diagnostics", "cache_control"):
        if name in rules.drop:
            body.pop(name, None)
    _drop_default(body, "stream", False)
    _drop_default(body, "tool_choice", {"type": "auto"})
    _rename_output_format(body)
    ids = _Ids()
    tidy = _block_tidier(ids, "cache_control" in rules.drop)
    if "system" in body:
        body["system"] = _blocks(body["system"], tidy)
    if isinstance(body.get("messages"), list):
        body["messages"] = [_canonical_message(message, tidy) for message in cast("list[object]", body["messages"])]
    if "cache_control" in rules.drop and isinstance(body.get("tools"), list):
        for tool in cast("list[object]", body["tools"]):
            if isinstance(tool, dict):
                tool.pop("cache_control", None)
    return body


def _drop_default(body: _Object, name: str, default: object) -> None:
    if name in body and body[name] == default and type(body[name]) is type(default):
        del body[name]


def _rename_output_format(body: _Object) -> None:
    config = body.get("output_config", {})
    if "output_format" in body and isinstance(config, dict) and "format" not in config:
        body["output_config"] = {**config, "format": body.pop("output_format")}


def _canonical_message(message: object, tidy: Callable[[_Object], None]) -> object:
    if isinstance(message, dict) and "content" in message:
        message["content"] = _blocks(message["content"], tidy)
    return message


def _blocks(content: object, tidy: Callable[[_Object], None]) -> object:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    for block in content if isinstance(content, list) else []:
        if isinstance(block, dict):
            tidy(block)
    return content


def _block_tidier(ids: _Ids, drop_cache_control: bool) -> Callable[[_Object], None]:
    def tidy(block: _Object) -> None:
        if drop_cache_control:
            block.pop("cache_control", None)
        kind = block.get("type")
        if isinstance(kind, str) and kind.endswith("tool_use") and "id" in block:
            block["id"] = ids.number(block["id"])
        if "tool_use_id" in block:
            block["tool_use_id"] = ids.number(block["tool_use_id"])
        if kind == "tool_result":
            _drop_default(block, "is_error", False)
            if "content" in block:
                block["content"] = _blocks(block["content"], tidy)

    return tidy
