"""
Whatever changes in a request, its fingerprint changes, unless the change is one of the listed equivalences.

One request with every kind of block, and those of the corpus where there is one, are changed in one place at
a time: each value, key and element.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from claude_replay.api import identify
from claude_replay.exchange import Json, Request
from claude_replay.normalize import MATCHING, Rules, canonicalize
from traffic import CORPUS, load_corpus, make_body, make_full_body, make_request

Path = tuple[str | int, ...]

# Places that are left out, as patterns of paths in JSON (`.key`, `[0]`).
BLOCK = r"(\.messages\[\d+\]\.content|\.system)\[\d+\]"
NESTED = r"((\.content|\.source\.content|\.content\.tool_references)\[\d+\]|\.tool\.definition)"
IGNORED = [
    r"\.(metadata|diagnostics|cache_control)",
    # The version of the API, which Bedrock and Vertex take in the body.
    r"\.anthropic_version",
    rf"{BLOCK}{NESTED}?\.cache_control",
    r"\.tools\[\d+\]\.cache_control",
]
LEFT_OUT = re.compile("|".join(rf"(?:{pattern})(?![\w])" for pattern in IGNORED))
# A tool call's id says nothing by itself, but to what other ids it is equal.
IDS = re.compile(rf"{BLOCK}\.(id|tool_use_id)|{BLOCK}\.caller\.tool_id")

TOLERANT = MATCHING.with_ignored(["*:volatile"])


@cache
def load_requests() -> list[tuple[str, Request]]:
    """The Messages requests to look at, by name."""
    found = [("every block", make_request(make_full_body())), ("one text", make_request(make_body()))]
    for name, exchange in load_corpus() if CORPUS else ():
        endpoint = identify(exchange.request.method, exchange.request.url, {"anthropic-version": ""})
        if endpoint is not None and endpoint.takes_messages and isinstance(exchange.request.json, dict):
            found.append((name, exchange.request))
    return found


def fingerprint(request: Request, body: object, rules: Rules = MATCHING) -> str:
    """The fingerprint of a request, with another body."""
    return canonicalize(Request(request.method, request.url, request.headers, Json(body)), rules).fingerprint


def walk(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every value within `value`, with its path."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))


def put(body: Any, path: Path, value: object) -> object:
    """A copy of `body` with another value at `path`."""
    if not path:
        return value
    copy = body.copy()
    copy[path[0]] = put(body[path[0]], path[1:], value)
    return copy


def mutate(value: object) -> Iterator[tuple[str, object]]:
    """Other values than `value`, and what was done."""
    if isinstance(value, bool):
        yield from [("inverted", not value), ("as a number", int(value)), ("as text", str(value).lower())]
    elif isinstance(value, (int, float)):
        yield from [("plus one", value + 1), ("as text", str(value)), ("as truth", bool(value))]
    elif isinstance(value, str):
        yield from [("longer", value + " "), ("in a list", [value]), ("emptied", None if value == "" else "")]
        yield "as a text block", [{"type": "text", "text": value}]
    elif value is None:
        yield from [("as false", False), ("as zero", 0), ("as text", "null"), ("as an object", {})]
    elif isinstance(value, dict):
        yield "with one more key", {**value, "a_key_of_the_future": None}
        yield "in a list", [value]
        yield from ((f"without {key}", {**value, key: ...}) for key in value)
    elif isinstance(value, list):
        yield from _mutate_list(value)
    if value is not None:
        yield "as null", None


def _mutate_list(value: list[object]) -> Iterator[tuple[str, object]]:
    yield "with null", [*value, None]
    yield "with one more text", [*value, {"type": "text", "text": "more"}]
    for index, item in enumerate(value):
        yield f"without [{index}]", value[:index] + value[index + 1 :]
        yield f"with [{index}] twice", [*value[: index + 1], *value[index:]]
        if index and item != value[index - 1]:
            yield (
                f"with [{index}] earlier",
                [*value[: index - 1], item, value[index - 1], *value[index + 1 :]],
            )


def drop_marked(value: Any) -> object:
    """What a mutation gives, without the key it takes away."""
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if item is not ...}
    return value


def spell(path: Path) -> str:
    """A path as the patterns above spell it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def is_renamed(body: object, path: Path, value: object, changed: object) -> bool:
    """Whether an id that nothing else refers to got another name."""
    ids = [found for other, found in walk(body) if IDS.fullmatch(spell(other))]
    is_lonely = ids.count(value) == 1 and changed not in ids
    return IDS.fullmatch(spell(path)) is not None and isinstance(changed, str) and is_lonely


def is_content(body: Any, path: Path) -> bool:
    """Whether a text stands where the API takes it for one text block."""
    if re.fullmatch(r"\.system|\.messages\[\d+\]\.content", spell(path)):
        return True
    block = body
    for step in path[:-1]:
        block = block[step]
    is_block = re.fullmatch(rf"{BLOCK}\.content", spell(path))
    return is_block is not None and block["type"] == "tool_result"


def is_equivalent(path: Path, value: object, what: str, changed: object) -> bool:
    """Whether the API itself, or the list of ignored fields, says that this change means nothing."""
    place = spell(path)
    taken = re.fullmatch(r"without (\w+)", what)
    if LEFT_OUT.match(place) or (taken and LEFT_OUT.fullmatch(f"{place}.{taken[1]}")):
        return True
    if not taken or not isinstance(value, dict):
        return False
    gone = value[taken[1]]
    if taken[1] == "is_error":
        return gone is False and value["type"] == "tool_result"
    return not path and (taken[1], gone) in [("stream", False), ("tool_choice", {"type": "auto"})]


def list_mutations(body: object) -> list[tuple[Path, object, str, object]]:
    """All single changes: where, what stood there, what was done, what stands there now."""
    return [
        (path, value, what, drop_marked(changed))
        for path, value in walk(body)
        for what, changed in mutate(value)
    ]


def find_undetected(request: Request) -> list[str]:
    """The changes that leave the fingerprint as it was although they mean something."""
    body = request.json
    before = fingerprint(request, body)
    return [
        f"{spell(path)} {what}"
        for path, value, what, changed in list_mutations(body)
        if fingerprint(request, put(body, path, changed)) == before
        and not is_equivalent(path, value, what, changed)
        and not is_renamed(body, path, value, changed)
        and not (what == "as a text block" and is_content(body, path))
    ]


@pytest.mark.parametrize("name", ["every block", "one text"])
def test_every_change_of_a_synthetic_request_counts(name: str) -> None:
    """Every single change of a request with all block types, tools and settings is seen."""
    assert find_undetected(dict(load_requests())[name]) == []


@pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS names no folder")
def test_changes_of_recorded_requests_count() -> None:
    """Every single change of the requests that were once sent to the API is seen."""
    undetected = [(name, find_undetected(request)) for name, request in load_requests()]

    assert [found for found in undetected if found[1]] == []
    assert len(load_requests()) > 250


def find_hidden_by_presets(request: Request) -> list[str]:
    """The changes that a comparison without volatile values does not see, of those it should."""
    body = request.json
    before = fingerprint(request, body, TOLERANT)
    return [
        f"{spell(path)} {what}"
        for path, value, what, changed in list_mutations(body)
        if is_told_apart(value, changed)
        and fingerprint(request, put(body, path, changed), TOLERANT) == before
        and not is_equivalent(path, value, what, changed)
        and not is_renamed(body, path, value, changed)
        and not (what == "as a text block" and is_content(body, path))
    ]


def is_told_apart(value: object, changed: object) -> bool:
    """Whether two values differ in more than what the normalizers stand for."""
    return TOLERANT.paths[0].apply({"x": value}) != TOLERANT.paths[0].apply({"x": changed})


@pytest.mark.parametrize("name", ["every block", "one text"])
def test_tolerance_hides_no_change_of_a_synthetic_request(name: str) -> None:
    """With every named normalizer at every place, only values that they name may differ."""
    assert find_hidden_by_presets(dict(load_requests())[name]) == []


@pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS names no folder")
def test_tolerance_hides_no_change_of_recorded_requests() -> None:
    """The same for requests that were once sent to the API; the time grows with the square of their size."""
    short = [item for item in load_requests() if len(json.dumps(item[1].json)) < 1500][::4]
    found = [(name, find_hidden_by_presets(request)) for name, request in short]

    assert [hidden for hidden in found if hidden[1]] == []
    assert len(short) > 30


def test_the_ignored_places_are_really_ignored() -> None:
    """The list above is no wish: each place on it can change without another fingerprint."""
    request = make_request(make_full_body())
    places = [path for path, _ in walk(request.json) if LEFT_OUT.fullmatch(spell(path))]

    assert len(places) == 14
    for path in places:
        assert fingerprint(request, put(request.json, path, {"other": 1})) == fingerprint(
            request, request.json
        )
