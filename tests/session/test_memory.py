"""What is kept in memory: of a long conversation each message once, as in the file; of a test that is over nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from claude_replay.cassette import Entry
from claude_replay.session import Session
from recordings import MODEL, Studio, ask, make_client


def talk(studio: Studio, mode: str, **settings: Any) -> list[list[dict[str, Any]]]:
    """Ask three questions in one conversation; the messages of each request as the handle gives them."""
    messages: list[Any] = []
    client = make_client(studio.server)
    with studio.open(mode, **settings) as cassette:
        for number in range(3):
            messages.append({"role": "user", "content": f"Question {number}?", "n": [1, 1.0, True][number]})
            answer = client.messages.create(model=MODEL, max_tokens=100, messages=messages)
            messages.append({"role": "assistant", "content": answer.content})
        return [request.json["messages"] for request in cassette.sent]


def test_requests_share_the_messages_that_they_have_in_common(studio: Studio) -> None:
    """Whether they are recorded, compared or played as they are; and nothing else."""
    for mode, settings in (("once", {}), ("none", {}), ("none", {"ignore": ["nothing"]})):
        first, second, third = talk(studio, mode, **settings)
        assert [len(first), len(second), len(third)] == [1, 3, 5]
        assert all(one is other for one, other in zip(second, third[:3], strict=True))
        assert second[0] == first[0]
        assert [repr(message["n"]) for message in third[::2]] == ["1", "1.0", "True"]


@contextmanager
def no_collection() -> Iterator[None]:
    """A time in which only what nothing refers to is freed."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def count_sessions() -> int:
    """How many objects of open cassettes there are in this process."""
    return sum(kind in (Session, Entry) for kind in map(type, gc.get_objects()))


@pytest.mark.parametrize(
    ("mode", "settings"),
    [
        ("none", {}),
        ("none", {"ignore": ["nothing"]}),
        ("none", {"match": "sequence"}),
        ("all", {}),
        ("once", {}),
    ],
)
def test_a_cassette_is_gone_with_its_block(studio: Studio, mode: str, settings: dict[str, Any]) -> None:
    """Without waiting for the garbage collector, which would have more to do in each test."""
    client = make_client(studio.server)
    if mode != "once":
        with studio.open("once"):
            ask(client, "Hello")
    with no_collection():
        # A test that has failed keeps its own.
        before = count_sessions()
        with studio.open(mode, **settings):
            ask(client, "Hello")
        assert count_sessions() == before
