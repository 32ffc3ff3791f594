"""How Bedrock, Vertex and the gateways of clouds are asked, and how they answer, on top of the Messages API."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import unquote

from standin.frames import compact, make_chunk, make_converse_event, make_exception
from standin.received import Received

Json = dict[str, Any]
Kind = Literal["api", "bedrock", "converse", "vertex"]

_BEDROCK = re.compile(r"/model/([^/]+)/(invoke|invoke-with-response-stream|converse|converse-stream)\Z")
_VERTEX = re.compile(r"/publishers/anthropic/models/([^/:]+):(rawPredict|streamRawPredict)\Z")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which service a request was put to; `problem` is what it says is wrong."""

    kind: Kind = "api"
    problem: str | None = None

    @property
    def is_framed(self) -> bool:
        """Whether streams are AWS event streams."""
        return self.kind in ("bedrock", "converse")


DIRECT = Dialect()
"""The API itself."""


def translate(received: Received) -> tuple[Received, Dialect]:
    """The request as the Messages API itself would get it, and the dialect it came in."""
    if found := _BEDROCK.search(received.route):
        model, verb = unquote(found[1]), found[2]
        if verb.startswith("converse"):
            return _as_messages(received, _from_converse(received.json, model, "stream" in verb)), Dialect(
                "converse"
            )
        return _put_model(received, "bedrock", model, stream="stream" in verb)
    if found := _VERTEX.search(received.route):
        if found[1] == "count-tokens":
            return replace(received, path="/v1/messages/count_tokens"), Dialect("vertex")
        return _put_model(received, "vertex", unquote(found[1]), stream=found[2] == "streamRawPredict")
    # Gateways have paths of their own before that of the API.
    start = received.path.partition("?")[0].rfind("/v1/")
    return replace(received, path=received.path[max(start, 0) :]), DIRECT


def _put_model(received: Received, kind: Kind, model: str, *, stream: bool) -> tuple[Received, Dialect]:
    body = received.json
    if not isinstance(body, dict) or "anthropic_version" not in body:
        return received, Dialect(kind, "anthropic_version: Field required")
    if "model" in body or (kind == "bedrock" and "stream" in body):
        return received, Dialect(kind, "model, stream: Extra inputs are not permitted")
    fields = {
        name: value for name, value in body.items() if name not in ("anthropic_version", "anthropic_beta")
    }
    # Answers name the model as the API itself does.
    plain = re.sub(r"\A.*anthropic\.|-v1(:0)?\Z", "", model).replace("@", "-")
    return _as_messages(received, {**fields, "model": plain, "stream": stream}), Dialect(kind)


def _as_messages(received: Received, body: Any) -> Received:
    return replace(received, path="/v1/messages", json=body)


def _from_converse(body: Any, model: str, stream: bool) -> Any:
    if not isinstance(body, dict):
        return body
    messages = [
        {**message, "content": [{"type": "text", **block} for block in message["content"] if "text" in block]}
        for message in body.get("messages", [])
    ]
    return {"model": model, "max_tokens": 1024, "messages": messages, "stream": stream}


def encode_message(message: Json, dialect: Dialect) -> Json:
    """A whole answer, as the service has it."""
    if dialect.kind != "converse":
        return message
    usage = message["usage"]
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": _text_of(message)}]}},
        "stopReason": message["stop_reason"],
        "usage": {
            "inputTokens": usage["input_tokens"],
            "outputTokens": usage["output_tokens"],
            "totalTokens": usage["input_tokens"] + usage["output_tokens"],
        },
        "metrics": {"latencyMs": 5},
    }


def _text_of(message: Json) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def encode_event(name: str, data: str, dialect: Dialect) -> bytes:
    """An event of a stream, as the service sends it."""
    if not dialect.is_framed:
        return f"event: {name}\ndata: {data}\n\n".encode()
    event = json.loads(data)
    if name == "error":
        return make_exception("modelStreamErrorException", event["error"]["message"])
    if dialect.kind == "bedrock":
        return make_chunk(event)
    return b"".join(make_converse_event(kind, payload) for kind, payload in _to_converse(name, event))


def _to_converse(name: str, event: Json) -> list[tuple[str, Json]]:
    if name == "message_start":
        return [("messageStart", {"role": "assistant"})]
    if name == "content_block_delta":
        return [
            (
                "contentBlockDelta",
                {"contentBlockIndex": event["index"], "delta": {"text": event["delta"]["text"]}},
            )
        ]
    if name == "content_block_stop":
        return [("contentBlockStop", {"contentBlockIndex": event["index"]})]
    if name == "message_delta":
        usage = event["usage"]
        counts = {"inputTokens": usage["input_tokens"], "outputTokens": usage["output_tokens"]}
        return [
            ("messageStop", {"stopReason": event["delta"]["stop_reason"]}),
            (
                "metadata",
                {"usage": {**counts, "totalTokens": sum(counts.values())}, "metrics": {"latencyMs": 5}},
            ),
        ]
    return []


def encode_error(error: Json, status: int, dialect: Dialect) -> tuple[bytes, list[tuple[str, str]]]:
    """The body of an error and the headers that go with it."""
    if not dialect.is_framed:
        return compact(error), []
    kind = {400: "ValidationException", 404: "ResourceNotFoundException", 429: "ThrottlingException"}
    return compact({"message": error["error"]["message"]}), [
        ("x-amzn-errortype", f"{kind.get(status, 'ModelErrorException')}:http://internal.amazon.com/coral/")
    ]
