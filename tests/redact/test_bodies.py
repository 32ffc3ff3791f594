"""Secrets in bodies that are no event streams."""

from __future__ import annotations

import copy

import pytest

from claude_replay.exchange import Binary, Body, Exchange, Json, Request, Response, Text
from claude_replay.redact import PLACEHOLDER, Redactor

KEY = "sk-ant-" + "api03-" + "Ab3" * 31
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG+" + "bPxRfiCYzEXAMPLE12"
URL = "https://api.anthropic.com/v1/messages"


def _exchange(sent: Body, received: Body = None) -> Exchange:
    return Exchange(Request("POST", URL, {}, sent), Response(200, {}, received))


def _request_body(body: Body, redactor: Redactor | None = None) -> Body:
    return (redactor or Redactor()).request(Request("POST", URL, {}, body)).body


def test_a_clean_exchange_is_the_same_object() -> None:
    """Where there is nothing to take out, nothing is copied."""
    body = Json(
        {
            "model": "claude-sonnet-5",
            "messages": [{"role": "user", "content": "Gr\u00fc\u00dfe"}],
            "n": [1, 2.5, None],
        }
    )
    exchange = _exchange(body, Text("plain"))
    redactor = Redactor(literals=["swordfish-swordfish"])
    assert redactor.exchange(exchange) is exchange
    assert redactor.find(exchange) is None


def test_only_what_holds_a_secret_is_copied() -> None:
    """A redacted body leaves the original untouched and shares with it whatever has no secret."""
    value = {"a": {"deep": [1, {"x": "y"}]}, "b": [True, f"use {KEY}"], "c": None}
    before = copy.deepcopy(value)
    redacted = _request_body(Json(value))
    assert redacted == Json({"a": {"deep": [1, {"x": "y"}]}, "b": [True, f"use {PLACEHOLDER}"], "c": None})
    assert isinstance(redacted, Json)
    assert isinstance(redacted.value, dict)
    assert redacted.value["a"] is value["a"]
    assert value == before


def test_keys_are_redacted_like_values() -> None:
    """A secret may be the key of an entry."""
    assert _request_body(Json({"m": {f"for {KEY}": KEY, "x": 1}})) == Json(
        {"m": {f"for {PLACEHOLDER}": PLACEHOLDER, "x": 1}}
    )


@pytest.mark.parametrize(
    "name",
    [
        "authorization_token",
        "access_token",
        "refresh_token",
        "client_secret",
        "secret_value",
        "signing_secret",
        "tunnel_token",
    ],
)
def test_fields_that_hold_credentials(name: str) -> None:
    """What the API itself calls a credential is one, whatever it looks like; without a value it is none."""
    body = Json({"mcp_servers": [{"name": "x", name: "hunter2-hunter2"}]})
    assert Redactor().find(_exchange(body)) == f"request.body.mcp_servers[0].{name}"
    redacted = _request_body(body)
    assert redacted == Json({"mcp_servers": [{"name": "x", name: PLACEHOLDER}]})
    assert Redactor().find(_exchange(redacted)) is None
    for value in (None, "", "short", {"type": "string", "description": "the token to send"}):
        empty = Json({name: value})
        assert _request_body(empty) is empty


def test_the_token_of_a_vault() -> None:
    """`token` is a credential where the object says that it is a bearer token."""
    body = Json(
        {"auth": {"type": "static_bearer", "token": "hunter2-hunter2"}, "x": {"token": "hunter2-hunter2"}}
    )
    expected = Json(
        {"auth": {"type": "static_bearer", "token": PLACEHOLDER}, "x": {"token": "hunter2-hunter2"}}
    )
    assert _request_body(body) == expected


@pytest.mark.parametrize(
    "name", ["aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "SecretAccessKey", "secretAccessKey"]
)
def test_aws_secrets_are_known_by_their_key(name: str) -> None:
    """Forty characters are an AWS secret where the key of the entry says so, and nothing otherwise."""
    assert _request_body(Json({name: AWS_SECRET})) == Json({name: PLACEHOLDER})
    for other in (Json({name: "see the manual"}), Json({"checksum": AWS_SECRET})):
        assert _request_body(other) is other


def test_text_bodies() -> None:
    """A body that is only text is redacted as one."""
    body = Text(f'{{"key": "{KEY}", "key": 1}}\n{{"access_token": "hunter2-hunter2"}}')
    expected = Text(f'{{"key": "{PLACEHOLDER}", "key": 1}}\n{{"access_token": "{PLACEHOLDER}"}}')
    assert _request_body(body) == expected
    assert Redactor().find(_exchange(body)) == "request.body"
    assert Redactor().find(_exchange(expected)) is None


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-16-le", "utf-16-be", "utf-16", "utf-32"])
@pytest.mark.parametrize("before", [b"\xff\xfe\x00", b"\xff", b"\xffk", b"\xff\x6c\x00\x00"])
def test_binary_bodies_are_searched_but_not_changed(encoding: str, before: bytes) -> None:
    """Bytes are kept as they are, so the guard has to refuse those that hold a key, in whatever encoding."""
    redactor = Redactor(literals=["swordfish-swordfish"])
    for secret in (KEY, "swordfish-swordfish", "gh" + "p_" + "a1B2" * 9):
        body = Binary(before + secret.encode(encoding) + b"\x80\x81")
        exchange = _exchange(None, body)
        assert redactor.exchange(exchange) is exchange
        assert redactor.find(exchange) == "response.body"
    assert redactor.find(_exchange(None, Binary(before + "nothing here".encode(encoding)))) is None


def test_values_that_are_no_json() -> None:
    """What no JSON parser returns is left alone, and what stands beside it is redacted."""
    odd = object()
    assert _request_body(Json([odd, KEY])) == Json([odd, PLACEHOLDER])


def test_a_short_field_that_was_redacted_stays() -> None:
    """A placeholder does not make a value long enough to count as a credential when it is redacted again."""
    redactor = Redactor(patterns=[r"\d+"])
    once = _request_body(Json({"access_token": "/12"}), redactor)
    assert once == Json({"access_token": f"/{PLACEHOLDER}"})
    assert _request_body(once, redactor) is once
