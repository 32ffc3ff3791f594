"""Which headers are kept, and which hold credentials."""

from __future__ import annotations

import base64

import pytest

from claude_replay.exchange import Request, Response
from claude_replay.redact import (
    KEPT_REQUEST_HEADERS,
    KEPT_RESPONSE_HEADERS,
    PLACEHOLDER,
    PLACEHOLDER_KEY,
    Redactor,
)

KEY = "sk-ant-" + "api03-" + "Ab3" * 31

SENT = {
    "accept": "application/json",
    "content-type": "application/json",
    "user-agent": "Anthropic/Python 2.12.0",
    "x-stainless-lang": "python",
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "files-api-2025-04-14",
    "x-api-key": KEY,
    "authorization": f"Bearer {KEY}",
    "cookie": "__cf_bm=abc",
}


def _request(headers: dict[str, str]) -> Request:
    return Request("POST", "https://api.anthropic.com/v1/messages", headers, None)


def test_request_headers_that_are_kept() -> None:
    """Only version and beta headers of a usual request are kept."""
    kept = Redactor().request(_request(SENT)).headers
    assert kept == {"anthropic-version": "2023-06-01", "anthropic-beta": "files-api-2025-04-14"}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("application/json", False),
        ("Application/JSON; charset=utf-8", False),
        ("application/json-seq", True),
        ("multipart/mixed; boundary=0a1b", True),
        ("text/plain; charset=latin-1", True),
    ],
)
def test_content_type_of_a_request(value: str, kept: bool) -> None:
    """The content type of a request is kept with its parameters, unless it is JSON, as nearly always."""
    assert Redactor().request(_request({"content-type": value})).headers == (
        {"content-type": value} if kept else {}
    )


def test_the_boundary_of_an_upload_is_not_kept() -> None:
    """It is another one each time, and the parts in a cassette stand without it."""
    sent = _request({"content-type": "Multipart/Form-Data; boundary=0a1b"})
    assert Redactor().request(sent).headers == {"content-type": "multipart/form-data"}


def test_response_headers_that_are_kept() -> None:
    """What a client acts upon is kept; organization, cookies, limits and dates are not."""
    kept = {
        "content-type": "text/event-stream; charset=utf-8",
        "request-id": "req_011CSHoEeqs5C35K2UUqR7Fy",
        "retry-after": "7",
        "retry-after-ms": "7000",
        "x-should-retry": "true",
        "location": "/v1/files/file_1",
        "content-disposition": 'attachment; filename="a.txt"',
        "x-amzn-errortype": "ValidationException",
        "x-amzn-requestid": "01234567-89ab-cdef-0123-456789abcdef",
        "x-amzn-bedrock-content-type": "application/json",
        "x-amzn-bedrock-input-token-count": "12",
        "x-amzn-bedrock-output-token-count": "3",
    }
    dropped = {
        "anthropic-organization-id": "org",
        "set-cookie": "a=b",
        "date": "today",
        "content-encoding": "gzip",
        "anthropic-ratelimit-requests-limit": "4000",
    }
    response = Response(200, {**dropped, **kept}, None, "closed")
    assert Redactor().response(response) == Response(200, kept, None, "closed")
    assert set(kept) == set(KEPT_RESPONSE_HEADERS)
    assert KEPT_REQUEST_HEADERS == ("anthropic-version", "anthropic-beta", "content-type", ":authority")


def test_users_may_keep_more_headers() -> None:
    """Headers a user names are kept, in any spelling; of one that is a credential only that it was there."""
    redactor = Redactor(
        keep_request_headers=["X-Team", "Authorization", "Content-Type"],
        keep_response_headers=["Date", "set-cookie"],
    )
    request = _request({**SENT, "x-team": f"research {KEY}"})
    assert redactor.request(request).headers == {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "files-api-2025-04-14",
        "authorization": PLACEHOLDER,
        "x-team": f"research {PLACEHOLDER}",
    }
    response = Response(200, {"date": "today", "server": "x", "set-cookie": "a=b"}, None)
    assert redactor.response(response).headers == {"date": "today", "set-cookie": PLACEHOLDER}


def test_kept_headers_are_searched_for_secrets() -> None:
    """A secret in the value of a kept header is replaced; a redirect loses the password in its address."""
    redactor = Redactor()
    headers = {
        "content-disposition": f"attachment; filename={KEY}",
        "location": f"https://u:p@h/{KEY}?sig=abc",
    }
    assert redactor.response(Response(302, headers, None)).headers == {
        "content-disposition": f"attachment; filename={PLACEHOLDER}",
        "location": f"https://h/{PLACEHOLDER}?sig={PLACEHOLDER}",
    }


def test_many_header_values() -> None:
    """Any number of different header values and addresses is redacted alike."""
    redactor = Redactor()
    for number in range(1100):
        response = Response(200, {"request-id": f"req_{number}", "date": "today"}, None)
        assert redactor.response(response).headers == {"request-id": f"req_{number}"}
        request = Request("GET", f"https://me:pw@h/v1/files/{number}", {}, None)
        assert redactor.request(request).url == f"https://h/v1/files/{number}"


@pytest.mark.parametrize(
    ("name", "value", "tokens"),
    [
        ("authorization", f"Bearer {KEY}", (KEY,)),
        ("Authorization", f"bearer  {KEY} ", (KEY,)),
        ("proxy-authorization", KEY, (KEY,)),
        ("X-Api-Key", KEY, (KEY,)),
        ("api-key", KEY, (KEY,)),
        (
            "authorization",
            "Basic " + base64.b64encode(b"me:swordfish").decode(),
            ("bWU6c3dvcmRmaXNo", "swordfish"),
        ),
        ("authorization", "Basic swordfish!", ("swordfish!",)),
        ("authorization", "Basic /////w==", ("/////w==",)),
        ("authorization", "AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20261122/x, Signature=0f0f", ("AKEXAMPLE",)),
        ("cookie", 'lang=en-US; sid="0123456789abcdef"; theme=a-very-dark-theme', ("0123456789abcdef",)),
        (
            "set-cookie",
            "sid=0123456789abcdef; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly",
            ("0123456789abcdef",),
        ),
        ("x-api-key", "", ()),
        ("x-api-key", PLACEHOLDER_KEY, ()),
        ("authorization", f"Bearer {PLACEHOLDER}", ()),
        ("anthropic-version", "2023-06-01", ()),
    ],
)
def test_credentials_in_headers(name: str, value: str, tokens: tuple[str, ...]) -> None:
    """The tokens of raw headers come without their scheme; what every request carries anyway is none."""
    assert Redactor().credentials_in({name: value}) == tokens


def test_each_credential_once() -> None:
    """A key sent in two headers is named once."""
    assert Redactor().credentials_in(SENT) == (KEY,)
