"""Credentials in what is sent to others than Claude, by the names everybody gives them."""

from __future__ import annotations

from collections.abc import Mapping

from claude_replay.bodies import describe_part, media_type
from claude_replay.exchange import Body, Json, Multipart, Part, Text
from claude_replay.redact.placeholder import PLACEHOLDER
from claude_replay.redact.scanner import Scanner
from claude_replay.redact.urls import SECRET_PARAMETERS, clean_query

__all__ = ["hide_credentials"]

_FORM = "application/x-www-form-urlencoded"


def hide_credentials(body: Body, headers: Mapping[str, str], scanner: Scanner) -> Body:
    """
    The body of a request with a placeholder for each field that is called a password, a token or the like.

    What is asked of Claude is not touched by this: there such a name may be part of a conversation.
    """
    if isinstance(body, Text) and media_type(headers) == _FORM:
        text = clean_query(body.text, scanner)
        return body if text == body.text else Text(text)
    if isinstance(body, Json):
        value = _hide(body.value)
        return body if value == body.value else Json(value)
    if isinstance(body, Multipart):
        parts = tuple(_hide_part(part) for part in body.parts)
        return body if parts == body.parts else Multipart(parts)
    return body


def _hide(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: PLACEHOLDER if isinstance(item, str) and _is_secret(name) else _hide(item)
            for name, item in value.items()
        }
    return [_hide(item) for item in value] if isinstance(value, list) else value


def _hide_part(part: Part) -> Part:
    is_secret = isinstance(part.body, Text) and _is_secret(describe_part(part.headers).get("name"))
    return Part(part.headers, Text(PLACEHOLDER)) if is_secret else part


def _is_secret(name: object) -> bool:
    return isinstance(name, str) and name.lower() in SECRET_PARAMETERS
