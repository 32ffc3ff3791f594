"""Taking the secrets out of an exchange, and proving that none is left."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable, Mapping

from claude_replay.bodies import MULTIPART
from claude_replay.errors import SettingsError
from claude_replay.exchange import Exchange, Json, Request, Response
from claude_replay.redact.bodies import clean_body, find_in_body
from claude_replay.redact.headers import (
    CREDENTIAL_HEADERS,
    KEPT_REQUEST_HEADERS,
    KEPT_RESPONSE_HEADERS,
    credentials_in,
    is_plain_json,
)
from claude_replay.redact.literals import MIN_LITERAL
from claude_replay.redact.others import hide_credentials
from claude_replay.redact.placeholder import PLACEHOLDER, PLACEHOLDER_KEY
from claude_replay.redact.scanner import Scanner
from claude_replay.redact.urls import clean_url

__all__ = ["Redactor"]

_MAX_KNOWN = 1000
# More than calls that are under way at the same time: each is cleaned with its own when it ends.
_MOST_COOKIES = 64
_COOKIES = ("cookie", "set-cookie")
# Stands in requests to others than Claude (see `claude_replay.api.AUTHORITY`).
_AUTHORITY = KEPT_REQUEST_HEADERS[-1]


class _Rules:
    """
    A scanner and what it made of URLs and header values, of which a run has few, each seen many times.

    Never changed but for filling the memory, so a request works with one set of rules from start to end.
    """

    __slots__ = ("cleaned", "headers", "scanner", "urls")

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        # The request that was cleaned last: it is looked at again when its answer is there.
        self.cleaned: Request | None = None
        self.urls: dict[str, str] = {}
        self.headers: dict[tuple[str, str], str] = {}

    def clean_url(self, url: str) -> str:
        known = self.urls.get(url)
        if known is None:
            if len(self.urls) >= _MAX_KNOWN:
                self.urls.clear()
            known = self.urls[url] = clean_url(url, self.scanner)
        return known

    def clean_header(self, name: str, value: str) -> str:
        known = self.headers.get((name, value))
        if known is None:
            if len(self.headers) >= _MAX_KNOWN:
                self.headers.clear()
            known = self.headers[name, value] = self._clean_header(name, value)
        return known

    def _clean_header(self, name: str, value: str) -> str:
        if name in CREDENTIAL_HEADERS:
            return PLACEHOLDER
        if name == "content-type" and value.lower().startswith(MULTIPART):
            # Without the boundary: it is another one each time.
            return MULTIPART
        return clean_url(value, self.scanner) if name == "location" else self.scanner.clean(value)


class Redactor:
    """
    Takes secrets out of requests and responses, the same way before comparing, playing and writing.

    Every method is pure, and redacting what is redacted changes nothing. Raises SettingsError where a pattern
    is no regular expression.

    Args:
        literals: known secrets, from 8 characters on (see `known_literals`).
        patterns: regular expressions of the user; what they match is a secret as a whole.
        keep_request_headers: names of request headers to keep besides `KEPT_REQUEST_HEADERS`.
        keep_response_headers: names of response headers to keep besides `KEPT_RESPONSE_HEADERS`.
    """

    __slots__ = (
        "_keep_json_type",
        "_kept_request_headers",
        "_kept_response_headers",
        "_lock",
        "_rules",
    )

    def __init__(
        self,
        *,
        literals: Iterable[str] = (),
        patterns: str | Iterable[str] = (),
        keep_request_headers: Iterable[str] = (),
        keep_response_headers: Iterable[str] = (),
    ) -> None:
        sources = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        compiled = [_compile_pattern(source) for source in sources]
        self._lock = threading.Lock()
        self._rules = _Rules(Scanner(filter(_is_literal, map(str.strip, literals)), compiled))
        added = {name.lower() for name in keep_request_headers}
        self._keep_json_type = "content-type" in added
        self._kept_request_headers = added.union(KEPT_REQUEST_HEADERS)
        self._kept_response_headers = {name.lower() for name in keep_response_headers}.union(
            KEPT_RESPONSE_HEADERS
        )

    def copy(self) -> Redactor:
        """Another one that knows the same; what is added to either from now on, the other does not know."""
        made = Redactor.__new__(Redactor)
        made._lock = threading.Lock()
        made._rules = self._rules
        made._keep_json_type = self._keep_json_type
        made._kept_request_headers = self._kept_request_headers
        made._kept_response_headers = self._kept_response_headers
        return made

    def learn(self, headers: Mapping[str, str]) -> None:
        """
        Take the credentials of a raw request for secrets from now on.

        Of cookies the 64 seen last: where each answer sets another one, all of them would be one more for each call.
        """
        cookies = {name: value for name, value in headers.items() if name.lower() in _COOKIES}
        for credential in credentials_in({name: headers[name] for name in headers if name not in cookies}):
            self.add_literal(credential)
        values = filter(_is_literal, credentials_in(cookies))
        known = self._rules.scanner
        if new := [value for value in values if value not in known.cookies and value not in known.literals]:
            with self._lock:
                known = self._rules.scanner
                cookies_now = tuple(dict.fromkeys((*known.cookies, *new)))
                self._rules = _Rules(known.with_cookies(cookies_now[-_MOST_COOKIES:]))

    def add_literal(self, value: str) -> None:
        """
        Treat `value` as a secret from now on: the key a client turns out to use.

        Values of less than 8 characters and the placeholder key are ignored. Safe to call from any thread.
        """
        value = value.strip()
        # What is known as a cookie only may become a key, which is not forgotten.
        if _is_literal(value) and value not in self._rules.scanner.literals:
            with self._lock:
                self._rules = _Rules(self._rules.scanner.with_literal(value))

    def text(self, text: str) -> str:
        """`text` with a placeholder for each secret; the same object where there is none."""
        return self._rules.scanner.clean(text)

    def request(self, request: Request) -> Request:
        """The request without secrets, with the headers that are kept; the same object if that is equal."""
        rules = self._rules
        if rules.cleaned is not request:
            rules.cleaned = request = self._clean_request(request, rules)
        return request

    def _clean_request(self, request: Request, rules: _Rules) -> Request:
        url = rules.clean_url(request.url)
        headers = _clean_headers(request.headers, self._kept_request_headers, rules)
        if not self._keep_json_type and is_plain_json(headers):
            del headers["content-type"]
        body = clean_body(request.body, rules.scanner)
        if _AUTHORITY in request.headers:
            body = hide_credentials(body, request.headers, rules.scanner)
        if body is request.body and url == request.url and headers == request.headers:
            return request
        return Request(request.method, url, headers, body)

    def response(self, response: Response) -> Response:
        """The response without secrets, with the headers that are kept; the same object if that is equal."""
        rules = self._rules
        headers = _clean_headers(response.headers, self._kept_response_headers, rules)
        body = clean_body(response.body, rules.scanner)
        if body is response.body and headers == response.headers:
            return response
        return Response(response.status, headers, body, response.ended)

    def exchange(self, exchange: Exchange) -> Exchange:
        """Both sides redacted; the same object where nothing changed."""
        request, response = self.request(exchange.request), self.response(exchange.response)
        if request is exchange.request and response is exchange.response:
            return exchange
        return Exchange(request, response, exchange.meta)

    def credentials_in(self, headers: Mapping[str, str]) -> tuple[str, ...]:
        """The tokens in the credential headers of a raw request, without "Bearer " and the like."""
        return credentials_in(headers)

    def find(self, exchange: Exchange) -> str | None:
        """
        The place of the first thing that still looks like a secret, never the thing itself; None without one.

        A place is a path such as `request.url`, `request.headers.x-api-key`, `response.body.content[0].text`,
        or `response.body.items[3].pieces[0]` in an event stream.
        """
        rules = self._rules
        request, response = exchange.request, exchange.response
        if rules.clean_url(request.url) != request.url:
            return "request.url"
        return (
            _find_in_headers(request.headers, rules, "request.headers")
            or find_in_body(request.body, rules.scanner, "request.body")
            or _find_in_headers(response.headers, rules, "response.headers")
            or find_in_body(response.body, rules.scanner, "response.body")
        )

    def is_clean(self, exchange: Exchange, text: bytes) -> bool:
        """
        Whether an exchange that stands as `text` in a file is sure to hold no secret.

        False says nothing. `text` is all of it, as YAML in UTF-8.
        """
        request, response = exchange.request, exchange.response
        # In a stream, and in binary data, more may hide than the text shows.
        return (
            all(body is None or isinstance(body, Json) for body in (request.body, response.body))
            and self.leaves_alone(request.url, text)
            and not _find_in_headers(request.headers, self._rules, "")
            and not _find_in_headers(response.headers, self._rules, "")
        )

    def leaves_alone(self, url: str, text: bytes) -> bool:
        """
        Whether this is sure to change nothing in a request with this URL that stands as `text` in a file.

        False says nothing. `text` is JSON or YAML in UTF-8.
        """
        rules = self._rules
        return rules.clean_url(url) == url and not rules.scanner.may_be_in(text.decode("latin-1"))

    def find_in_text(self, text: str) -> bool:
        """Whether `text` holds what looks like a secret."""
        return bool(self._rules.scanner.spans(text))

    def find_in_data(self, data: bytes) -> bool:
        """Whether bytes, of an image for example, hold as text what looks like a secret."""
        return self._rules.scanner.found_in_data(data)


def _compile_pattern(source: str) -> re.Pattern[str]:
    try:
        return re.compile(source)
    except (re.error, TypeError) as error:
        raise SettingsError(
            f"redact: {source!r} is not a regular expression: {error}.\n"
            "Correct it, or put re.escape() around a text that is meant literally."
        ) from None


def _is_literal(value: str) -> bool:
    return len(value) >= MIN_LITERAL and value not in (PLACEHOLDER, PLACEHOLDER_KEY)


def _clean_headers(headers: Mapping[str, str], kept: Collection[str], rules: _Rules) -> dict[str, str]:
    return {name: rules.clean_header(name, value) for name, value in headers.items() if name in kept}


def _find_in_headers(headers: Mapping[str, str], rules: _Rules, path: str) -> str | None:
    for name, value in headers.items():
        if rules.clean_header(name, value) != value and PLACEHOLDER_KEY not in value:
            return f"{path}.{name}"
    return None
