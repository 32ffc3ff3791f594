"""
An answer as bytes, and back; never pickle.

One line of JSON, and after it the body as it came. Within the JSON it would have to be escaped and read twice on
each hit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from claude_replay.bodies import dump_json
from claude_replay.exchange import Usage

__all__ = ["ENVELOPE_VERSION", "KEPT_HEADERS", "Answer", "dump_answer", "load_answer"]

ENVELOPE_VERSION = 1
KEPT_HEADERS = ("content-type", "request-id")
"""Response headers an entry keeps; the rest says something about one transfer or one account."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A whole good answer.

    `kind` says whether `body` is a message as JSON or an event stream, in UTF-8. `model` is the one that
    answered, `usd` the price (None where not known), `seconds` how long the call took, `stale_at` (Unix seconds)
    from when on the answer is only given while a fresh one is fetched, `times` the milliseconds at which each
    event of a stream arrived.
    """

    kind: Literal["json", "sse"]
    body: bytes
    headers: Mapping[str, str]
    model: str
    stop_reason: str
    usage: Usage
    usd: float | None = None
    seconds: float = 0.0
    stale_at: float | None = None
    times: tuple[int, ...] = field(default=())


def dump_answer(answer: Answer) -> bytes:
    """As bytes."""
    usage = answer.usage
    head = dump_json(
        {
            "v": ENVELOPE_VERSION,
            "kind": answer.kind,
            "headers": dict(answer.headers),
            "model": answer.model,
            "stop_reason": answer.stop_reason,
            "usage": [
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_creation_input_tokens,
                usage.cache_read_input_tokens,
            ],
            "usd": answer.usd,
            "seconds": answer.seconds,
            "stale_at": answer.stale_at,
            "times": list(answer.times),
        }
    )
    return head + b"\n" + answer.body


def load_answer(envelope: bytes) -> Answer:
    """Raises ValueError for what is no envelope, or one of another version."""
    try:
        head, _, body = envelope.partition(b"\n")
        data = json.loads(head)
        if data["v"] != ENVELOPE_VERSION:
            raise ValueError(f"version {data['v']!r}")
        return Answer(
            data["kind"],
            body,
            data["headers"],
            data["model"],
            data["stop_reason"],
            Usage(*data["usage"]),
            data["usd"],
            data["seconds"],
            data["stale_at"],
            tuple(data["times"]),
        )
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"not an entry of this version: {error}") from None
