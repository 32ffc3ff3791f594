"""What a test is told about its cassette, and what a run is told about its tests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message
from anthropic.types.beta import BetaMessage

from claude_replay import Usage
from claude_replay.exchange import Body, Event, EventStream, Json, Response, Text
from claude_replay.session import Tally
from claude_replay.session.comparison import compare_answers
from recordings import MODEL, Studio, ask, make_client

TOOL: dict[str, Any] = {"name": "get_weather", "input_schema": {"type": "object"}}


def call_all(studio: Studio) -> None:
    """A plain call, a stream with a tool, a beta call, a count, and an error."""
    client: Any = make_client(studio.server, max_retries=0)
    ask(client, "plain")
    messages = [{"role": "user", "content": 'weather [tool get_weather {"city": "Rome"}]'}]
    with client.messages.stream(model=MODEL, max_tokens=50, messages=messages, tools=[TOOL]) as stream:
        stream.until_done()
    messages = [{"role": "user", "content": "beta"}]
    client.beta.messages.create(model=MODEL, max_tokens=50, messages=messages, betas=["files-api-2025-04-14"])
    client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "count"}])


@pytest.mark.parametrize("mode", ["once", "none"])
def test_a_handle_tells_the_same_while_recording_and_replaying(studio: Studio, mode: str) -> None:
    """What was sent and answered, in the SDK's own types."""
    if mode == "none":
        with studio.open("once"):
            call_all(studio)
    with studio.open(mode) as handle:
        assert (handle.text, handle.usage, handle.messages) == ("", Usage(), [])
        call_all(studio)
        assert (handle.path, handle.mode) == (studio.path, mode)
        assert [request.json["messages"][0]["content"].split()[0] for request in handle.sent] == [
            "plain",
            "weather",
            "beta",
            "count",
        ]
        assert [type(message) for message in handle.messages] == [Message, Message, BetaMessage]
        assert handle.messages[0].content[0].text == "You said: plain"  # type: ignore[union-attr]
        assert handle.messages[1].stop_reason == "tool_use"
        assert handle.text == "You said: beta"
        assert [(call.name, call.input) for call in handle.tool_calls] == [("get_weather", {"city": "Rome"})]
        assert handle.usage.output_tokens > 3
        assert handle.usage.total_tokens == sum(
            message.usage.input_tokens + message.usage.output_tokens for message in handle.messages
        )
        assert handle.misses == []
        assert len(handle.played) == (4 if mode == "none" else 0)
        assert repr(handle) == (
            f"<claude_replay {studio.path} mode={mode} sent=4 played={4 if mode == 'none' else 0}>"
        )
    assert handle.text == "You said: beta"


def test_a_handle_knows_what_the_messages_cost(studio: Studio) -> None:
    """Where all prices are known, and not where one is missing."""
    client = make_client(studio.server)
    with studio.open("once") as handle:
        ask(client, "one")
        assert handle.cost_usd is not None
        assert 0 < handle.cost_usd < 0.01
        client.messages.create(
            model="no-such-model", max_tokens=9, messages=[{"role": "user", "content": "x"}]
        )
        assert handle.cost_usd is None


def test_an_account_counts_what_replaying_has_saved(studio: Studio) -> None:
    """Exchanges, tokens by model and the seconds they took when they were live."""
    with studio.open("once"):
        call_all(studio)
    recorded = studio.tallies[-1]
    assert (recorded.replayed, recorded.recorded, recorded.live, recorded.tokens) == (0, 4, 0, {})
    assert recorded.verdict == "recorded"
    with studio.open("none") as handle:
        call_all(studio)
    tally = studio.tallies[-1]
    assert (tally.replayed, tally.recorded, tally.live, tally.verdict) == (4, 0, 0, "replayed")
    assert list(tally.tokens) == [MODEL]
    assert sum(tally.tokens[MODEL]) == handle.usage.total_tokens
    durations = [exchange.meta.duration or 0.0 for exchange in handle.played]
    assert tally.seconds == pytest.approx(sum(durations))


def test_an_account_travels_between_processes() -> None:
    """As JSON, also from a version that knows more."""
    tally = Tally(
        "a", "b.yaml", "once", 1, 2, 3, 4, 5.5, {"m": [1, 2, 3, 4]}, ["u"], ["n"], ["d"], True, True
    )
    assert Tally.from_dict(json.loads(json.dumps({**tally.as_dict(), "news": 1}))) == tally


@pytest.mark.parametrize(
    ("tally", "verdict"),
    [
        (Tally(missed=1, recorded=1), "missed"),
        (Tally(recorded=1, live=1), "recorded"),
        (Tally(live=1, replayed=1), "live"),
        (Tally(replayed=1), "replayed"),
        (Tally(), "unused"),
    ],
)
def test_the_verdict_is_the_gravest_thing_that_happened(tally: Tally, verdict: str) -> None:
    """One word for the whole session."""
    assert tally.verdict == verdict


def test_verify_tells_what_the_live_answer_does_differently(studio: Studio) -> None:
    """A stop reason that changed is told; the wording, ids and token counts are not."""
    studio.ask("one", "two", mode="once")
    studio.server.script("[stop max_tokens] [ordinal]", "[ordinal]")
    studio.ask("one", "two", mode="verify")
    assert studio.tallies[-1].drift == [
        f"messages · {MODEL} · \"one\": stop_reason: recorded 'end_turn', live 'max_tokens'"
    ]


def message(content: object, **fields: object) -> Body:
    """A message as the body of an answer."""
    return Json({"type": "message", "model": "m", "stop_reason": "end_turn", "content": content, **fields})


def use(name: str, **given: object) -> dict[str, object]:
    """A block that asks for a tool."""
    return {"type": "tool_use", "id": "toolu_1", "name": name, "input": given}


@pytest.mark.parametrize(
    ("recorded", "live", "drift"),
    [
        (message([]), message([]), []),
        (message([{"type": "text", "text": "a"}]), message([{"type": "text", "text": "b"}]), []),
        (message([], model="m-1"), message([], model="m-2"), ["model: recorded 'm-1', live 'm-2'"]),
        (
            message([{"type": "text"}]),
            message([{"type": "thinking"}, {"type": "text"}]),
            ["content: recorded text; live thinking, text"],
        ),
        (message([{"type": "text"}]), message("odd"), ["content: recorded text; live "]),
        (message([use("a", x=1)]), message([{**use("a", x=1), "id": "toolu_2"}]), []),
        (Json({"input_tokens": 5}), Json({"input_tokens": 7.5}), []),
        (Json({"data": [{"id": "a"}, {"id": "b"}]}), Json({"data": [{"id": "c"}]}), []),
        (Json({"data": []}), Json({"data": []}), []),
        (Text("a"), Text("b"), []),
        (Text("a"), Json("a"), ["body: another kind of body than recorded"]),
        (message([]), EventStream(()), ["body: another kind of body than recorded"]),
    ],
)
def test_drift_is_what_programs_depend_on(recorded: Body, live: Body, drift: list[str]) -> None:
    """Kinds, names, arguments and shapes; not what differs from call to call anyway."""
    found = compare_answers(Response(200, {}, recorded), Response(200, {}, live))
    assert list(map(str, found)) == drift


@pytest.mark.parametrize(
    ("recorded", "live", "words"),
    [
        (message([use("a", x=1)]), message([use("a", x=2)]), ["tool calls: ", "input.x"]),
        (Json({"a": 1, "b": "x"}), Json({"a": "1"}), ["body: ", "a"]),
        (Json({"a": True}), Json({"a": 1}), ["body: ", "a"]),
    ],
)
def test_drift_names_the_place(recorded: Body, live: Body, words: list[str]) -> None:
    """By the path in the answer."""
    (found,) = compare_answers(Response(200, {}, recorded), Response(200, {}, live))
    assert all(word in str(found) for word in words)


def test_a_stream_and_a_plain_answer_are_compared_as_messages() -> None:
    """The status comes first: where that differs, nothing else is worth comparing."""
    start = Event("message_start", {"message": {"type": "message", "model": "m", "stop_reason": "end_turn"}})
    stream = Response(200, {}, EventStream((start,)))
    assert compare_answers(stream, Response(200, {}, message([]))) == []
    (found,) = compare_answers(stream, Response(529, {}, None))
    assert (str(found), found.path, found.recorded, found.now) == (
        "status: recorded 200, live 529",
        "status",
        200,
        529,
    )
