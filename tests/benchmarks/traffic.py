"""
Synthetic traffic with the shape of the real one: nothing here was ever asked of Claude.

A call has a prompt of 2 KB and a system prompt of 600 bytes (2.8 KB of JSON), its answer 1.5 KB of text. The
request headers are what the SDK sends, the 20 response headers those that the API sends.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import cycle
from typing import Any

import httpx2
from anthropic import Anthropic

KEY = "sk-ant-" + "api03-" + "x" * 24
BASE_URL = "https://api.anthropic.com"
MODEL = "claude-sonnet-5"

_WORDS = [
    "agent",
    "answer",
    "batch",
    "block",
    "budget",
    "cache",
    "call",
    "client",
    "context",
    "delta",
    "deploy",
    "error",
    "event",
    "file",
    "first",
    "graph",
    "header",
    "index",
    "job",
    "key",
    "latency",
    "limit",
    "line",
    "list",
    "log",
    "message",
    "model",
    "node",
    "order",
    "parser",
    "patch",
    "pipeline",
    "plan",
    "prompt",
    "queue",
    "region",
    "release",
    "report",
    "request",
    "result",
    "retry",
    "review",
    "row",
    "schema",
    "second",
    "server",
    "service",
    "span",
    "stage",
    "state",
    "step",
    "stream",
    "system",
    "table",
    "task",
    "test",
    "token",
    "tool",
    "trace",
    "turn",
    "type",
    "update",
    "user",
    "value",
    "vector",
    "window",
    "worker",
]
# Code, JSON, quotes, lists, indentation, and letters of several alphabets: what makes YAML hard.
_HARD_LINES = (
    "def handle(event):\n    return {'status': 200, \"body\": event}\n",
    '```json\n{"tool": "get_weather", "city": "Zürich", "unit": "°C"}\n```\n',
    "- one: the queue\n- two: the workers: all of them\n# three\n",
    "    an indented line that says 'yes' and \"no\" and 1.0\n",
    "Crème brûlée — ça va? 你好 ✓ \N{GRINNING FACE}\n",
)
_LINES = 400

Call = tuple[dict[str, str], bytes, bytes]
"""Headers and body of a request, and the body of its answer."""

RESPONSE_HEADERS = {
    "date": "Sun, 22 Nov 2026 10:00:00 GMT",
    "content-type": "application/json",
    "connection": "keep-alive",
    **{
        f"anthropic-ratelimit-{kind}-{name}": value
        for kind, limit in (("requests", "4000"), ("input-tokens", "2000000"), ("output-tokens", "400000"))
        for name, value in (("limit", limit), ("remaining", limit), ("reset", "2026-11-22T10:00:00Z"))
    },
    "request-id": f"req_{'0' * 24}",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "anthropic-organization-id": "00000000-0000-0000-0000-000000000000",
    "via": "1.1 google",
    "cf-cache-status": "DYNAMIC",
    "x-robots-tag": "none",
    "server": "cloudflare",
    "cf-ray": f"{'0' * 16}-FRA",
}


@cache
def _lines() -> list[str]:
    draw = random.Random("benchmarks")
    prose = [
        " ".join(draw.choices(_WORDS, k=draw.randint(8, 18))).capitalize() + ".\n" for _ in range(_LINES)
    ]
    return [draw.choice(_HARD_LINES) if draw.random() < 0.15 else line for line in prose]


def make_text(size: int, number: int) -> str:
    """A text of about `size` bytes, another one for each number."""
    lines, parts, length, place = _lines(), [f"Number {number}.\n"], 0, number * 7
    while length < size:
        part = lines[place % _LINES]
        parts.append(part)
        length += len(part.encode())
        place += 1 + number % 29
    return "".join(parts).encode()[:size].decode(errors="ignore")


def make_call(number: int) -> dict[str, Any]:
    """The arguments of `messages.create` for the call of this number."""
    return {
        "model": MODEL,
        "max_tokens": 1024,
        "system": make_text(600, 0),
        "messages": [{"role": "user", "content": make_text(2048, number)}],
    }


def make_answer(number: int) -> bytes:
    """The JSON that answers the call of this number."""
    message = {
        "id": f"msg_{number:024}",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": make_text(1500, -number)}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 812,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 377,
            "service_tier": "standard",
        },
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def make_client(base_url: str = BASE_URL, **options: Any) -> Anthropic:
    """A client that would really send."""
    return Anthropic(api_key=KEY, base_url=base_url, **options)


def make_floor_client(answers: Iterable[bytes], media_type: str = "application/json") -> Anthropic:
    """A client over `httpx2.MockTransport`, which gives one answer after the other, and begins again after the last."""
    headers, turns = {**RESPONSE_HEADERS, "content-type": media_type}, cycle(answers)

    def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=headers, content=next(turns))

    return make_client(http_client=httpx2.Client(transport=httpx2.MockTransport(respond)))


def _capture_request(number: int) -> httpx2.Request:
    seen: list[httpx2.Request] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, headers=RESPONSE_HEADERS, content=make_answer(number))

    with make_client(http_client=httpx2.Client(transport=httpx2.MockTransport(respond))) as client:
        client.messages.create(**make_call(number))
    return seen[0]


@cache
def _sdk_headers() -> dict[str, str]:
    request = _capture_request(0)
    if request.content != encode_call(0):
        raise RuntimeError("this SDK writes its requests in another way than `encode_call`")
    return dict(request.headers)


def list_calls(numbers: Iterable[int]) -> Iterator[Call]:
    """The calls of these numbers, as the SDK sends them, and their answers."""
    for number in numbers:
        body = encode_call(number)
        yield {**_sdk_headers(), "content-length": str(len(body))}, body, make_answer(number)


def encode_call(number: int) -> bytes:
    """The body that the SDK sends for a call."""
    call = make_call(number)
    ordered = {name: call[name] for name in ("max_tokens", "messages", "model", "system")}
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":")).encode()
