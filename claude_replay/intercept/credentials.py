"""A key for clients that insist on one while nothing is sent."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from claude_replay.redact.placeholder import PLACEHOLDER_KEY

__all__ = ["placeholder_key"]

_KEY = "ANTHROPIC_API_KEY"
_NAMES = (_KEY, "ANTHROPIC_AUTH_TOKEN")
_lock = threading.Lock()
_users = 0


@contextmanager
def placeholder_key() -> Iterator[None]:
    """
    Put a placeholder into the environment where it names no key: the SDK builds no request without one.

    Taken out again when the last of those who overlap is done, unless somebody has set another one meanwhile.
    """
    global _users
    with _lock:
        _users += 1
        if not any(os.environ.get(name) for name in _NAMES):
            os.environ[_KEY] = PLACEHOLDER_KEY
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users and os.environ.get(_KEY) == PLACEHOLDER_KEY:
                del os.environ[_KEY]
