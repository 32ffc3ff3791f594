"""
One request to Claude as vcrpy's stubs see it.

vcrpy's stubs speak for HTTP libraries outside the httpx family: a stub stands in for a connection, session or
client during one request. `vcrpy_connections` and `vcrpy_async`, the only modules that import vcr, give it a
`OneRequest` for its cassette. That puts the request to our session, and the stub makes of the answer what the
library's users expect. Checked with vcrpy 8.2.1 and 9.4.2.

vcrpy is imported by the first request that needs it, for it imports every HTTP library that is installed.
Its patchers are not used. They replace connection classes for the whole process and for all hosts, and what
passes through a stub is read to its end first; requests to others than Claude have to stay as they are.
"""

from __future__ import annotations

import errno
import http
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from claude_replay.api import describe_endpoint
from claude_replay.errors import RecordingEnded
from claude_replay.intercept.calls import LOOKED_AT, Call, read_headers
from claude_replay.intercept.playback import Playback
from claude_replay.intercept.wanted import find_endpoint
from claude_replay.session import Session

__all__ = ["OneRequest", "read_content"]

_REASONS = {status.value: status.phrase for status in http.HTTPStatus}


class OneRequest:
    """
    One request to Claude, in the shape of the cassette that vcrpy's stubs ask and tell.

    Stubs know whole bodies only: all events of a stream recorded here have arrived at the same time, its end,
    and nobody sees where the application stopped reading. `decoded` says that the library has undone the
    content encoding of a live answer, whatever its headers still say.
    """

    # Stubs refuse what they cannot play from a protected cassette; here a miss has been raised before.
    write_protected = False

    def __init__(self, session: Session, *, decoded: bool = False) -> None:
        self.decoded = decoded
        self.playback: Playback | None = None
        self._session = session
        self._call: Any = None
        self._answer: dict[str, Any] | None = None

    def can_play_response_for(self, request: Any) -> bool:
        """Whether there is an answer; the first time the session decides, which may raise CassetteMiss."""
        __tracebackhide__ = True
        if self._call is None:
            message = _make_message(request.headers.items(), method=request.method)
            headers = read_headers(message.headers, LOOKED_AT)
            found = find_endpoint(self._session, request.method, request.uri, headers)
            endpoint = found or describe_endpoint(request.method, request.uri)
            self._call = Call(self._session, endpoint, message, request.uri, headers)
            self.playback = self._call.begin(read_content(request))
            _break_connection(self.playback)
            if self.playback is not None and self.playback.missing is None:
                self._answer = _make_answer(self.playback)
        return self._answer is not None

    def play_response(self, request: Any) -> Any:
        """The recorded answer, or the one that has just come in."""
        return self._answer

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Around a live call and everything that may fail until its answer is read."""
        self.end()
        with self._call.sending():
            yield

    def end(self) -> None:
        """Raise RecordingEnded where the recording is not a whole answer, so that a stub cannot play it."""
        if self.playback is not None:
            self.playback.end()

    async def aend(self) -> None:
        """The same for async code, which may have been cancelled here when it was recorded."""
        if self.playback is not None:
            await self.playback.aend()

    def filter_request(self, request: Any) -> Any:
        """Nothing is left out here."""
        return request

    def append(self, request: Any, response: dict[str, Any]) -> None:
        """Take the answer of a live call; where redirects were followed, the last one counts."""
        self._answer = response

    def report(self) -> None:
        """Tell the session of the answer that was taken, if there is one."""
        if self.playback is not None or self._answer is None:
            return
        headers = [
            (name, value)
            for name, values in dict(self._answer["headers"]).items()
            for value in values
            if not (self.decoded and name.lower() == "content-encoding")
        ]
        live = self._call.answered(_make_message(headers, status_code=self._answer["status"]["code"]))
        if live is not None:
            live.add(self._answer["body"].get("string", b""))
            live.done()

    def find_requests_with_most_matches(self, request: Any) -> Any:
        """What aiohttp's stub asks for before it follows a recorded redirect, which only others record."""
        raise self._session.remember(
            RecordingEnded(
                f"claude_replay: the recorded answer is a redirect to {request.uri}, and aiohttp records and "
                "replays only where redirects end\n"
                f"  cassette  {self._session.path}\n"
                f"  record it: {self._session.command('rewrite')}"
            )
        )


def _break_connection(playback: Playback | None) -> None:
    """Raise what Python itself does where a connection breaks; libraries wrap it as they do in life."""
    if playback is not None and playback.breaks == "timeout":
        raise TimeoutError("timed out")
    if playback is not None and playback.breaks is not None:
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


def read_content(request: Any) -> bytes:
    """The body of one of vcr's requests: text, bytes, a file, or pieces of either."""
    body = request.body
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    return b"".join(piece.encode() if isinstance(piece, str) else bytes(piece) for piece in body)


def _make_message(headers: Iterable[tuple[Any, Any]], **fields: object) -> SimpleNamespace:
    """Headers and what else `Call` reads of requests and responses, which are httpx's otherwise."""
    raw = [(_to_bytes(name), _to_bytes(value)) for name, value in headers]
    return SimpleNamespace(headers=SimpleNamespace(raw=raw), **fields)


def _to_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")


def _make_answer(playback: Playback) -> dict[str, Any]:
    """A recorded answer as vcr's stubs take it."""
    headers: dict[str, list[str]] = {}
    for name, value in playback.headers:
        headers.setdefault(name, []).append(value)
    return {
        "status": {"code": playback.status, "message": _REASONS.get(playback.status, "")},
        "headers": headers,
        "body": {"string": b"".join(piece for _, piece in playback.pieces)},
    }
