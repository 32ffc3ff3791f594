"""
Whatever changes in a request, its fingerprint changes, unless the change is one of the listed equivalences.

One request with every kind of block, and those of the corpus where there is one, are changed in one place at
a time: each value, key and element.
"""

from __future__ import annotations

import json
from functools import cache

import pytest

from claude_replay.api import identify
from claude_replay.exchange import Json, Request
from claude_replay.normalize import MATCHING, Rules, canonicalize
from mutations import (
    LEFT_OUT,
    is_content,
    is_equivalent,
    is_renamed,
    list_mutations,
    put,
    spell,
    walk,
)
from traffic import CORPUS, load_corpus, make_body, make_full_body, make_request

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
