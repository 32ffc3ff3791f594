"""Exchanges to a file and back."""

from __future__ import annotations

import pytest

from claude_replay.bodies import encode_body
from claude_replay.cassette import Entry, dump_cassette, parse_cassette
from claude_replay.exchange import Exchange, Json, Meta, Request, Response
from exchange_samples import EXCHANGES, answer, asked, exchange


def write(*exchanges: Exchange) -> bytes:
    """The file with these exchanges."""
    return dump_cassette([Entry.of(item) for item in exchanges])


def read(content: bytes) -> list[Exchange]:
    """The exchanges of a file."""
    return [entry.exchange for entry in parse_cassette(content, "c.yaml").entries]


@pytest.mark.parametrize("number", range(len(EXCHANGES)))
def test_every_kind_of_exchange_comes_back_equal(number: int) -> None:
    """Bodies, streams, headers, times and ends are what they were, and so are the bytes a client gets."""
    original = EXCHANGES[number]
    (again,) = read(write(original))
    assert again == original
    assert repr(again) == repr(original)
    assert encode_body(again.response.body) == encode_body(original.response.body)
    assert encode_body(again.request.body) == encode_body(original.request.body)


def test_a_file_of_all_kinds_comes_back_in_order() -> None:
    """No exchange gets into the way of its neighbors."""
    content = write(*EXCHANGES)
    assert read(content) == list(EXCHANGES)


def test_request_and_answer_are_read_one_by_one_as_they_are_read_together() -> None:
    """What is looked at alone is what it is in the whole exchange."""
    content = write(*EXCHANGES)
    for entry, original in zip(parse_cassette(content, "c.yaml").entries, EXCHANGES, strict=True):
        assert entry.request == original.request
        assert entry.answer == (original.response, original.meta)


def test_the_same_exchanges_give_the_same_bytes() -> None:
    """Writing is deterministic, and writing what was read changes nothing."""
    content = write(*EXCHANGES)
    assert write(*EXCHANGES) == content == write(*read(content))
    assert dump_cassette(parse_cassette(content, "c.yaml").entries) == content


def test_a_short_question_and_its_answer_fit_on_a_screen() -> None:
    """A one-line prompt gives a cassette of at most 25 lines."""
    lines = write(exchange("What is the capital of France?", "Paris.")).decode().splitlines()
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 120


def test_a_changed_word_of_a_long_prompt_is_one_line_of_a_diff() -> None:
    """Besides the id, which is the fingerprint of the request."""
    prompt = "\n".join(f"Line {number} of a long prompt with 'quotes' and: colons" for number in range(50))
    before = write(exchange(prompt, "Yes.")).decode().splitlines()
    after = write(exchange(prompt.replace("Line 25 of a long", "Line 25 of a short"), "Yes."))
    changed = [new for old, new in zip(before, after.decode().splitlines(), strict=True) if old != new]
    assert len(changed) == 2
    assert changed[0].startswith("- id: ")
    assert changed[1] == "          Line 25 of a short prompt with 'quotes' and: colons"


def test_comments_and_layout_of_an_exchange_survive_a_rewriting() -> None:
    """What is not recorded anew is written back byte for byte, with whatever people have added."""
    content = write(exchange("one", "1"), exchange("two", "2")).decode()
    content = content.replace("  request:\n", "  request:  # asked on a Monday\n", 1)
    content = content.replace("    status: 200\n", "\n    status: 200   # fine\n")
    content = content.replace("version: 1\n", "# Recorded with care.\nversion: 1\n", 1)
    loaded = parse_cassette(content.encode(), "c.yaml")
    assert dump_cassette(loaded.entries, comments=loaded.comments).decode() == content
    assert [item.response.status for item in read(content.encode())] == [200, 200]


def test_comments_at_the_top_stay_there() -> None:
    """The header is written anew, the user's own lines in it are kept."""
    content = write(exchange("one", "1")).replace(b"version: 1\n", b"version: 1\n# mine: x\n# and this\n")
    loaded = parse_cassette(content, "c.yaml")
    assert loaded.comments == b"# mine: x\n# and this\n"
    again = dump_cassette(loaded.entries, incomplete=["test_a"], comments=loaded.comments)
    assert again.splitlines()[1:5] == [b"# mine: x", b"# and this", b"version: 1", b"incomplete:"]
    assert parse_cassette(again, "c.yaml").comments == loaded.comments


def test_owners_that_have_yet_to_pass_come_back() -> None:
    """Whatever characters their names have."""
    labels = ["tests/test_a.py::test[é: 'x' # y]", "- dash", "12", "…\nnew line"]
    content = dump_cassette([], incomplete=labels)
    loaded = parse_cassette(content, "c.yaml")
    assert (loaded.incomplete, loaded.entries) == (labels, [])


@pytest.mark.parametrize("depth", [1, 60, 180])
def test_deep_bodies_come_back(depth: int) -> None:
    """As deep as a body may be that is not kept as text."""
    value: object = "leaf"
    for _ in range(depth):
        value = [value] if depth % 2 else {"key": value}
    original = Exchange(
        Request("POST", "https://api.anthropic.com/", {}, Json(value)), answer("x", deep=value)
    )
    assert read(write(original)) == [original]


def test_what_yaml_cannot_carry_is_refused() -> None:
    """Lone surrogates have no UTF-8, whoever put them there."""
    with pytest.raises(ValueError, match="lone surrogate"):
        Entry.of(Exchange(asked("x"), Response(200, {"request-id": "\udcff"}, None)))


def test_times_that_run_backwards_stand_still() -> None:
    """A clock that was set back costs no negative pause."""
    (again,) = read(write(Exchange(asked("x"), answer("y"), Meta(times=(5, 3, 9)))))
    assert again.meta.times == (5, 5, 9)
