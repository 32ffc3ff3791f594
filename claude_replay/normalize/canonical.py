"""
The canonical form of a request.

Only equivalences that the API itself declares are applied (docs of the Messages API; the docstrings of
anthropic 2.12's request types): key order, `"x"` and one text block, documented defaults, `1` and `1.0`, the
old spelling `output_format`, and the ids of tool calls, which are renumbered by first appearance.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import cast

from claude_replay.api import Endpoint, endpoint_of
from claude_replay.bodies import decode_multipart, describe_part
from claude_replay.exchange import Binary, EventStream, Json, JsonLines, Multipart, Part, Request, Text
from claude_replay.normalize.provider import canonical_betas, settle_provider
from claude_replay.normalize.rules import Rules

__all__ = ["Canonical", "canonical_body", "canonicalize", "unwrap_text"]

_Object = dict[str, object]
# Where blocks hold blocks, or say by whose call they came; never what a tool is given or what describes it.
_NESTED = ("caller", "content", "source", "tool", "definition", "tool_references")
_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Canonical:
    """
    A request reduced to what matching compares.

    `form` has the keys operation, query, betas and body; text, binary or events instead of body where that is
    not JSON. `fingerprint` is the SHA-256 of the form as JSON, in hex.
    """

    form: _Object
    fingerprint: str


def canonicalize(request: Request, rules: Rules, endpoint: Endpoint | None = None) -> Canonical:
    """
    Reduce a (redacted) request to its canonical form under `rules`.

    `endpoint` is what the request asks for where that is known already.
    """
    endpoint = endpoint or endpoint_of(request)
    betas = request.headers.get("anthropic-beta")
    form: _Object = {
        "operation": endpoint.operation,
        "query": [list(pair) for pair in endpoint.query],
        "betas": canonical_betas(betas) if betas else [],
    }
    if isinstance(request.body, Json):
        body = request.body.value
        if endpoint.takes_messages and isinstance(body, dict):
            body = settle_provider(form, body, endpoint.place, any_provider=rules.any_provider)
        form["body"] = canonical_body(body, endpoint.takes_messages, rules)
    elif request.body is not None:
        kind, content = _canonical_other(request.body)
        form[kind] = _apply_paths(content, rules) if kind == "body" else content
    return Canonical(form, hashlib.sha256(_dumps(form).encode()).hexdigest())


def canonical_body(body: object, takes_messages: bool, rules: Rules) -> object:
    """A JSON body alone; nothing in it is shared with the original where that could be changed in place."""
    value = _copy_parts(body, rules.exact_numbers) if rules.exact_numbers else _fold_numbers(body)
    if takes_messages and type(value) is dict:
        # A copy by now, so it may be changed in place.
        _Tidier(rules.drop).tidy_request(value)
    return _apply_paths(value, rules)


def _apply_paths(value: object, rules: Rules) -> object:
    for rule in rules.paths:
        value = rule.apply(value)
    return value


def _canonical_other(body: JsonLines | Text | Binary | Multipart | EventStream) -> tuple[str, object]:
    if isinstance(body, JsonLines):
        return "body", [_fold_numbers(value) for value in body.values]
    if isinstance(body, (Text, Binary)):
        content = body.text.encode() if isinstance(body, Text) else body.data
        # As older cassettes keep an upload.
        upload = decode_multipart(content)
        if upload is None:
            return _canonical_content(body)
        body = upload
    if isinstance(body, Multipart):
        return "body", {"parts": [_canonical_part(part) for part in body.parts]}
    # No endpoint takes an event stream; compared as it stands rather than refused.
    return "events", repr(body)


def _canonical_content(body: Text | Binary) -> tuple[str, object]:
    if isinstance(body, Text):
        return "text", body.text
    return "binary", [len(body.data), hashlib.sha256(body.data).hexdigest()]


def _canonical_part(part: Part) -> _Object:
    fields = describe_part(part.headers)
    if isinstance(part.body, Json):
        fields["body"] = _fold_numbers(part.body.value)
    elif part.body is not None:
        kind, content = _canonical_content(part.body)
        fields[kind] = content
    return fields


def _fold_numbers(value: object) -> object:
    """A copy in which whole numbers are integers."""
    kind = type(value)
    if kind is dict:
        items = cast("_Object", value).items()
        return {key: item if type(item) is str else _fold_numbers(item) for key, item in items}
    if kind is list:
        return [_fold_numbers(item) for item in cast("list[object]", value)]
    if kind is float and cast("float", value).is_integer():
        return int(cast("float", value))
    return value


def _copy_parts(body: object, exact: frozenset[str]) -> object:
    """A copy in which whole numbers are integers, but within the fields of these names at the top."""
    if type(body) is not dict:
        return _fold_numbers(body)
    return {key: _copy(item) if key in exact else _fold_numbers(item) for key, item in body.items()}


def _copy(value: object) -> object:
    kind = type(value)
    if kind is dict:
        items = cast("_Object", value).items()
        return {key: item if type(item) is str else _copy(item) for key, item in items}
    if kind is list:
        return [_copy(item) for item in cast("list[object]", value)]
    return value


class _Tidier:
    """Brings one Messages request into canonical form, in place; what it does not know stays as it is."""

    __slots__ = ("_drop", "_drops_marks", "_ids")

    def __init__(self, drop: frozenset[str]) -> None:
        self._drop = drop
        self._drops_marks = "cache_control" in drop
        # Numbers for the ids of tool calls, by first appearance.
        self._ids: dict[str, str] = {}

    def tidy_request(self, body: _Object) -> None:
        for name in self._drop:
            body.pop(name, None)
        if body.get("stream") is False:
            del body["stream"]
        if "tool_choice" in body:
            _drop_default_choice(body)
        if "output_format" in body:
            _rename_output_format(body)
        if "system" in body:
            body["system"] = self._tidy_content(body["system"])
        for message in _objects(body.get("messages")):
            if "content" in message:
                message["content"] = self._tidy_content(message["content"])
        if self._drops_marks:
            for tool in _objects(body.get("tools")):
                tool.pop("cache_control", None)

    def _tidy_content(self, content: object) -> object:
        if type(content) is str:
            # The API refuses an empty text block, but not everywhere an empty text.
            return [{"type": "text", "text": content}] if content else content
        self._tidy_blocks(content)
        return content

    def _tidy_blocks(self, content: object) -> None:
        for block in _objects(content):
            self._tidy_block(block)

    def _tidy_block(self, block: _Object) -> None:
        if self._drops_marks:
            block.pop("cache_control", None)
        kind = block.get("type")
        if kind == "text":
            return
        if kind == "tool_result":
            if block.get("is_error") is False:
                del block["is_error"]
            if type(block.get("content")) is str:
                block["content"] = self._tidy_content(block["content"])
        elif type(kind) is str and kind.endswith("tool_use"):
            self._number(block, "id")
        self._number(block, "tool_use_id")
        self._number(block, "tool_id")
        for name in _NESTED:
            nested = block.get(name)
            if type(nested) is dict:
                self._tidy_block(nested)
            elif type(nested) is list:
                self._tidy_blocks(nested)

    def _number(self, block: _Object, name: str) -> None:
        value = block.get(name)
        if type(value) is str:
            block[name] = self._ids.setdefault(value, f"id-{len(self._ids) + 1}")


def _objects(value: object) -> list[_Object]:
    return [item for item in value if type(item) is dict] if type(value) is list else []


def _drop_default_choice(body: _Object) -> None:
    choice = body["tool_choice"]
    if type(choice) is dict and choice.get("type") in ("auto", "any", "tool"):
        if choice.get("disable_parallel_tool_use") is False:
            del choice["disable_parallel_tool_use"]
        # Without tools the API takes no choice at all.
        if choice == {"type": "auto"} and body.get("tools"):
            del body["tool_choice"]


def _rename_output_format(body: _Object) -> None:
    config = body.get("output_config", {})
    if type(config) is dict and "format" not in config:
        body["output_config"] = {**config, "format": body.pop("output_format")}


def unwrap_text(content: object) -> object:
    """The text of a lone text block, which is what a canonical form makes of a text; anything else as it is."""
    block = content[0] if isinstance(content, list) and len(content) == 1 else None
    is_text = isinstance(block, dict) and block.keys() == {"type", "text"} and block["type"] == "text"
    return block["text"] if isinstance(block, dict) and is_text else content
