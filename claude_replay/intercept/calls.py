"""One request to Claude on its way through a transport, sync or async: everything but the I/O."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from claude_replay.api import AUTHORITY, Endpoint
from claude_replay.bodies import decode_body, decompress, media_type
from claude_replay.cassette import Entry
from claude_replay.errors import LiveCallRefused
from claude_replay.exchange import Request
from claude_replay.faults import Spoiled
from claude_replay.intercept.ambient import current_ambient
from claude_replay.intercept.live import LiveAnswer
from claude_replay.intercept.outlets import sending
from claude_replay.intercept.playback import Playback, play, play_spoiled
from claude_replay.redact import KEPT_REQUEST_HEADERS
from claude_replay.session import Session, Ticket

__all__ = ["LOOKED_AT", "Call", "read_headers"]

# How clients without an API key sign in. Tokens never enter a cassette, and are not asked for on replay: the
# placeholder key takes their place.
_SIGN_IN = "POST /v1/oauth/token"
_JSON = "application/json"
_AGENT = "user-agent"

LOOKED_AT = frozenset(name.encode() for name in (*KEPT_REQUEST_HEADERS, "content-encoding", _AGENT))
"""
What replay needs of a request's twenty headers; reading all of them would be felt in each replayed call.

The name of the client only says whose request it is.
"""


class Call:
    """
    A request that belongs to an open cassette; `headers` are those of its headers that are looked at.

    First `begin`; where that gives nothing to play, the request is sent within `sending`, and its answer
    given to `answered`.
    """

    __slots__ = ("_answer", "_endpoint", "_headers", "_request", "_session", "_ticket", "_url")

    def __init__(
        self, session: Session, endpoint: Endpoint, request: Any, url: str, headers: Mapping[str, str]
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._request = request
        self._url = url
        self._headers = {name: value for name, value in headers.items() if name != _AGENT}
        self._answer: LiveAnswer | None = None
        self._ticket: Ticket | None = None

    def begin(self, content: bytes) -> Playback | None:
        """What to play, or None where the request is to be sent; raises CassetteMiss."""
        __tracebackhide__ = True
        session = self._session
        if self._endpoint.operation == _SIGN_IN and session.may_send:
            return None
        try:
            outcome = self._recall(content) or session.begin(
                self._convert(content), self._endpoint, patience=self._patience
            )
        except LiveCallRefused as refusal:
            # Too late for its cassette, whose owner may be gone.
            current_ambient().refused(refusal)
            raise
        if isinstance(outcome, Entry):
            return play(session, outcome, is_framed=self._is_framed)
        if isinstance(outcome, Spoiled):
            return play_spoiled(session, outcome, is_framed=self._is_framed)
        if outcome is not None:
            assert session.live is not None
            self._answer, self._ticket = LiveAnswer(session.live, outcome), outcome
        return None

    @property
    def _is_framed(self) -> bool:
        """Whether the client reads a stream as AWS frames."""
        place = self._endpoint.place
        return place is not None and place.is_framed

    def _recall(self, content: bytes) -> Entry | None:
        """What is recorded for these very bytes, as most requests of a replay are."""
        __tracebackhide__ = True
        headers = self._headers
        if self._endpoint.authority or headers.get("content-type") != _JSON or "content-encoding" in headers:
            return None
        # Not the client's request itself: the session keeps what it is given.
        ask = partial(Request, self._request.method, self._url, headers)
        return self._session.recall(self._endpoint, headers, content, ask)

    @property
    def _patience(self) -> float | None:
        """How many seconds the client waits for the next byte; None for ever, or where nobody knows."""
        timeouts = getattr(self._request, "extensions", {}).get("timeout", {})
        patience = timeouts.get("read")
        return patience if isinstance(patience, (int, float)) else None

    @property
    def is_to_be_spoiled(self) -> bool:
        """Whether a fault shall happen to the live answer; read it wholly first, then `spoil` it."""
        return self._ticket is not None and self._ticket.injected is not None

    def spoil(self) -> Playback | None:
        """What the application gets of a live answer that has been read; None for all of it."""
        assert self._ticket is not None
        assert self._ticket.injected is not None
        answered = self._session.answered[self._ticket.order]
        spoiled = self._session.faulting.spoil_live(self._ticket.injected, answered, self._patience)
        return (
            play_spoiled(self._session, spoiled, is_framed=self._is_framed) if spoiled is not None else None
        )

    def _convert(self, content: bytes) -> Request:
        headers = read_headers(self._request.headers) if self._session.may_send else self._headers
        if encoding := headers.get("content-encoding"):
            # What cannot be unpacked here, the server may understand all the same.
            with suppress(ValueError):
                content = decompress(content, encoding)
        if self._endpoint.authority:
            headers = {AUTHORITY: self._endpoint.authority, **headers}
        return _make_request(self._request.method, self._url, headers, content)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Around the live call, until its status and headers are there."""
        with sending(self._url):
            if self._answer is None:
                yield
            else:
                with self._answer.sending():
                    yield

    def answered(self, response: Any) -> LiveAnswer | None:
        """What is to listen to the answer while it is read; None where nobody needs to."""
        if self._answer is not None:
            self._answer.answered(response.status_code, read_headers(response.headers))
        return self._answer


def _make_request(method: str, url: str, headers: Mapping[str, str], content: bytes) -> Request:
    return Request(method, url, headers, decode_body(content, media_type(headers)))


def read_headers(headers: Any, names: Container[bytes] | None = None) -> dict[str, str]:
    """The headers of a request or response, or those of `names`; equal ones joined, names in lower case."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers.raw:
        key = raw_name.lower()
        if names is None or key in names:
            # Latin-1 cannot fail; `headers.items()` would try three encodings on each header first.
            name, value = key.decode("latin-1"), raw_value.decode("latin-1")
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found
