"""Agents' conversations as exchanges, without a server: what each turn sends, and what it was answered."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Sequence
from typing import Any

from claude_replay.exchange import Deltas, Event, EventStream, Exchange, Json, Meta, Request, Response
from exchange_samples import JSON, URL, VERSION

__all__ = [
    "SYSTEM",
    "TOOLS",
    "Agent",
    "Item",
    "answered",
    "blocks",
    "format_samples",
    "send_back",
    "tool_result",
]

Item = dict[str, Any]

SYSTEM = "You work through a list of tasks.\nBe brief.\n" * 8
TOOLS: list[Item] = [
    {
        "name": f"tool_{number}",
        "description": f"Does the thing that number {number} of all the tools is known for.",
        "input_schema": {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}},
    }
    for number in range(4)
]


SIGNED: list[Item] = [
    {"type": "thinking", "thinking": "Well…", "signature": "c2ln" * 30},
    {"type": "redacted_thinking", "data": "ZGF0YQ==" * 20},
    {"type": "text", "text": "Yes: " + "indeed. " * 10, "citations": None},
    {"type": "tool_use", "id": "toolu_x", "name": "tool_0", "input": {"z": 1, "a": {"y": 2, "b": []}}},
]
"""An answer with all that has to come back exactly."""


def blocks(turn: int) -> list[Item]:
    """What Claude answers in a turn, with its keys in the order of the API."""
    text = f"Turn {turn}:\nI look at number {turn}."
    given = {"b": f"item {turn}", "a": turn}
    return [
        {"type": "text", "text": text},
        {"type": "tool_use", "id": f"toolu_{turn}", "name": "tool_1", "input": given},
    ]


def send_back(content: Sequence[Item]) -> Item:
    """An answer as the SDK sends it back: the fields of each block in the order of its class."""
    return {"role": "assistant", "content": [{key: block[key] for key in sorted(block)} for block in content]}


def tool_result(turn: int, **more: object) -> Item:
    """What a tool gave in a turn."""
    block = {"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": f"line {turn}\nof a result\n"}
    return {"role": "user", "content": [{**block, **more}]}


def answered(body: Item, content: object, number: int = 0, **fields: object) -> Exchange:
    """An exchange with this request and these blocks as its answer; a copy, so later changes do it no harm."""
    message = {
        "model": "claude-sonnet-5",
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
    return Exchange(
        Request("POST", URL, VERSION, Json(copy.deepcopy(body))),
        Response(200, JSON, Json(copy.deepcopy({**message, **fields}))),
        Meta("2026-11-22T20:40:16Z", 1.25),
    )


class Agent:
    """A loop that calls a tool in each turn; `body` may be changed between turns in any way."""

    def __init__(self, task: str = "Do the first task, then\nthe second.", **fields: object) -> None:
        self.body: Item = {
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": task}],
            "model": "claude-sonnet-5",
            "system": SYSTEM,
            "tools": TOOLS,
            **fields,
        }
        self.turn = 0
        self.exchanges: list[Exchange] = []

    @property
    def messages(self) -> list[Item]:
        """The history that the next request sends."""
        messages: list[Item] = self.body["messages"]
        return messages

    def ask(self) -> list[Item]:
        """Send one request; the blocks of its answer."""
        content = blocks(self.turn)
        self.exchanges.append(answered(self.body, content, self.turn))
        return content

    def step(self) -> None:
        """One turn: ask, call the tool, and put answer and result behind the history."""
        content = self.ask()
        self.body["messages"] = [*self.messages, send_back(content), tool_result(self.turn)]
        self.turn += 1

    def run(self, turns: int) -> list[Exchange]:
        """So many turns; all exchanges."""
        for _ in range(turns):
            self.step()
        return self.exchanges


def stream_of(content: Sequence[Item]) -> EventStream:
    """The blocks as the events of a stream."""
    items: list[Any] = [
        Event("message_start", {"type": "message_start", "message": {"id": "m", "type": "message"}})
    ]
    for index, block in enumerate(content):
        start = copy.deepcopy(block)
        deltas = list[Any]()
        for field, kind in (("thinking", "thinking_delta"), ("text", "text_delta")):
            if field in start:
                whole, start[field] = start[field], ""
                deltas.append(Deltas(index, kind, (whole[:2], whole[2:])))
        if "signature" in start:
            whole, start["signature"] = start["signature"], ""
            deltas.append(Deltas(index, "signature_delta", (whole,)))
        if "input" in start:
            whole, start["input"] = json.dumps(start["input"]), {}
            deltas.append(Deltas(index, "input_json_delta", ("", whole[:5], whole[5:])))
        begin = {"type": "content_block_start", "index": index, "content_block": start}
        items += [Event("content_block_start", begin), *deltas]
        items.append(Event("content_block_stop", {"type": "content_block_stop", "index": index}))
    return EventStream((*items, Event("message_stop", {"type": "message_stop"})))


def format_samples() -> list[Exchange]:
    """A conversation with every way of pointing at what stands above, for tests/formats."""
    mark = {"type": "ephemeral"}
    pixels = base64.b64encode(bytes(range(256)) * 17).decode()
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixels}}
    task = {"type": "text", "text": "What is on the picture?\nThen do as it says."}
    agent = Agent("")
    agent.body["messages"] = [{"role": "user", "content": [picture, task]}]
    agent.run(2)
    marked = copy.deepcopy(agent.messages)
    marked[-1]["content"][-1]["cache_control"] = mark
    agent.exchanges.append(answered({**agent.body, "messages": marked}, blocks(2), 2))
    agent.turn = 3
    agent.body["messages"] = [*agent.messages, {"role": "assistant", "content": blocks(2)}, tool_result(2)]
    agent.body["tools"] = [*TOOLS[1:], {**TOOLS[0], "name": "brand_new", "cache_control": mark}]
    agent.step()
    agent.body["tools"] = TOOLS
    agent.body["messages"] = [{"role": "user", "content": "So far: two pictures."}, *agent.messages[5:]]
    first = answered(agent.body, blocks(4), 4)
    text_only = [{key: block[key] for key in ("text", "type")} for block in blocks(4)[:1]]
    twins = [first, answered(agent.body, blocks(5), 5), answered(agent.body, blocks(6), 6)]
    further = [
        *agent.messages,
        {"role": "assistant", "content": text_only},
        {"role": "user", "content": "Go on."},
    ]
    after = [*agent.messages, send_back(blocks(6)), tool_result(6, cache_control=mark)]
    chat = [
        *after,
        {"role": "assistant", "content": "Turn 9:\nI look at number 9."},
        {"role": "user", "content": "?"},
    ]
    streamed = answered({"messages": [{"role": "user", "content": "Think."}], "stream": True}, [], 11)
    streamed = Exchange(streamed.request, Response(200, JSON, stream_of(SIGNED)), streamed.meta)
    given = {"type": "tool_use", **dict(reversed(SIGNED[3].items())), "caller": None, "cache_control": mark}
    thought = [
        {"role": "user", "content": [{"type": "text", "text": "Think.", "cache_control": mark}]},
        {"role": "assistant", "content": [*SIGNED[:3], given]},
    ]
    again = [{"role": "user", "content": "Think."}, thought[1], {"role": "user", "content": "And?"}]
    return [
        *agent.exchanges,
        *twins,
        answered({**agent.body, "messages": further}, blocks(8), 8),
        answered({**agent.body, "messages": after}, blocks(9)[:1], 9),
        answered({**agent.body, "messages": chat}, [], 10),
        streamed,
        answered({"messages": thought, "stream": True}, [], 12),
        answered({"messages": again, "stream": True}, [], 13),
    ]
