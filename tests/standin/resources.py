"""
Everything below `/v1/` that is no message: objects that are made, read, changed, listed and taken away.

The server keeps none of them: what it says of an object follows from its id and from how often it was asked.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from standin.digests import make_token
from standin.received import Received, Visit

Json = dict[str, Any]

# Two looks at a batch, then it is done.
_POLLS = 2
_ID = re.compile(r"[a-z]+_[0-9A-Za-z]+\Z")
_PREFIXES = {
    "batches": "msgbatch",
    "files": "file",
    "sessions": "sesn",
    "memory_stores": "memstore",
    "vaults": "vlt",
}
_NAMED_LIKE_ACTIONS = ("content", "results", "stream", "cancel", "archive")
_CREATED = "2026-11-22T12:00:00Z"


@dataclass(frozen=True, slots=True)
class Found:
    """An answer: JSON, or other content with its type and name."""

    body: bytes
    content_type: str = "application/json"
    filename: str | None = None
    retry_after: str | None = None


def find_resource(received: Received, visit: Visit) -> Found:
    """What a request about a resource is answered."""
    parts = received.route.removeprefix("/v1/").split("/")
    if parts[-1] == "content":
        return Found(make_content(parts[-2]), "application/octet-stream", f"{parts[-2]}.bin")
    if parts[:2] == ["messages", "batches"]:
        return _answer_about_batch(received, visit, parts[2:])
    if parts[-2:] == ["events", "stream"]:
        return Found(_make_events(parts[1]), "text/event-stream; charset=utf-8")
    if received.method == "DELETE":
        return _json({"id": parts[-1], "type": f"{_kind_of(parts)}_deleted", "deleted": True})
    if received.method == "GET":
        return _json(_make_object(parts, parts[-1]) if _ID.match(parts[-1]) else _make_page(parts))
    return _json({**_make_object(parts, _make_id(parts, visit)), **_read_fields(received)})


def _answer_about_batch(received: Received, visit: Visit, parts: list[str]) -> Found:
    if not parts:
        if received.method == "GET":
            return _json(_make_page(["messages", "batches"]))
        return _json(_make_batch(_make_id(["batches"], visit), "in_progress"))
    if parts[-1] == "results":
        return Found(_make_results(parts[0]), "application/x-jsonl")
    if parts[-1] == "cancel":
        return _json(_make_batch(parts[0], "canceling"))
    if received.method == "DELETE":
        return _json({"id": parts[0], "type": "message_batch_deleted"})
    is_done = visit.earlier >= _POLLS
    found = _json(_make_batch(parts[0], "ended" if is_done else "in_progress"))
    return Found(found.body, retry_after=None if is_done else "3600")


def _make_batch(batch_id: str, status: str) -> Json:
    counts = {"processing": 0, "succeeded": 2, "errored": 0, "canceled": 0, "expired": 0}
    is_done = status == "ended"
    return {
        "id": batch_id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": counts if is_done else {**counts, "processing": 2, "succeeded": 0},
        "created_at": _CREATED,
        "expires_at": "2026-11-23T12:00:00Z",
        "ended_at": _CREATED if is_done else None,
        "archived_at": None,
        "cancel_initiated_at": _CREATED if status == "canceling" else None,
        "results_url": f"/v1/messages/batches/{batch_id}/results" if is_done else None,
    }


def _make_results(batch_id: str) -> bytes:
    lines = []
    for name in ("first", "second"):
        message = {
            "id": f"msg_{make_token(batch_id + name, 12)}",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5",
            "content": [{"type": "text", "text": f"Grüße, {name}"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 3, "output_tokens": 4},
        }
        lines.append({"custom_id": name, "result": {"type": "succeeded", "message": message}})
    return b"".join(_dump(line) + b"\n" for line in lines)


def make_content(name: str) -> bytes:
    """The content of a file, which is no text."""
    return b"\x89PNG\r\n\x1a\n\x00\xff" + name.encode()


def _make_events(session_id: str) -> bytes:
    events = [
        {"id": "sevt_1", "type": "session.status_running", "processed_at": _CREATED},
        {
            "id": "sevt_2",
            "type": "agent.message",
            "content": [{"type": "text", "text": f"Working on {session_id}"}],
        },
        {"id": "sevt_3", "type": "session.status_idle", "stop_reason": {"type": "end_turn"}},
    ]
    return b"".join(b"event: message\ndata: " + _dump(event) + b"\n\n" for event in events)


def _make_page(parts: list[str]) -> Json:
    kind = _kind_of(parts)
    data = [_make_object(parts, f"{kind}_{make_token(f'{kind} {number}', 12)}") for number in range(2)]
    return {
        "data": data,
        "has_more": False,
        "first_id": data[0]["id"],
        "last_id": data[-1]["id"],
        "next_page": None,
    }


def _make_object(parts: list[str], object_id: str) -> Json:
    return {"id": object_id, "type": _kind_of(parts), "created_at": _CREATED, "path": "/".join(parts)}


def _make_id(parts: list[str], visit: Visit) -> str:
    known = [part for part in parts if _ID.match(part) and part not in _PREFIXES]
    return (
        known[-1] if known else f"{_PREFIXES.get(parts[-1], _kind_of(parts))}_01{make_token(visit.seed, 20)}"
    )


def _kind_of(parts: list[str]) -> str:
    nouns = [part for part in parts if not _ID.match(part) or part in _PREFIXES]
    nouns = [part for part in nouns if part not in _NAMED_LIKE_ACTIONS] or parts
    return nouns[-1].removesuffix("s")


def _read_fields(received: Received) -> Json:
    """What the request says, given back: the fields of JSON, the file names of an upload."""
    if isinstance(received.json, dict):
        return {name: value for name, value in received.json.items() if name not in ("id", "type")}
    names = re.findall(rb'filename="([^"]*)"', received.body)
    return {"filename": names[0].decode(), "size_bytes": len(received.body)} if names else {}


def _json(value: Json) -> Found:
    return Found(_dump(value))


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
