"""The key that replay lends to clients that have none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from claude_replay.intercept.credentials import place_placeholders, take_back_placeholders
from claude_replay.redact import PLACEHOLDER_KEY

KEY = "ANTHROPIC_API_KEY"


@contextmanager
def placeholder_key() -> Iterator[None]:
    """What a cassette that replays does while it is open."""
    place_placeholders()
    try:
        yield
    finally:
        take_back_placeholders()


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (KEY, "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_a_key_is_lent_where_there_is_none() -> None:
    """And taken back at the end."""
    with placeholder_key():
        assert os.environ[KEY] == PLACEHOLDER_KEY
    assert KEY not in os.environ


@pytest.mark.parametrize("name", [KEY, "ANTHROPIC_AUTH_TOKEN"])
def test_what_is_there_is_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whoever has a key or a token keeps it, also while replaying."""
    monkeypatch.setenv(name, "own")
    with placeholder_key():
        assert {key: os.environ.get(key) for key in (KEY, "ANTHROPIC_AUTH_TOKEN")} == {
            KEY: None,
            "ANTHROPIC_AUTH_TOKEN": None,
            name: "own",
        }
    assert os.environ[name] == "own"


def test_a_key_that_is_set_meanwhile_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that sets its own key finds it after the cassette as well."""
    with placeholder_key():
        monkeypatch.setenv(KEY, "own")
    assert os.environ[KEY] == "own"


def test_the_last_of_those_who_overlap_takes_it_back() -> None:
    """Cassettes of different tasks begin and end in any order."""
    first, second = ExitStack(), ExitStack()
    first.enter_context(placeholder_key())
    second.enter_context(placeholder_key())
    first.close()
    assert os.environ[KEY] == PLACEHOLDER_KEY
    second.close()
    assert KEY not in os.environ


def test_another_mapping_in_the_place_of_the_environment_is_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As `mock.patch("os.environ", {...})` puts it there; what was placed is taken back from where it was."""
    other = {"AWS_REGION": "eu-west-1"}
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", other)
        place_placeholders()
        assert other[KEY] == PLACEHOLDER_KEY
        assert other["AWS_REGION"] == "eu-west-1"
    assert KEY not in os.environ
    take_back_placeholders()
    assert other == {"AWS_REGION": "eu-west-1"}


def test_placeholders_are_spelled_as_they_are() -> None:
    """Where the system has names in capitals only (Windows), texts are left as they are."""
    with placeholder_key():
        assert os.environ["CLOUD_ML_REGION"] == "global"
        assert PLACEHOLDER_KEY in os.environ.values()
