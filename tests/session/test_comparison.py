"""What is measured when a live answer is compared with the recorded one."""

from __future__ import annotations

import pytest

from claude_replay.exchange import Json, Meta, Response
from claude_replay.session.comparison import compare, compare_answers
from recordings import MODEL, Studio


def answer(text: str, **fields: object) -> Response:
    """A message with this text."""
    content = [{"type": "text", "text": text}]
    return Response(200, {}, Json({"type": "message", "model": "m", "content": content, **fields}))


@pytest.mark.parametrize(
    ("recorded", "live", "drift"),
    [
        ('{"a": 1}', '{"a": 2}', []),
        ('{"a": 1}', '{"a": "2"}', ["JSON text: a"]),
        ('[{"a": 1}]', "Sorry, no.", ["JSON text: recorded JSON, live none"]),
        ("Sorry, no.", '{"a": 1}', []),
        ("{not json}", "other", []),
    ],
)
def test_the_shape_of_json_in_a_text_counts(recorded: str, live: str, drift: list[str]) -> None:
    """Values may differ, keys and types may not; where the recording is no JSON, nobody expects any."""
    assert [str(found) for found in compare_answers(answer(recorded), answer(live))] == drift


@pytest.mark.parametrize(
    ("recorded", "live", "similarity"),
    [("a b c d", "a b c d", 1.0), ("a b c d", "a b x d", 0.75), ("a", "b", 0.0), ("", "", None)],
)
def test_texts_are_measured(recorded: str, live: str, similarity: float | None) -> None:
    """By their words in order, from 0 to 1."""
    found = compare(
        (answer(recorded, usage={"input_tokens": 3}), Meta(duration=1.5)),
        (answer(live, usage={"input_tokens": 4}), Meta(duration=2.0)),
        place=0,
        number=1,
        asked="messages",
    )
    assert found.similarity == similarity
    assert found.measures == [similarity, 3, 4, 1.5, 2.0]


def test_verify_measures_every_answer(studio: Studio) -> None:
    """Text, tokens and time are in the account; none of them is drift."""
    studio.ask("one two three", mode="once")
    studio.server.script("[pieces One| two| 3]")
    with studio.open("verify") as handle:
        studio_ask(studio, "one two three")
    ((similarity, before, after, then, now),) = studio.tallies[-1].verified
    assert 0 <= (similarity or 0) < 1
    assert before
    assert after
    assert then is not None
    assert now is not None
    assert handle.drift == []


def test_what_verify_finds_is_on_the_handle(studio: Studio) -> None:
    """As values with the place, both sides and the request."""
    studio.ask("one", mode="once")
    studio.server.script("[stop max_tokens]")
    with studio.open("verify") as handle:
        studio_ask(studio, "one")
    (drift,) = handle.drift
    assert (drift.kind, drift.path, drift.recorded, drift.now) == (
        "answer",
        "stop_reason",
        "end_turn",
        "max_tokens",
    )
    assert (drift.number, drift.asked) == (1, f'messages · {MODEL} · "one"')


def studio_ask(studio: Studio, prompt: str) -> None:
    """One call with the cassette that is open."""
    from recordings import ask, make_client

    ask(make_client(studio.server), prompt)
