"""Secrets that are known by their value."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from claude_replay.exchange import Exchange, Json, Request, Response
from claude_replay.redact import PLACEHOLDER, Redactor

ODD = 'p"ss\\w/rd+& \u00e9\u65e5 0123'


def _respond(text: str) -> Exchange:
    request = Request("POST", "https://api.anthropic.com/v1/messages", {}, None)
    return Exchange(request, Response(200, {}, Json({"content": [{"type": "text", "text": text}]})))


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        quote(ODD),
        quote(ODD, safe=""),
        quote_plus(ODD),
        re.sub("%..", lambda escape: escape.group().lower(), quote(ODD, safe="")),
        json.dumps(ODD)[1:-1],
        json.dumps(ODD, ensure_ascii=False)[1:-1],
        json.dumps(ODD)[1:-1].replace("/", "\\/"),
        ODD.encode().decode("latin-1"),
    ],
)
def test_a_literal_is_found_however_it_is_written(written: str) -> None:
    """A known value is found percent-encoded, JSON-escaped or wrongly decoded, and taken out."""
    redactor = Redactor(literals=[ODD])
    exchange = _respond(f"it is {written}!")
    assert redactor.find(exchange) == "response.body.content[0].text"
    redacted = redactor.exchange(exchange)
    assert redacted == _respond(f"it is {PLACEHOLDER}!")
    assert redactor.find(redacted) is None


@pytest.mark.parametrize("user", ["", "u", "us", "use", "user"])
@pytest.mark.parametrize("after", ["", "\n", "@host"])
@pytest.mark.parametrize(
    "key",
    [
        "swordfish-swordfish",
        "swordfish-swordfish?>?>12",
        "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9swordfish",
    ],
)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_literal_is_found_within_base64(
    user: str, after: str, key: str, encode: Callable[[bytes], bytes]
) -> None:
    """A known value of 16 characters or more is found in base64, alone or among others as in Basic auth."""
    redactor = Redactor(literals=[key])
    encoded = encode(f"{user}:{key}{after}".encode() if user else f"{key}{after}".encode()).decode("ascii")
    exchange = _respond(f"Basic {encoded}")
    assert redactor.find(exchange) == "response.body.content[0].text"
    redacted = redactor.exchange(exchange)
    assert PLACEHOLDER in str(redacted)
    assert redactor.find(redacted) is None
    assert redactor.exchange(redacted) is redacted


def test_bare_base64_of_a_literal_leaves_nothing() -> None:
    """Where base64 holds only the value, its padding goes too: keys of any length give the same text."""
    for length in (16, 17, 18):
        key = "swordfish-swordfish"[:length]
        encoded = base64.b64encode(key.encode()).decode("ascii")
        assert Redactor(literals=[key]).text(f"<{encoded}>") == f"<{PLACEHOLDER}>"


def test_a_live_key_becomes_a_literal() -> None:
    """A key seen in a live request is a secret from then on, in what was seen before as well."""
    redactor = Redactor()
    url = "https://gateway.example/swordfish/v1"
    request = Request("POST", url, {"anthropic-beta": "swordfish"}, Json({"x": "swordfish"}))
    assert redactor.request(request) is request
    redactor.add_literal(" swordfish ")
    redactor.add_literal("swordfish")
    expected = Request(
        "POST",
        f"https://gateway.example/{PLACEHOLDER}/v1",
        {"anthropic-beta": PLACEHOLDER},
        Json({"x": PLACEHOLDER}),
    )
    assert redactor.request(request) == expected


@pytest.mark.parametrize("value", ["", "short", "seven77", PLACEHOLDER])
def test_short_values_are_no_literals(value: str) -> None:
    """A value of less than 8 characters is likely an ordinary word, and the placeholder is no secret."""
    redactor = Redactor(literals=[value])
    redactor.add_literal(value)
    text = f"a {value} b"
    assert redactor.text(text) is text


def test_the_word_of_the_placeholder_may_be_a_literal() -> None:
    """Even a key that is a part of the placeholder cannot make redacting change what is redacted."""
    redactor = Redactor(literals=["redacted"])
    assert redactor.text("my redacted key") == f"my {PLACEHOLDER} key"
    assert redactor.text(f"my {PLACEHOLDER} key") == f"my {PLACEHOLDER} key"


def test_of_cookies_the_latest_are_known() -> None:
    """Whoever is given another one with each answer would make each call dearer than the last; keys are kept."""
    redactor = Redactor()
    cookies = [f"0123456789abcdef-{number:03}" for number in range(80)]
    for cookie in cookies:
        redactor.learn({"Cookie": f"__cf_bm={cookie}", "x-api-key": "swordfish-1"})
    known = [cookie for cookie in cookies if redactor.text(cookie) == PLACEHOLDER]
    assert known == cookies[-64:]
    redactor.add_literal(cookies[-1])
    for number in range(80):
        redactor.learn({"cookie": f"a=fedcba9876543210-{number:03}"})
    assert redactor.text(cookies[-1]) == PLACEHOLDER
    assert redactor.text("swordfish-1") == PLACEHOLDER


def test_literals_are_added_from_many_threads() -> None:
    """Keys added at the same time from several threads are all known afterwards."""
    redactor = Redactor()
    keys = [f"swordfish-{number:03}" for number in range(60)]
    start = threading.Barrier(6)

    def add(mine: list[str]) -> None:
        start.wait()
        for key in mine:
            redactor.add_literal(key)

    threads = [threading.Thread(target=add, args=(keys[number::6],)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert redactor.text(" ".join(keys)) == " ".join([PLACEHOLDER] * 60)


def test_a_redactor_does_not_show_what_it_knows() -> None:
    """Reports of failed tests print variables: a redactor among them gives no secret away."""
    redactor = Redactor(literals=["swordfish-swordfish"])
    shown = (
        repr(redactor) + str(redactor) + repr([getattr(redactor, name) for name in type(redactor).__slots__])
    )
    assert "swordfish" not in shown


def test_two_keys_give_the_same_text() -> None:
    """A recording made with one key equals a run with another, of another length."""
    texts = [
        Redactor(literals=[key]).text(f"curl -H 'x-api-key: {key}' -u me:{key} {quote(key, safe='')}")
        for key in ("swordfish/1", "an-entirely/different-key/2")
    ]
    assert texts[0] == texts[1]
