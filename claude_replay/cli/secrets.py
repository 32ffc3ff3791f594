"""Where a cassette holds what looks like a secret; never what it is."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace

from claude_replay.cassette import drop_notes
from claude_replay.cassette.formats.recorded import is_masked
from claude_replay.exchange import Exchange
from claude_replay.redact import CREDENTIAL_HEADERS, Redactor

__all__ = ["drop_values", "find_fakes", "find_lines", "find_places"]

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


def find_fakes(exchange: Exchange, redactor: Redactor) -> set[str]:
    """The values of credential headers that are no credentials, as `**REDACTED**`, `Bearer test_token`."""
    return {
        value
        for headers in (exchange.request.headers, exchange.response.headers)
        for name, value in headers.items()
        if name in CREDENTIAL_HEADERS and not any(map(_is_real, redactor.credentials_in({name: value})))
    }


def drop_values(exchange: Exchange, values: Container[str]) -> Exchange:
    """The exchange without the headers that have one of these values."""
    request, response = exchange.request, exchange.response
    asked = {name: value for name, value in request.headers.items() if value not in values}
    answered = {name: value for name, value in response.headers.items() if value not in values}
    return replace(
        exchange, request=replace(request, headers=asked), response=replace(response, headers=answered)
    )


def _is_real(token: str) -> bool:
    return len(token) >= _SHORTEST_TOKEN and any(map(str.isdigit, token)) and not is_masked(token)


def find_lines(text: str, redactor: Redactor, fakes: Iterable[str] = ()) -> list[int]:
    """The numbers of the lines that hold a secret besides `fakes`; 1 for one that is spread over lines."""
    for fake in fakes:
        # As a whole: a fake must not take the beginning off a real one.
        text = re.sub(rf"(?<![\w-]){re.escape(fake)}(?![\w-])", "", text)
    text = drop_notes(text)
    if not redactor.find_in_text(text):
        return []
    return [number for number, line in enumerate(text.split("\n"), 1) if redactor.find_in_text(line)] or [1]
