"""A tool loop: Claude asks for tools until it has its answer."""

from __future__ import annotations

import anthropic
from anthropic.types import MessageParam, ToolParam, ToolResultBlockParam

from claude_replay import Handle

TOOLS: list[ToolParam] = [
    {
        "name": "get_weather",
        "description": "The weather in a city.",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    }
]


def run_agent(client: anthropic.Anthropic, task: str) -> str:
    """The application under test: answer `task`, using the tools as often as Claude wants."""
    messages: list[MessageParam] = [{"role": "user", "content": task}]
    while True:
        answer = client.messages.create(
            model="claude-sonnet-5", max_tokens=500, tools=TOOLS, messages=messages
        )
        if answer.stop_reason != "tool_use":
            return "".join(block.text for block in answer.content if block.type == "text")
        results: list[ToolResultBlockParam] = [
            {"type": "tool_result", "tool_use_id": block.id, "content": f"sunny in {block.input['city']}"}
            for block in answer.content
            if block.type == "tool_use"
        ]
        messages.append({"role": "assistant", "content": answer.content})
        messages.append({"role": "user", "content": results})


def test_the_agent_asks_for_the_weather_of_both_cities(claude_replay: Handle) -> None:
    """What the agent did is read off the cassette's handle: which tools, with which arguments."""
    task = 'Where is it warmer? [tool get_weather {"city": "Oslo"}] [tool get_weather {"city": "Rome"}]'

    with anthropic.Anthropic() as client:
        answer = run_agent(client, task)

    assert "sunny in Oslo" in answer
    assert [(call.name, call.input) for call in claude_replay.tool_calls] == [
        ("get_weather", {"city": "Oslo"}),
        ("get_weather", {"city": "Rome"}),
    ]
