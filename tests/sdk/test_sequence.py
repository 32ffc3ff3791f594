"""`match = sequence`: order decides, differences are drift, and a stream stays a stream."""

from __future__ import annotations

from typing import Any

import pytest

from claude_replay import CassetteMiss, Drift
from claude_replay.cassette import load_cassette
from sdk_ways import WAYS, Scenario, Tape, Way, ask, each, settle


def say(*prompts: str, stream: bool = False, **options: Any) -> Scenario:
    """Asks each prompt in turn; the texts of the answers."""

    async def scenario(client: Any) -> list[str]:
        texts = []
        for prompt in prompts:
            answer = await settle(client.messages.create(**ask(prompt, **options), stream=stream))
            if stream:
                deltas = [event.delta async for event in each(answer) if event.type == "content_block_delta"]
                texts.append("".join(delta.text for delta in deltas))
            else:
                texts.append(answer.content[0].text)
        return texts

    return scenario


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_nth_request_gets_the_nth_answer(tape: Tape, way: Way, stream: bool) -> None:
    """Whatever it asks; what differs is told by path, on the handle and in the account."""
    tape.record(say("one", "two", "three", stream=stream), way)
    changed = say("one", "dos", "tres", stream=stream)

    texts = tape.replay(changed, way, match="sequence")

    assert texts == ["You said: one", "You said: two", "You said: three"]
    assert tape.handle is not None
    assert [(drift.kind, drift.number, drift.path) for drift in tape.handle.drift] == [
        ("request", 2, "messages[0].content"),
        ("request", 3, "messages[0].content"),
    ]
    second: Drift = tape.handle.drift[0]
    assert (second.recorded, second.now) == ("two", "dos")
    assert str(second) == (
        'messages · claude-sonnet-5 · "dos": messages[0].content: recorded "two", sent "dos"'
    )
    assert tape.tallies[-1].drift == [
        'messages · claude-sonnet-5 · "dos": answered with number 2, whose request differs at messages[0].content',
        'messages · claude-sonnet-5 · "tres": answered with number 3, whose request differs at '
        "messages[0].content",
    ]


def test_equal_requests_are_no_drift(tape: Tape) -> None:
    """What the API calls equal, and what is ignored, is none here either."""
    tape.record(say("one", "two"))

    tape.replay(say("one", "two", metadata={"user_id": "u"}), match="sequence")

    assert tape.handle is not None
    assert tape.handle.drift == []
    assert tape.tallies[-1].drift == []


def test_what_is_only_on_one_side_is_told(tape: Tape) -> None:
    """Fields that came and went."""
    tape.record(say("one", system="Be terse."))

    tape.replay(say("one", extra_body={"temperature": 0.5}), match="sequence")

    assert tape.handle is not None
    assert sorted(drift.text for drift in tape.handle.drift) == [
        'system: only in the recording ("Be terse.")',
        "temperature: only in the request sent (0.5)",
    ]


def test_operations_have_orders_of_their_own(tape: Tape) -> None:
    """Counting tokens in between takes no message's turn."""

    async def count(client: Any) -> Any:
        request = {key: value for key, value in ask("how many").items() if key != "max_tokens"}
        return (await settle(client.messages.count_tokens(**request))).input_tokens

    async def both(client: Any) -> Any:
        return await say("one")(client), await count(client), await say("two")(client)

    async def other_order(client: Any) -> Any:
        return await count(client), await say("1", "2")(client)

    recorded = tape.record(both)

    assert tape.replay(other_order, match="sequence") == (recorded[1], ["You said: one", "You said: two"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_stream_never_answers_a_plain_request_nor_the_other_way_around(tape: Tape, stream: bool) -> None:
    """The miss says whose turn it was."""
    tape.record(say("one", stream=stream))

    with pytest.raises(CassetteMiss) as miss:
        tape.replay(say("one", stream=not stream), match="sequence")

    assert miss.value.reason == "differs"
    assert (
        "  why       number 1 is next in order, but of a request with another `stream` (match = sequence)\n"
        in miss.value.message
    )


@pytest.mark.parametrize(
    ("recorded", "sent", "reason", "why"),
    [
        (["one"], ["1", "2"], "all_played", "1 recording of messages, all of them played already"),
        ([], ["1"], "no_cassette", "there is no such cassette yet"),
    ],
)
def test_what_has_no_turn_is_a_miss(
    tape: Tape, recorded: list[str], sent: list[str], reason: str, why: str
) -> None:
    """One request too many, or none recorded at all."""
    tape.record(say(*recorded))

    with pytest.raises(CassetteMiss) as miss:
        tape.replay(say(*sent), match="sequence")

    assert miss.value.reason == reason
    assert f"  why       {why} (match = sequence)" in miss.value.message
    assert "use_cassette(" in miss.value.message


def test_another_operation_than_recorded_is_a_miss(tape: Tape) -> None:
    """Nothing of its kind is there."""
    tape.record(say("one"))

    async def list_models(client: Any) -> Any:
        return await settle(client.models.list())

    with pytest.raises(CassetteMiss, match="no GET /v1/models is recorded") as miss:
        tape.replay(list_models, match="sequence")
    assert miss.value.reason == "nothing_similar"


def test_the_last_answer_is_repeated_where_that_is_wanted(tape: Tape) -> None:
    """`repeat` means the last of the operation."""
    tape.record(say("one", "two"))

    assert tape.replay(say("1", "2", "3"), match="sequence", repeat=True)[-1] == "You said: two"


def test_recording_again_replaces_by_order(tape: Tape) -> None:
    """Mode `all` puts the new exchange in the place of the one whose turn it was."""
    tape.run(say("one", "two"), mode="once")

    tape.run(say("uno"), mode="all", match="sequence")

    found = load_cassette(tape.path)
    assert found is not None
    prompts = [entry.request.json["messages"][0]["content"] for entry in found.entries]
    assert prompts == ["uno", "two"]


def test_verify_compares_by_order(tape: Tape) -> None:
    """Both kinds of drift at once."""
    tape.run(say("one"), mode="once")
    tape.server.script("[stop max_tokens]")

    tape.run(say("uno"), mode="verify", match="sequence")

    assert tape.handle is not None
    assert [(drift.kind, drift.path) for drift in tape.handle.drift] == [
        ("request", "messages[0].content"),
        ("answer", "stop_reason"),
    ]


def test_without_the_setting_the_same_request_is_a_miss(tape: Tape) -> None:
    """It has to be asked for."""
    tape.record(say("one"))

    with pytest.raises(CassetteMiss):
        tape.replay(say("uno"))
