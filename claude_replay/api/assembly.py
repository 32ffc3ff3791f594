"""The message that the events of a stream add up to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from claude_replay.exchange import Body, Deltas, Event, EventStream, Json, StreamItem

__all__ = ["assemble_message"]

_FIELDS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
    "signature_delta": "signature",
}


def assemble_message(body: Body) -> dict[str, object] | None:
    """
    The message an answer carries, as the JSON object a caller without streaming would have got.

    None where the body holds no message (errors, other endpoints, streams that never started one). Where a
    stream broke off within the input of a tool, that input is the text there is of it.
    """
    if isinstance(body, EventStream):
        return _Assembly(body.items).message
    if isinstance(body, Json) and isinstance(body.value, dict) and _is_message(body.value):
        return dict(body.value)
    return None


def _is_message(value: Mapping[str, object]) -> bool:
    # Who writes an answer by hand may leave the type out, and the SDK takes it. Pages of other services
    # (`record_hosts`) have `content` as well, but no role.
    said = value.get("type")
    return said == "message" or (said is None and value.get("role") == "assistant")


class _Assembly:
    """Takes event after event, as the anthropic SDK does; deltas of blocks never started are left out."""

    def __init__(self, items: Iterable[StreamItem]) -> None:
        self.message: dict[str, object] | None = None
        self._blocks: list[dict[str, object]] = []
        self._inputs: dict[int, str] = {}
        for item in items:
            if isinstance(item, Deltas):
                self._add(item.index, _join(item))
            elif isinstance(item, Event):
                self._take(item.name, _object(item.data))
        if self.message is not None:
            self._finish(self.message)

    def _take(self, name: str | None, data: Mapping[str, object]) -> None:
        if name == "message_start":
            self.message = dict(_object(data.get("message")))
        elif name == "content_block_start":
            self._blocks.append(dict(_object(data.get("content_block"))))
        elif name == "content_block_delta":
            self._add(data.get("index"), _object(data.get("delta")))
        elif name == "message_delta" and self.message is not None:
            _update(self.message, data)

    def _add(self, index: object, delta: Mapping[str, object]) -> None:
        if type(index) is not int or not 0 <= index < len(self._blocks):
            return
        block, kind = self._blocks[index], delta.get("type")
        if kind == "citations_delta":
            known = block.get("citations")
            block["citations"] = [*(known if isinstance(known, list) else ()), delta.get("citation")]
        elif kind == "input_json_delta":
            self._inputs[index] = f"{self._inputs.get(index, '')}{delta.get('partial_json', '')}"
        elif kind in ("text_delta", "thinking_delta"):
            field = _FIELDS[kind]
            block[field] = f"{block.get(field) or ''}{delta.get(field, '')}"
        else:
            # Signatures, compactions and whatever is new come whole.
            block.update((key, value) for key, value in delta.items() if key != "type")

    def _finish(self, message: dict[str, object]) -> None:
        for index, text in self._inputs.items():
            if text:
                self._blocks[index]["input"] = _parse(text)
        message["content"] = self._blocks
        for block in self._blocks:
            if block.get("type") == "fallback":
                # Another model took over, and a message without streaming is labeled with its name.
                message["model"] = _object(block.get("to")).get("model")


def _join(item: Deltas) -> dict[str, object]:
    text = "".join(item.pieces[-1:]) if item.type == "signature_delta" else item.text
    return {"type": item.type, _FIELDS[item.type]: text}


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _update(message: dict[str, object], data: Mapping[str, object]) -> None:
    """What `message_delta` says anew; what it says nothing about, or null, stays."""
    usage = {**_object(message.get("usage")), **_said(_object(data.get("usage")))}
    others = {key: value for key, value in data.items() if key not in ("type", "delta", "usage")}
    message.update({**_said(others), **_said(_object(data.get("delta"))), "usage": usage})


def _said(fields: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value is not None}
