"""The server as tests use it."""

from __future__ import annotations

import threading
from collections import Counter, deque
from types import TracebackType

from standin.directives import NO_DIRECTIVES, DirectiveError, Directives, parse_directives
from standin.handler import ConnectionHandler
from standin.listener import Listener
from standin.received import Received, Visit


class ClaudeServer:
    """
    A stand-in for Claude's API, listening on loopback from its construction until `close()`.

    `url` is its base URL; `rejected_keys` are API keys that get 401 and may be changed at any time. All of it
    may be used from any thread; `closing` and `admit` are for the connections.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.rejected_keys: set[str] = set()
        self._lock = threading.Lock()
        self._received: list[Received] = []
        self._seen: Counter[str] = Counter()
        self._script: deque[Directives] = deque()
        self.closing = threading.Event()
        handler = type("BoundHandler", (ConnectionHandler,), {"host": self})
        self._listener = Listener(port, handler, self.closing)
        self.url = f"http://127.0.0.1:{self._listener.server_port}"

    @property
    def requests(self) -> list[Received]:
        """All requests received until now, in the order of their arrival."""
        with self._lock:
            return list(self._received)

    @property
    def count(self) -> int:
        """How many requests were received until now."""
        with self._lock:
            return len(self._received)

    def script(self, *faults: str) -> None:
        """
        Queue directives for the next requests, one string each; "" leaves a request alone.

        Raises DirectiveError if a string holds anything but well-formed directives.
        """
        parsed = [parse_directives(fault) for fault in faults]
        for fault, directives in zip(faults, parsed, strict=True):
            if directives.text:
                raise DirectiveError(f"script({fault!r}): {directives.text!r} is not a directive")
        with self._lock:
            self._script.extend(parsed)

    def admit(self, received: Received) -> Visit:
        """Note a request that has arrived, and give it its place."""
        fingerprint = received.fingerprint
        with self._lock:
            self._received.append(received)
            earlier = self._seen[fingerprint]
            self._seen[fingerprint] += 1
            scripted = self._script.popleft() if self._script else NO_DIRECTIVES
            return Visit(
                ordinal=len(self._received),
                earlier=earlier,
                seed=f"{fingerprint} {earlier}",
                is_rejected=not _read_keys(received).isdisjoint(self.rejected_keys),
                scripted=scripted,
            )

    def close(self) -> None:
        """Stop, ending every connection; what is closed already stays closed."""
        if not self.closing.is_set():
            self._listener.stop()

    def __enter__(self) -> ClaudeServer:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read_keys(received: Received) -> set[str]:
    """Read the keys a request carries, the one of `authorization` both with its scheme and without."""
    authorization = received.headers.get("authorization", "")
    return {received.headers.get("x-api-key", ""), authorization, authorization.partition(" ")[2]}
