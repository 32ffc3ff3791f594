"""The SDK's helpers that make several calls, or something of the answer, work on replay as they do live."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from sdk_ways import SYNC, THREAD, WAYS, Tape, Way, ask, describe, each, enter, settle


class Weather(BaseModel):
    """What Claude is to fill in."""

    city: str
    degrees: int


async def parse(client: Any) -> Any:
    message = await settle(client.messages.parse(**ask("Oslo?"), output_format=Weather))
    assert isinstance(message.parsed_output, Weather)
    return describe(message), message.parsed_output


async def beta_parse(client: Any) -> Any:
    message = await settle(client.beta.messages.parse(**ask("Oslo?"), output_format=Weather))
    assert isinstance(message.parsed_output, Weather)
    return describe(message), message.parsed_output


async def stream_parsed(client: Any) -> Any:
    async with enter(client.messages.stream(**ask("Oslo?"), output_format=Weather)) as stream:
        events = [describe(event) async for event in each(stream)]
        message = await settle(stream.get_final_message())
    assert isinstance(message.parsed_output, Weather)
    return events, describe(message), message.parsed_output


def _make_tools(way: Way, used: list[str]) -> list[Any]:
    def weather(city: str) -> str:
        """The weather in a city."""
        used.append(city)
        return f"cold in {city}"

    async def aweather(city: str) -> str:
        """The weather in a city."""
        return weather(city)

    aweather.__name__ = "weather"
    if way in (SYNC, THREAD):
        return [anthropic.beta_tool(weather)]
    return [anthropic.beta_async_tool(aweather)]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.needs("messages.parse")
def test_parsed_answers_come_back(tape: Tape, way: Way) -> None:
    """`messages.parse` makes the same model of the replayed answer."""
    tape.round_trip(parse, way)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.needs("beta.messages.parse")
# SDK 0.125 says so of its own way to pass the model on.
@pytest.mark.filterwarnings("ignore:The 'output_format' parameter is deprecated:DeprecationWarning")
def test_parsed_beta_answers_come_back(tape: Tape, way: Way) -> None:
    """`beta.messages.parse` makes the same model of the replayed answer."""
    tape.round_trip(beta_parse, way)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.needs("messages.stream(output_format=)")
def test_parsed_streams_come_back(tape: Tape, way: Way) -> None:
    """A stream with an output format ends in the same model."""
    tape.round_trip(stream_parsed, way)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.needs("beta.messages.tool_runner")
def test_the_tool_runner_takes_the_same_turns(tape: Tape, way: Way, stream: bool) -> None:
    """Tools are called again on replay, with the same arguments, and lead to the same answers."""
    used: list[str] = []

    async def run_tools(client: Any) -> Any:
        used.clear()
        runner = client.beta.messages.tool_runner(
            **ask('[tool weather {"city": "Oslo"}] [tool weather {"city": "Rome"}]'),
            tools=_make_tools(way, used),
            **({"stream": True} if stream else {}),
        )
        turns = [
            describe(await settle(turn.get_final_message()) if stream else turn)
            async for turn in each(runner)
        ]
        return turns, sorted(used)

    turns, cities = tape.round_trip(run_tools, way)
    assert [turn["stop_reason"] for turn in turns] == ["tool_use", "end_turn"]
    assert cities == ["Oslo", "Rome"]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.needs("threads")
def test_the_tool_runner_works_without_threads_too(tape: Tape, way: Way) -> None:
    """With `thread=False` each turn sends the whole conversation, which replays the same."""
    used: list[str] = []

    async def run_tools(client: Any) -> Any:
        runner = client.beta.messages.tool_runner(
            **ask('[tool weather {"city": "Oslo"}]'), tools=_make_tools(way, used), thread=False
        )
        return [describe(turn) async for turn in each(runner)]

    assert len(tape.round_trip(run_tools, way)) == 2
