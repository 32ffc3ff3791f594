"""Agents' conversations as exchanges, without a server: what each turn sends, and what it was answered."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from claude_replay.exchange import Exchange, Json, Meta, Request, Response
from exchange_samples import JSON, URL, VERSION

__all__ = ["SYSTEM", "TOOLS", "Agent", "Item", "answered", "blocks", "send_back", "tool_result"]

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
