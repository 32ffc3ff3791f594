"""What arrives at the server, and the place of one request among all of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from standin.directives import NO_DIRECTIVES, Directives


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in: lower-case header names, `path` with its query, `json` None if not JSON."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    json: Any

    @property
    def route(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]

    @property
    def fingerprint(self) -> str:
        """The hash that equal requests share: method, route and body, or the query if there is no body."""
        what = self.body or self.path.encode()
        return hashlib.sha256(b"\n".join([self.method.encode(), self.route.encode(), what])).hexdigest()


@dataclass(frozen=True, slots=True)
class Visit:
    """
    The place of one request on this server.

    `ordinal` counts all requests from 1, `earlier` the equal ones before it from 0; `seed` is unique to the
    fingerprint and `earlier`. `scripted` are the directives that were queued for it.
    """

    ordinal: int
    earlier: int
    seed: str
    is_rejected: bool = False
    scripted: Directives = NO_DIRECTIVES


def parse_json(body: bytes) -> Any:
    """Parse a body, or give None for what is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None
