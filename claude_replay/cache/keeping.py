"""From a response to an entry."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from claude_replay.api import cost_usd, message_usage
from claude_replay.bodies import decode_body, decompress, dump_json, media_type
from claude_replay.cache.control import to_seconds
from claude_replay.cache.entry import Entry
from claude_replay.cache.envelope import KEPT_HEADERS, Answer, dump_answer
from claude_replay.cache.judge import judge
from claude_replay.cache.keys import KEY_VERSION
from claude_replay.cache.pacing import time_events
from claude_replay.exchange import Body, EventStream, Json, Request, Response
from claude_replay.redact import Redactor, known_literals

if TYPE_CHECKING:
    from claude_replay.cache.policy import Ticket, Times

__all__ = ["Keeper", "Received"]


@dataclass(frozen=True, slots=True)
class Received:
    """
    A response as it came: `content` still encoded as its headers (lower-case names) say.

    `ended` says whether it was read to its end, "closed" by the application, or "cut" off; `seconds` is how long
    that took since the request was sent, `pieces` when each piece of `content` came, in milliseconds, and how long
    it was.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    ended: Literal["complete", "closed", "cut"]
    seconds: float
    pieces: tuple[tuple[int, int], ...] = ()


class Keeper:
    """Makes entries of good answers."""

    def __init__(self, stop_reasons: frozenset[str]) -> None:
        self._stop_reasons = stop_reasons
        self._redactor: Redactor | None = None
        self._lock = threading.Lock()

    @property
    def redactor(self) -> Redactor:
        """Knows the credentials of the environment."""
        with self._lock:
            if self._redactor is None:
                self._redactor = Redactor(literals=known_literals(os.environ))
            return self._redactor

    def make_entry(self, ticket: Ticket, received: Received, namespace: str, times: Times) -> Entry | str:
        """The entry of a whole good answer, or why there is none, as one word."""
        self.redactor.learn({**ticket.sent.sender.headers, **ticket.sent.headers})
        answer = self._make_answer(received, ticket.question.model)
        if isinstance(answer, str):
            return answer
        ttl, stale_at, expires = to_seconds(ticket.control.ttl) or times.ttl, None, None
        if ttl is not None:
            ttl *= 1 - times.jitter * int(ticket.question.key[:8], 16) / 0xFFFFFFFF
            expires = ticket.created + ttl + times.stale
            stale_at = ticket.created + ttl if times.stale else None
        question = ticket.question
        return Entry(
            key=question.key,
            envelope=dump_answer(replace(answer, stale_at=stale_at)),
            created=ticket.created,
            namespace=namespace,
            expires=expires,
            model=question.model,
            tags=ticket.control.tags,
            key_version=KEY_VERSION,
            marks=question.marks,
            lineage=question.lineage.dump(),
            request=self._pack_request(ticket),
        )

    def _make_answer(self, received: Received, model: str) -> Answer | str:
        encoding, kind = received.headers.get("content-encoding", ""), media_type(received.headers)
        is_whole = received.ended == "complete"
        if not is_whole and kind != "text/event-stream":
            return received.ended
        try:
            content = decompress(received.content, encoding) if encoding else received.content
            content.decode()
        except ValueError:
            return "unreadable" if is_whole else received.ended
        body = decode_body(content, kind)
        good = judge(body, model, good=self._stop_reasons)
        if isinstance(good, str):
            # Applications leave a stream at its last event; that one is whole all the same.
            return good if is_whole or good != "cut" else received.ended
        headers = {name: value for name, value in received.headers.items() if name in KEPT_HEADERS}
        if self.redactor.response(Response(200, headers, body)).body is not body:
            return "secret"
        usage = message_usage(good.message)
        return Answer(
            "sse" if isinstance(body, EventStream) else "json",
            content,
            headers,
            good.model,
            good.stop_reason,
            usage,
            cost_usd(good.model, usage),
            round(received.seconds, 3),
            times=self._time_events(received, body, encoding),
        )

    def _time_events(self, received: Received, body: Body, encoding: str) -> tuple[int, ...]:
        is_stream = isinstance(body, EventStream)
        return time_events(received.content, received.pieces, encoding) if is_stream else ()

    def _pack_request(self, ticket: Ticket) -> bytes:
        sent = ticket.sent
        url = f"{sent.sender.base_url.rstrip('/')}/v1/messages"
        headers = {**sent.sender.headers, **sent.headers}
        clean = self.redactor.request(Request("POST", url, headers, Json(sent.body)))
        try:
            text = dump_json({"url": clean.url, "headers": dict(clean.headers), "body": clean.json})
        except ValueError:
            # A lone surrogate: the answer is kept all the same, without what was asked.
            return b""
        return zlib.compress(text, 1)
