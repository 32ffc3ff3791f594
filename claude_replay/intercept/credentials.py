"""A key for clients that insist on one while nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from claude_replay.redact.placeholder import PLACEHOLDER_KEY

__all__ = ["placeholder_key"]

_NAMES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


@contextmanager
def placeholder_key(environ: MutableMapping[str, str]) -> Iterator[None]:
    """
    Put a placeholder into `environ` where it names no key: the SDK builds no request without one.

    Taken out again at the end, unless somebody has set another one meanwhile.
    """
    if any(environ.get(name) for name in _NAMES):
        yield
        return
    before = environ.get(_NAMES[0])
    environ[_NAMES[0]] = PLACEHOLDER_KEY
    try:
        yield
    finally:
        if environ.get(_NAMES[0]) == PLACEHOLDER_KEY:
            del environ[_NAMES[0]]
            if before is not None:
                environ[_NAMES[0]] = before
