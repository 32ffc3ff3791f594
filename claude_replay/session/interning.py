"""Requests that share what they have in common, in memory as in the file."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace

from claude_replay.bodies import dump_json
from claude_replay.exchange import Json, Request

__all__ = ["Interner"]

# A conversation; what is shorter is not worth the time.
_FEWEST = 3


class Interner:
    """Gives equal messages of many requests as one object, so that a run of k turns takes memory for k."""

    def __init__(self) -> None:
        self._known: dict[bytes, object] = {}
        self._lock = threading.Lock()

    def share(self, request: Request) -> Request:
        """An equal request, of which the messages are those of earlier ones where these are equal."""
        body = request.json
        messages = body.get("messages") if isinstance(body, dict) else None
        if not isinstance(messages, list) or len(messages) < _FEWEST:
            return request
        with self._lock:
            # By their JSON: 1 and 1.0 and true are equal, and not the same.
            shared = [
                self._known.setdefault(hashlib.sha256(dump_json(message)).digest(), message)
                for message in messages
            ]
        return replace(request, body=Json({**body, "messages": shared}))
