"""What every part of the client gives on replay equals what it gave when it was recorded."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sdk_ways import WAYS, Scenario, Tape, Way, ask, attempt, describe, each, enter, settle

TOOLS = [
    {
        "name": name,
        "description": name,
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    for name in ("weather", "clock")
]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
PIXEL = base64.b64encode(b"\x89PNG" + bytes(range(64))).decode()


async def create(client: Any) -> Any:
    return describe(await settle(client.messages.create(**ask("Hello", system="Be terse."))))


async def create_with_odd_text(client: Any) -> Any:
    text = (
        "tabs\t, spaces   , \r\n lines, \x85\u2028\u2029, \U0001f600, \x7f, 'quotes' \"and\" {braces}: #!&*"
    )
    return describe(await settle(client.messages.create(**ask(f"[echo {text}]"))))


async def create_with_media(client: Any) -> Any:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    return describe(await settle(client.messages.create(**ask([{"role": "user", "content": content}]))))


async def create_with_cached_prompt(client: Any) -> Any:
    system = [{"type": "text", "text": "Long. " * 2000, "cache_control": {"type": "ephemeral"}}]
    return [describe(await settle(client.messages.create(**ask("Hi", system=system)))) for _ in range(2)]


async def create_that_stops_early(client: Any) -> Any:
    reasons = ("max_tokens", "refusal", "pause_turn", "stop_sequence")
    options = {"stop_sequences": ["END"]}
    calls = [client.messages.create(**ask(f"[stop {reason}]", **options)) for reason in reasons]
    return [describe(await settle(call)) for call in calls]


async def create_streamed(client: Any) -> Any:
    stream = await settle(client.messages.create(**ask("[words 40] go", stream=True)))
    return [describe(event) async for event in each(stream)]


async def stream_text(client: Any) -> Any:
    async with enter(client.messages.stream(**ask("[pieces one | two|\n\nthree|\U0001f600]"))) as stream:
        pieces = [piece async for piece in each(stream.text_stream)]
        return pieces, stream.response.headers["request-id"], await settle(stream.get_final_text())


async def stream_events(client: Any) -> Any:
    async with enter(client.messages.stream(**ask("[lines 5] go"))) as stream:
        events = [describe(event) async for event in each(stream)]
        return events, describe(await settle(stream.get_final_message()))


async def stream_to_the_end(client: Any) -> Any:
    async with enter(client.messages.stream(**ask("[words 2000] go"))) as stream:
        return describe(await settle(stream.get_final_message()))


async def count_tokens(client: Any) -> Any:
    request = ask("How many?", tools=TOOLS)
    del request["max_tokens"]
    return describe(await settle(client.messages.count_tokens(**request)))


async def models(client: Any) -> Any:
    page = await settle(client.models.list(limit=2))
    everything = [describe(model) async for model in each(client.models.list(limit=2))]
    return describe(page), everything, describe(await settle(client.models.retrieve("claude-sonnet-5")))


async def beta_create(client: Any) -> Any:
    return describe(await settle(client.beta.messages.create(**ask("Hello"), betas=["one-2026-01-01"])))


async def beta_stream(client: Any) -> Any:
    async with enter(client.beta.messages.stream(**ask("[words 9] go"), betas=["one-2026-01-01"])) as stream:
        events = [describe(event) async for event in each(stream)]
        return events, describe(await settle(stream.get_final_message()))


async def raw_response(client: Any) -> Any:
    raw = await settle(client.messages.with_raw_response.create(**ask("Hello")))
    tokens = await settle(
        client.messages.with_raw_response.count_tokens(
            **{name: value for name, value in ask("Hello").items() if name != "max_tokens"}
        )
    )
    kept = {name: raw.headers.get(name) for name in ("content-type", "request-id")}
    assert raw.elapsed.total_seconds() >= 0
    return raw.status_code, kept, raw.request_id, describe(await settle(raw.parse())), tokens.status_code


async def raw_stream(client: Any) -> Any:
    raw = await settle(client.messages.with_raw_response.create(**ask("[words 5] go", stream=True)))
    stream = await settle(raw.parse())
    return raw.request_id, [describe(event) async for event in each(stream)]


async def streaming_response(client: Any) -> Any:
    manager = client.messages.with_streaming_response.create(**ask("[words 5] go", stream=True))
    async with enter(manager) as response:
        lines = [line async for line in each(response.iter_lines())]
    # The API pads its JSON with white space of random length; replay does not.
    events = [json.loads(line.removeprefix("data: ")) if "{" in line else line for line in lines]
    async with enter(client.messages.with_streaming_response.create(**ask("Hello"))) as response:
        return events, response.status_code, await settle(response.json())


async def tool_loop(client: Any) -> Any:
    """Two turns that ask for tools, the first for two at once, then the answer."""
    first = '[tool weather {"city": "Oslo"}] [tool clock {"city": "Oslo"}]'
    messages: list[Any] = [{"role": "user", "content": first}]
    seen = []
    for result in ("cold [tool clock {}]", "late", "never"):
        message = await settle(client.messages.create(**ask(messages, tools=TOOLS)))
        seen.append(describe(message))
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            break
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": result} for call in calls]
        messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    assert [answer["stop_reason"] for answer in seen] == ["tool_use", "tool_use", "end_turn"]
    return seen


async def tool_stream(client: Any) -> Any:
    request = ask('[tool weather {"city": "Bergen", "days": [1, 2, {"x": null}]}]', tools=TOOLS)
    async with enter(client.messages.stream(**request)) as stream:
        events = [describe(event) async for event in each(stream)]
        return events, describe(await settle(stream.get_final_message()))


async def thinking(client: Any) -> Any:
    request = ask("Why?", thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2048)
    message = await settle(client.messages.create(**request))
    assert message.content[0].signature
    async with enter(client.messages.stream(**request)) as stream:
        events = [describe(event) async for event in each(stream)]
        return describe(message), events, describe(await settle(stream.get_final_message()))


async def thinking_sent_back(client: Any) -> Any:
    options = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048}
    messages: list[Any] = [{"role": "user", "content": "Why?"}]
    first = await settle(client.messages.create(**ask(messages, **options)))
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": "And then?"}]
    return describe(first), describe(await settle(client.messages.create(**ask(messages, **options))))


async def structured_output(client: Any) -> Any:
    output = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
    return describe(await settle(client.messages.create(**ask("Oslo?"), extra_body=output)))


async def equal_requests(client: Any) -> Any:
    """The same three times, each with another answer."""
    rolls = [await settle(client.messages.create(**ask("Roll. [ordinal]"))) for _ in range(3)]
    assert len({roll.content[0].text for roll in rolls}) == 3
    return [describe(roll) for roll in rolls]


async def stream_and_plain(client: Any) -> Any:
    """The same question with and without a stream, which are two questions."""
    request = ask("Both. [ordinal]")
    plain = await settle(client.messages.create(**request))
    stream = await settle(client.messages.create(**request, stream=True))
    return describe(plain), [describe(event) async for event in each(stream)]


async def binary_download(client: Any) -> Any:
    """The bytes of an answer, as a download reads them."""
    async with enter(client.messages.with_streaming_response.create(**ask("Hello"))) as response:
        return b"".join([piece async for piece in each(response.iter_bytes())])


async def own_paths(client: Any) -> Any:
    """Endpoints that the SDK has no method for."""
    plain = await settle(client.get("/v1/models/claude-sonnet-5", cast_to=object))
    return plain, await attempt(lambda: client.post("/v1/nothing", cast_to=object, body={"a": 1}))


SCENARIOS: list[Scenario] = [
    create,
    create_with_odd_text,
    create_with_media,
    create_with_cached_prompt,
    create_that_stops_early,
    create_streamed,
    stream_text,
    stream_events,
    stream_to_the_end,
    count_tokens,
    models,
    beta_create,
    beta_stream,
    raw_response,
    raw_stream,
    streaming_response,
    tool_loop,
    tool_stream,
    thinking,
    thinking_sent_back,
    structured_output,
    equal_requests,
    stream_and_plain,
    binary_download,
    own_paths,
]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_what_was_recorded_comes_back_on_replay(tape: Tape, scenario: Scenario, way: Way) -> None:
    """Parsed objects, event sequences, errors and request ids are the same without server and key."""
    tape.round_trip(scenario, way)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_recording_serves_every_way_to_call(tape: Tape, way: Way) -> None:
    """What one kind of client has recorded can be replayed by any other."""
    recorded = tape.record(stream_events)
    assert tape.replay(stream_events, way) == recorded
