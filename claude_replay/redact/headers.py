"""Which headers are kept, and which carry credentials."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from claude_replay.bodies import media_type
from claude_replay.redact.placeholder import PLACEHOLDER, PLACEHOLDER_KEY

__all__ = [
    "CREDENTIAL_HEADERS",
    "KEPT_REQUEST_HEADERS",
    "KEPT_RESPONSE_HEADERS",
    "credentials_in",
    "is_plain_json",
]

KEPT_REQUEST_HEADERS = ("anthropic-version", "anthropic-beta", "content-type", ":authority")
"""
Request headers a recording keeps; `content-type` only where it is not `application/json`.

`:authority` stands in requests to others than Claude only, and no client sends it.
"""

KEPT_RESPONSE_HEADERS = (
    "content-type",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "location",
    "content-disposition",
    # What botocore makes errors and counts of.
    "x-amzn-errortype",
    "x-amzn-requestid",
    "x-amzn-bedrock-content-type",
    "x-amzn-bedrock-input-token-count",
    "x-amzn-bedrock-output-token-count",
)
"""Response headers a recording keeps."""

CREDENTIAL_HEADERS = frozenset(
    (
        "api-key",
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-api-key",
        "x-goog-api-key",
    )
)
"""Headers that are a secret as a whole: kept only where the user names them, and then without their value."""

_COOKIE_ATTRIBUTES = frozenset(("expires", "domain", "path", "max-age", "samesite"))
_MIN_COOKIE = 16
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9-]*)\s+(\S.*)", re.DOTALL)
_AWS_KEY_ID = re.compile(r"Credential=([^/,\s]+)")


def is_plain_json(headers: Mapping[str, str]) -> bool:
    """Whether the content type says JSON, which goes without saying in a request."""
    return "content-type" in headers and media_type(headers) == "application/json"


def credentials_in(headers: Mapping[str, str]) -> tuple[str, ...]:
    """
    The tokens in raw credential headers, without "Bearer " and the like; names in any case.

    Of `Basic` also the password, of an AWS signature the key id, of cookies those values that are no plain
    setting (16 characters or more, with a digit).
    """
    found: dict[str, None] = {}
    for name, value in headers.items():
        name = name.lower()
        if name in CREDENTIAL_HEADERS:
            found.update(dict.fromkeys(_tokens(name, value.strip())))
    return tuple(token for token in found if token and token not in (PLACEHOLDER, PLACEHOLDER_KEY))


def _tokens(name: str, value: str) -> Iterator[str]:
    if name in ("authorization", "proxy-authorization"):
        yield from _authorization_tokens(value)
    elif name in ("cookie", "set-cookie"):
        yield from _cookie_tokens(value)
    else:
        yield value


def _authorization_tokens(value: str) -> Iterator[str]:
    parts = _SCHEME.fullmatch(value)
    if parts is None:
        yield value
    elif parts[1].upper().startswith("AWS4-"):
        # The signature itself opens nothing: it holds for this one request.
        yield from _AWS_KEY_ID.findall(parts[2])
    else:
        yield parts[2]
        if parts[1].lower() == "basic":
            yield from _basic_password(parts[2])


def _basic_password(encoded: str) -> Iterator[str]:
    try:
        pair = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return
    yield pair.partition(":")[2]


def _cookie_tokens(value: str) -> Iterator[str]:
    for cookie in value.split(";"):
        name, _, content = cookie.strip().partition("=")
        content = content.strip('"')
        if (
            name.lower() not in _COOKIE_ATTRIBUTES
            and len(content) >= _MIN_COOKIE
            and any(map(str.isdigit, content))
        ):
            yield content
