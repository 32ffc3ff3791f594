"""Secrets in uploads and in JSON lines."""

from __future__ import annotations

import pytest

from claude_replay.exchange import (
    Binary,
    Body,
    Exchange,
    Json,
    JsonLines,
    Multipart,
    Part,
    Request,
    Response,
    Text,
)
from claude_replay.redact import PLACEHOLDER, Redactor

URL = "https://api.anthropic.com/v1/files"
KEY = "sk-ant-" + "api03-" + "Ab3" * 31
NAMED = {"content-disposition": 'form-data; name="a"'}


def redact(body: Body) -> Body:
    redactor = Redactor()
    redacted = redactor.request(Request("POST", URL, {}, body))
    assert redactor.request(redacted) is redacted
    return redacted.body


def find(body: Body) -> str | None:
    return Redactor().find(Exchange(Request("POST", URL, {}, body), Response(200, {}, None)))


@pytest.mark.parametrize(
    "body",
    [
        JsonLines(({"a": 1}, "b")),
        Multipart(
            (Part(NAMED, Text("x")), Part(NAMED, None), Part(NAMED, Json([1])), Part({}, Binary(b"\xff")))
        ),
    ],
    ids=["lines", "parts"],
)
def test_clean_bodies_are_the_same_objects(body: Body) -> None:
    """What holds no secret is not copied."""
    assert redact(body) is body
    assert find(body) is None


@pytest.mark.parametrize(
    ("body", "place", "expected"),
    [
        (JsonLines((1, {"a": KEY})), "[1].a", JsonLines((1, {"a": PLACEHOLDER}))),
        (Multipart((Part({}, Text(KEY)),)), ".parts[0]", Multipart((Part({}, Text(PLACEHOLDER)),))),
        (
            Multipart((Part({}, None), Part({}, Json({"a": KEY})))),
            ".parts[1].a",
            Multipart((Part({}, None), Part({}, Json({"a": PLACEHOLDER})))),
        ),
        (
            Multipart((Part({"x": f"name={KEY}"}, None),)),
            ".parts[0].headers.x",
            Multipart((Part({"x": f"name={PLACEHOLDER}"}, None),)),
        ),
    ],
    ids=["lines", "text", "JSON", "header"],
)
def test_secrets_are_found_and_taken_out(body: Body, place: str, expected: Body) -> None:
    """Of every line and part, names included."""
    assert find(body) == f"request.body{place}"
    assert redact(body) == expected


def test_a_secret_in_a_file_of_bytes_is_found() -> None:
    """It cannot be cut out of a picture or an archive, so nothing is saved."""
    body = Multipart((Part(NAMED, Binary(b"\xff" + KEY.encode())),))

    assert redact(body) is body
    assert find(body) == "request.body.parts[0]"
