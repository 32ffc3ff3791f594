"""Turns an answer into the events of a stream, and breaks the stream off where a directive says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from standin.answers import Answer
from standin.conversation import Json
from standin.dialects import Dialect, encode_event
from standin.digests import make_number
from standin.directives import Directives
from standin.errors import build_error

Ending = Literal["end", "cut", "hang"]


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event; `data` is its JSON text."""

    name: str
    data: str

    def encode(self, dialect: Dialect) -> bytes:
        """Give the event as it is sent."""
        return encode_event(self.name, self.data, dialect)


@dataclass(frozen=True, slots=True)
class Stream:
    """The events that are sent, and what happens after the last of them."""

    events: tuple[Event, ...]
    ending: Ending = "end"


def build_stream(answer: Answer, directives: Directives, request_id: str) -> Stream:
    """Build the stream of an answer; where several directives break it off, the order is cut, hang, error."""
    events = _build_events(answer)
    if directives.cut_after is not None:
        return Stream(_keep_deltas(events, directives.cut_after), "cut")
    if directives.hang_after is not None:
        return Stream(_keep_deltas(events, directives.hang_after), "hang")
    if directives.error_after is not None:
        error = build_error(529, "Overloaded", request_id)
        kept = _keep_deltas(events, directives.error_after)
        return Stream((*kept, Event("error", json.dumps(error, separators=(",", ":")))))
    return Stream(events)


def _build_events(answer: Answer) -> tuple[Event, ...]:
    events = [_start_message(answer)]
    for index, block in enumerate(answer.blocks):
        events.append(_event("content_block_start", {"index": index, "content_block": block.start}, answer))
        if index == 0:
            events.append(Event("ping", '{"type": "ping"}'))
        events.extend(
            _event("content_block_delta", {"index": index, "delta": delta}, answer) for delta in block.deltas
        )
        events.append(_event("content_block_stop", {"index": index}, answer))
    delta = {
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "stop_details": answer.stop_details,
    }
    hidden = ("cache_creation", "service_tier", "inference_geo")
    usage = {name: value for name, value in answer.usage.items() if name not in hidden}
    events.append(_event("message_delta", {"delta": delta, "usage": usage}, answer))
    events.append(_event("message_stop", {}, answer))
    return tuple(events)


def _start_message(answer: Answer) -> Event:
    usage = {**answer.usage, "output_tokens": 1, "output_tokens_details": {"thinking_tokens": 0}}
    unfinished: Json = {"content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    message = {**answer.to_message(), **unfinished, "usage": usage}
    return _event("message_start", {"message": message}, answer)


def _event(name: str, members: dict[str, Any], answer: Answer) -> Event:
    """Build an event whose JSON has, like the API's, from 0 to 15 spaces before its last brace."""
    text = json.dumps({"type": name, **members}, ensure_ascii=False, separators=(",", ":"))
    padding = " " * make_number(f"{answer.message_id} {text}", 16)
    return Event(name, f"{text[:-1]}{padding}}}")


def _keep_deltas(events: tuple[Event, ...], count: int) -> tuple[Event, ...]:
    """Keep the events up to the `count`-th delta, the last delta if there are fewer."""
    deltas = [index for index, event in enumerate(events) if event.name == "content_block_delta"]
    if not deltas:
        return events[:-2]
    return events[: deltas[0]] if count == 0 else events[: deltas[min(count, len(deltas)) - 1] + 1]
