"""The last guard: where something still looks like a secret."""

from __future__ import annotations

import pytest

from claude_replay.exchange import Exchange, Json, Request, Response, Text
from claude_replay.redact import PLACEHOLDER, PLACEHOLDER_KEY, Redactor

KEY = "sk-ant-" + "api03-" + "Ab3" * 31
URL = "https://api.anthropic.com/v1/messages"


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (KEY, "request.body"),
        ([1, [KEY]], "request.body[1][0]"),
        ({"messages": [{"role": "user", "content": f"x {KEY}"}]}, "request.body.messages[0].content"),
        ({"a": {}, "tool-input": KEY}, "request.body.tool-input"),
        ({"two words": {"x": KEY}}, 'request.body["two words"].x'),
        ({KEY: 1}, f'request.body["{PLACEHOLDER}"]'),
        ({f"for {KEY}": 1}, f'request.body["for {PLACEHOLDER}"]'),
        ({"long " * 20: KEY}, f'request.body["{("long " * 20)[:40]}…"]'),
        ({"a": [None, True, 1.5], "b": KEY, "c": KEY}, "request.body.b"),
    ],
)
def test_places_in_json(value: object, place: str) -> None:
    """A place in JSON is a path of keys and indices; a key that is a secret is not shown."""
    exchange = Exchange(Request("POST", URL, {}, Json(value)), Response(200, {}, None))
    assert Redactor().find(exchange) == place


def test_the_order_of_places() -> None:
    """The request is searched before the response, each from its first line to its body."""
    dirty_request = Request("POST", f"{URL}?key={KEY}", {"anthropic-beta": KEY}, Text(KEY))
    dirty_response = Response(200, {"request-id": KEY}, Text(KEY))
    redactor = Redactor()
    places = []
    request, response = dirty_request, dirty_response
    places.append(redactor.find(Exchange(request, response)))
    request = Request("POST", URL, dirty_request.headers, dirty_request.body)
    places.append(redactor.find(Exchange(request, response)))
    request = Request("POST", URL, {}, dirty_request.body)
    places.append(redactor.find(Exchange(request, response)))
    request = Request("POST", URL, {}, None)
    places.append(redactor.find(Exchange(request, response)))
    response = Response(200, {}, dirty_response.body)
    places.append(redactor.find(Exchange(request, response)))
    assert places == [
        "request.url",
        "request.headers.anthropic-beta",
        "request.body",
        "response.headers.request-id",
        "response.body",
    ]


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "cookie", "proxy-authorization", "api-key"])
def test_headers_that_carry_credentials(name: str) -> None:
    """A credential header with a value is a secret whatever the value looks like; without one, it is none."""
    redactor = Redactor()
    response = Response(200, {}, None)
    assert (
        redactor.find(Exchange(Request("GET", URL, {name: "x"}, None), response)) == f"request.headers.{name}"
    )
    for value in (PLACEHOLDER, PLACEHOLDER_KEY, f"Bearer {PLACEHOLDER_KEY}"):
        assert redactor.find(Exchange(Request("GET", URL, {name: value}, None), response)) is None


def test_a_cookie_that_was_set() -> None:
    """A response that sets a cookie gives away a session."""
    exchange = Exchange(Request("GET", URL, {}, None), Response(200, {"set-cookie": "a=b"}, None))
    assert Redactor().find(exchange) == "response.headers.set-cookie"


def test_written_text() -> None:
    """A cassette's text is searched as a whole, with secrets in block scalars and in quoted ones."""
    redactor = Redactor(literals=['p"ss/word-0123456789'])
    pem = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7" + "x7" * 6] * 3)
    block = f"-----BEGIN PRIVATE {'KEY'}-----\n{pem}\n-----END PRIVATE {'KEY'}-----".replace(
        "\n", "\n        "
    )
    assert redactor.find_in_text(f"content: |2-\n        {block}\n")
    assert redactor.find_in_text(f'content: "a\\n{KEY}"\n')
    assert redactor.find_in_text('content: "it is p\\"ss/word-0123456789"\n')
    assert not redactor.find_in_text(f"headers: {{x-api-key: '{PLACEHOLDER}'}}\nbody: {{max_tokens: 1024}}\n")
