"""Connections of `http.client`, and of what builds on it, that ask a session before the network."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any

from claude_replay.intercept.asked import unwrap
from claude_replay.intercept.vcrpy import OneRequest, read_content
from claude_replay.session import Session

__all__ = ["ask_with_pool", "stand_in_for"]


def stand_in_for(connection: Any, session: Session) -> Any:
    """A stub for a connection of `http.client`, for one request after the other."""
    import vcr.stubs

    connection = unwrap(connection)
    secure = connection.default_port == 443
    kind = _make_stub_class(vcr.stubs.VCRHTTPSConnection if secure else vcr.stubs.VCRHTTPConnection)
    return kind(connection, session)


def ask_with_pool(
    session: Session, urlopen: Callable[..., Any], pool: Any, *args: Any, **options: Any
) -> Any:
    """What `urlopen` of urllib3 does for `pool`, with stubs for connections."""
    __tracebackhide__ = True
    import vcr.stubs.urllib3_stubs as stubs

    secure = pool.scheme == "https"
    kind = _make_stub_class(stubs.VCRRequestsHTTPSConnection if secure else stubs.VCRRequestsHTTPConnection)
    made: list[Any] = []

    def make_connection(*args: Any, **options: Any) -> Any:
        made.append(kind(unwrap(twin._new_conn()), session))
        return made[-1]

    # Timeouts, retries, proxies and redirects stay the pool's business; its own connections stay out of it.
    twin = copy.copy(pool)
    twin._get_conn, twin._put_conn = make_connection, lambda connection: None
    twin.urlopen = functools.partial(urlopen, twin)
    try:
        return urlopen(twin, *args, **options)
    finally:
        # All bodies have been read by now.
        for stub in made:
            stub.close()


@functools.cache
def _make_stub_class(kind: Any) -> Any:
    # Past what `libraries` may have put around it.
    note_request = inspect.unwrap(kind.request)

    class Stub(kind):  # type: ignore[misc]
        """
        Answers from the session, or from the real connection it stands before.

        Decides and sends in `request`, like a real connection; vcr's own stubs wait for `getresponse`. So
        errors come out where libraries expect them, and vcr is never asked to send: it would take its patches
        away for that time, those of httpx's transports and what lies on them included, in all threads.
        """

        def __init__(self, connection: Any, session: Session) -> None:
            # Not by assignment, which vcr passes on to the real connection.
            self.__dict__.update(real_connection=connection, _session=session, _sock=None)

        def connect(self, *args: Any, **options: Any) -> None:
            """Put off until something is sent: then the real connection connects by itself."""

        def request(
            self, method: str, url: str, body: Any = None, headers: Any = None, *args: Any, **options: Any
        ) -> None:
            __tracebackhide__ = True
            headers = headers or {}
            note_request(self, method, url, body, headers)
            cassette = self.__dict__["cassette"] = OneRequest(self._session)
            if cassette.can_play_response_for(self._vcr_request):
                return
            # The body is at hand as a whole now.
            kept = {name: value for name, value in headers.items() if name.lower() != "transfer-encoding"}
            with cassette.sending():
                self.real_connection.request(method, url, read_content(self._vcr_request) or None, kept)

        request_chunked = request

        def getresponse(self, *args: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            cassette = self.cassette
            if not cassette.can_play_response_for(self._vcr_request):
                with cassette.sending():
                    cassette.append(self._vcr_request, self._receive())
                cassette.report()
            return kind.getresponse(self)

        def _receive(self) -> dict[str, Any]:
            response = self.real_connection.getresponse()
            # urllib3 2 gives a response of its own, which decodes.
            self.cassette.decoded = hasattr(response, "data")
            headers: dict[str, list[str]] = {}
            for name, value in response.headers.items():
                headers.setdefault(name, []).append(value)
            return {
                "status": {"code": response.status, "message": response.reason},
                "headers": headers,
                "body": {"string": response.data if self.cassette.decoded else response.read()},
            }

    return Stub
