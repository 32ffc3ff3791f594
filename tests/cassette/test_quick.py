"""Answers that are filled in, not parsed: each is what parsing gives, or none."""

from __future__ import annotations

import random
import re

import pytest

from claude_replay.api import assemble_message, message_usage
from claude_replay.bodies import encode_body
from claude_replay.cassette import Entry, parse_cassette, quick
from claude_replay.cassette.quick import QuickAnswer, read_quickly
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Exchange, Json, Meta, Response
from exchange_samples import EXCHANGES, answer, asked
from yaml_damage import MUTATIONS, WORDS, make_value

META = Meta("2026-11-22T10:00:00Z", 4.2)
_WORD = re.compile(r"\b(?:\d+|[a-z]+_[A-Za-z0-9]+)\b")


@pytest.fixture(autouse=True)
def _forget() -> None:
    """Begin without plans, whatever was read before."""
    quick._plans.clear()
    quick._seen.clear()


def write(response: Response) -> bytes:
    """The lines of an exchange from `response:` on."""
    data = Entry.of(Exchange(asked("one"), response)).data
    return data[data.index(b"  response:\n") :]


def parse(text: bytes) -> QuickAnswer:
    """What an answer is by way of the reader."""
    data = Entry.of(Exchange(asked("one"), answer("1"))).data
    content = b"version: 1\nexchanges:\n" + data[: data.index(b"  response:\n")] + text + b"...\n"
    (entry,) = parse_cassette(content, "c.yaml").entries
    response, _ = entry.answer
    assert response.ended == "complete"
    assert isinstance(response.body, Json)
    message = assemble_message(response.body) or {}
    model, usage = str(message.get("model", "")), message_usage(message)
    return QuickAnswer(response.status, dict(response.headers), encode_body(response.body), model, usage)


def assert_same(text: bytes) -> bool:
    """Whether the answer is filled in; fails if it is, and is not what parsing gives."""
    found = read_quickly(text)
    if found is None:
        return False
    wanted = parse(text)
    assert (*found[:4], repr(found)) == (*wanted[:4], repr(wanted)), text
    return True


def learn(response: Response) -> bool:
    """Have the answer seen twice; whether there is a plan for its like now."""
    read_quickly(write(response))
    return assert_same(write(response))


MESSAGES = [
    answer('# One\n\n- it\'s "two"\\ \n\ttabs\n  Z\u00fcrich: 20 \u00b0C \U0001f600 \u2014 \u4f60'),
    answer("lines\n"),
    answer("more lines\n\n"),
    answer("One line, it's short: yes."),
    answer(
        "first\nsecond",
        content=[{"type": "thinking", "thinking": "a\nb", "signature": "sig_A"}, {"x": "c\nd"}],
    ),
    answer(
        "x", content=[{"type": "tool_use", "id": "toolu_01", "name": "f", "input": {"count": 5, "t": "a\nb"}}]
    ),
    answer(
        "a\nb", usage={"input_tokens": 0, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 99}
    ),
    answer("a\nb", model="claude_test", stop_reason="max_tokens"),
    answer("a\nb", content=["|2-", "a\n|2-\nb", [["c\nd"]]], note="see msg_01, 5, and: 6"),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_an_answer_that_looks_like_an_earlier_one_is_filled_in(message: Response) -> None:
    """Once two of its like were seen; ids, numbers and blocks are its own."""
    assert not assert_same(write(message))
    # The model stands in the account, so it is no value that another one could have.
    assert assert_same(write(message)) == (b"claude_test" not in write(message))


def test_another_text_under_the_same_plan_is_the_other_text() -> None:
    """The same words around other values."""
    usage = {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3}
    assert learn(answer("one\ntwo", id="msg_01", usage=usage))
    other = answer(
        'three\n\nfour "5"', id="msg_0abcD", usage={**usage, "output_tokens": 977, "input_tokens": 0}
    )
    found = read_quickly(write(other))
    assert found is not None
    assert found == parse(write(other))
    assert found.content == encode_body(other.body)
    assert (found.usage.input_tokens, found.usage.output_tokens, found.model) == (0, 977, "claude-sonnet-5")
    assert found.headers == {"content-type": "application/json", "request-id": "req_01"}


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_every_kind_of_exchange_is_what_parsing_gives(exchange: Exchange) -> None:
    """Or is left to it: streams, text, binary, cut ones."""
    learn(exchange.response)
    assert_same(write(exchange.response))


def _vary(value: object, rng: random.Random) -> object:
    """The same with other ids, numbers and texts of several lines."""
    if isinstance(value, dict):
        return {key: _vary(item, rng) for key, item in value.items()}
    if isinstance(value, list):
        return [_vary(item, rng) for item in value]
    if type(value) is int and value >= 0:
        return rng.choice((0, 7, 10**14, 10**15, rng.randrange(10**9)))
    if not isinstance(value, str):
        return value
    if "\n" in value and rng.random() < 0.7:
        lines = [
            rng.choice(("", "a", " b", '"', "\\", "k: |2-", "\t", "x\x85", "é", "\u2028", "- 5"))
            for _ in range(4)
        ]
        return "\n".join(lines) + "\n" * rng.randint(0, 2)
    return _WORD.sub(
        lambda word: rng.choice(("0", "12", "a_B", "msg_0")) if rng.random() < 0.5 else word[0], value
    )


def _make_body(rng: random.Random) -> object:
    extra = [
        *WORDS,
        "msg_01",
        "see msg_01, 5",
        "a, 5",
        " 5",
        "it's 5, 6",
        '"5, a_b"',
        "a\nb",
        "a\n5, b\n",
        5,
        0,
        12,
    ]
    value = make_value(rng, 4)
    if rng.random() < 0.6:
        fields = {rng.choice(("a", "usage", "model", "b c", "5", "a_b")): rng.choice(extra) for _ in range(4)}
        value = {"type": rng.choice(("message", "error")), "v": value, **fields, "w": [rng.choice(extra)]}
    return value


@pytest.mark.parametrize("seed", range(4))
def test_what_is_filled_in_is_what_parsing_gives(seed: int) -> None:
    """Random bodies, learned in one form and read in others."""
    rng, taken = random.Random(seed), 0
    for _ in range(400):
        body = _make_body(rng)
        headers = {
            "content-type": "application/json",
            "request-id": rng.choice(("req_1", "5", "x 5", "it's")),
        }
        for number in range(6):
            varied = _vary(body, rng) if number > 1 else body
            try:
                text = write(Response(200, headers, Json(varied)))
            except ValueError:
                continue
            taken += assert_same(text)
    assert taken > 300


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_answer_is_left_to_the_reader_or_read_as_it_does(seed: int) -> None:
    """Plans learned from intact answers, damaged ones, and damaged ones once more."""
    rng, taken = random.Random(seed), 0
    for _ in range(1500):
        message = rng.choice(MESSAGES)
        learn(message)
        text = write(message).decode()
        for _ in range(rng.randint(1, 3)):
            text = rng.choice(MUTATIONS)(text, rng)
        content = text.encode("utf-8", "surrogatepass")
        for _ in range(3):
            try:
                found = read_quickly(content)
                taken += found is not None
                assert found is None or repr(found) == repr(parse(content)), content
            except CassetteLoadError as error:
                raise AssertionError(content) from error
    assert taken > 300


def test_what_is_no_utf_8_is_left_to_the_reader() -> None:
    """It says where the file is damaged."""
    assert learn(answer("one\ntwo"))
    assert read_quickly(write(answer("one\ntwo")).replace(b"two", b"tw\xff")) is None


def test_what_is_too_large_to_look_like_another_is_parsed() -> None:
    """A list of a thousand names; a block of any size is none of the words around values."""
    assert not learn(answer("x", content=[{"name": f"n{number}-{number}"} for number in range(1000)]))
    assert learn(answer("a line\n" * 20_000))
    assert not learn(answer("a line\n" * 200_000))


def test_a_block_where_no_text_of_the_answer_is_leaves_all_to_the_reader() -> None:
    """A header in several lines, as nobody sends it but somebody may write it."""
    head, body = (
        b"    headers: {content-type: application/json, request-id: req_01}\n",
        write(answer("one\ntwo")),
    )
    assert head in body
    block = b"    headers:\n      content-type: application/json\n      x-note: |2-\n        three\n        four\n"
    text = body.replace(head, block)
    assert [read_quickly(text) for _ in range(3)] == [None, None, None]
    assert parse(text).headers["x-note"] == "three\nfour"


def test_plans_are_forgotten_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with answers of every look does not fill the memory."""
    monkeypatch.setattr(quick, "_MOST_PLANS", 2)
    monkeypatch.setattr(quick, "_MOST_SEEN", 3)
    for number in range(8):
        assert learn(answer("a\nb", stop_sequence=f"look-{number}"))
    assert (len(quick._plans), len(quick._seen)) == (2, 2)


# ------------------------------------------------------------------ of an entry


def load(response: Response, meta: Meta = META) -> Entry:
    """An exchange as it is read from a file."""
    data = Entry.of(Exchange(asked("one"), response, meta)).data
    return parse_cassette(b"version: 1\nexchanges:\n" + data + b"...\n", "c.yaml").entries[0]


def test_the_seconds_it_took_stand_beside_it() -> None:
    """For the account of the time that was not spent."""
    assert load(answer("a\nb")).quick_answer is None
    for meta, seconds in (
        (Meta("2026-11-22T10:00:00Z", 4.2), 4.2),
        (Meta("2026-11-22T10:00:00Z"), 0),
        (Meta(), 0),
    ):
        entry = load(answer("a\nb"), meta)
        assert entry.quick_answer is not None
        assert entry.quick_answer[1] == seconds == (entry.answer[1].duration or 0)
        assert entry.quick_answer is entry.quick_answer


def test_an_entry_that_was_edited_or_parsed_is_not_filled_in() -> None:
    """Its parts may stand anywhere, or are there already."""
    assert load(answer("a\nb")).quick_answer is None
    parsed, edited, odd = load(answer("a\nb")), load(answer("a\nb")), load(answer("a\nb"))
    assert parsed.answer
    assert parsed.quick_answer is None
    edited = parse_cassette(
        b"version: 1\nexchanges:\n" + edited.data.replace(b"one", b"two") + b"...\n", "c"
    ).entries[0]
    assert edited.quick_answer is None
    odd = parse_cassette(
        b"version: 1\nexchanges:\n" + odd.data.replace(b"duration: 4.2", b"duration: 4.2e+1") + b"...\n", "c"
    ).entries[0]
    assert odd.quick_answer is None
    assert odd.answer[1].duration == 42
