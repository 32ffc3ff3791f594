"""
Clients that were made without a key, before any cassette was open.

The SDK looks for a key when a client is made, and refuses to build a request without one; a placeholder in the
environment comes too late for a client at the top of a module. Here and in `signing` the SDK itself is patched,
here `_validate_headers` of both clients (anthropic 0.49 to 2.12). Where a version has no such method, such
clients need a key, as they do without this package.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from claude_replay.intercept.imports import LastingPatches, Patches
from claude_replay.intercept.scope import current_session

__all__ = ["KEYLESS"]


def _patch(library: ModuleType, patches: Patches) -> None:
    for name in ("Anthropic", "AsyncAnthropic"):
        patches.replace(getattr(library, name, None), "_validate_headers", _forgive)


def _forgive(validate: Callable[..., None]) -> Callable[..., None]:
    @wraps(validate)
    def validate_headers(client: Any, *args: Any, **options: Any) -> None:
        try:
            validate(client, *args, **options)
        except TypeError:
            session = current_session()
            if session is None or session.may_send:
                raise

    return validate_headers


KEYLESS = LastingPatches({"anthropic": _patch})
"""Lets clients without a key build requests as long as nothing can be sent."""
