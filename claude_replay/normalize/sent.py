"""The digest of a request as it is sent: where it is equal, nothing need be parsed to know that all is."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from claude_replay.api import Endpoint

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["digest_sent"]

_DIGITS = 16


def digest_sent(endpoint: Endpoint, betas: str, content: bytes) -> str:
    """
    64 bits of the SHA-256 of what matching may look at, in hex, for a request whose body is JSON.

    `betas` is its `anthropic-beta` header, `content` the body as bytes. Requests with one digest have one
    canonical form under whatever rules; others may have one as well.
    """
    digest = _begin(endpoint, betas).copy()
    digest.update(content)
    return digest.hexdigest()[:_DIGITS]


@lru_cache(maxsize=256)
def _begin(endpoint: Endpoint, betas: str) -> _Hash:
    return hashlib.sha256(
        f"{endpoint.operation}\n{endpoint.query}\n{endpoint.takes_messages}\n{betas}\n".encode()
    )
