"""Where a cassette holds what looks like a secret; never what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from claude_replay.cassette.formats.recorded import is_masked
from claude_replay.exchange import Exchange
from claude_replay.redact import CREDENTIAL_HEADERS, Redactor

__all__ = ["drop_masked", "find_lines", "find_places"]

_SHORTEST_TOKEN = 16
"""As for variables whose name alone says that they hold a credential."""


def find_places(exchange: Exchange, redactor: Redactor) -> Iterator[str]:
    """The places of secrets in an exchange: each header, and the first in the URL and in each body."""
    while (place := redactor.find(exchange)) is not None:
        yield place
        exchange = _without(exchange, place)


def _without(exchange: Exchange, place: str) -> Exchange:
    side, _, rest = place.partition(".")
    request, response = exchange.request, exchange.response
    if rest == "url":
        return replace(exchange, request=replace(request, url=""))
    if rest.startswith("headers."):
        name = rest.removeprefix("headers.")
        if side == "request":
            return replace(exchange, request=replace(request, headers=_drop(request.headers, name)))
        return replace(exchange, response=replace(response, headers=_drop(response.headers, name)))
    if side == "request":
        return replace(exchange, request=replace(request, body=None))
    return replace(exchange, response=replace(response, body=None))


def _drop(headers: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}


def drop_masked(exchange: Exchange, redactor: Redactor) -> Exchange:
    """The exchange without credential headers whose value is no credential: `**REDACTED**`, `test_key`, `Bearer x`."""
    request, response = exchange.request, exchange.response
    return replace(
        exchange,
        request=replace(request, headers=_real(request.headers, redactor)),
        response=replace(response, headers=_real(response.headers, redactor)),
    )


def _real(headers: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name not in CREDENTIAL_HEADERS or any(map(_is_real, redactor.credentials_in({name: value})))
    }


def _is_real(token: str) -> bool:
    return len(token) >= _SHORTEST_TOKEN and any(map(str.isdigit, token)) and not is_masked(token)


def find_lines(text: str, redactor: Redactor) -> list[int]:
    """The numbers of the lines that hold a secret; the first line where one is spread over several."""
    if not redactor.find_in_text(text):
        return []
    return [number for number, line in enumerate(text.split("\n"), 1) if redactor.find_in_text(line)] or [1]
