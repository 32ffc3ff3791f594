"""
No pauses between the SDK's attempts after a fault that was injected.

Before it tries again the SDK sleeps for what the headers of the failure ask; so errors that are answered bring
their own. Where a connection broke there are no headers, and it sleeps half a second and more. The one place
that decides is `BaseClient._calculate_retry_timeout` (anthropic 0.49 to 2.12); where a version has no such
method, such faults take as long as in life.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from claude_replay.intercept.imports import LastingPatches, Patches
from claude_replay.intercept.scope import current_session

__all__ = ["QUICK_RETRIES"]


def _patch(library: ModuleType, patches: Patches) -> None:
    base = getattr(library, "_base_client", None)
    patches.replace(getattr(base, "BaseClient", None), "_calculate_retry_timeout", _hurry)


def _hurry(calculate: Callable[..., float]) -> Callable[..., float]:
    @wraps(calculate)
    def calculate_retry_timeout(
        client: Any, remaining_retries: int, options: Any, response_headers: Any = None
    ) -> float:
        session = current_session() if response_headers is None else None
        if session is not None and session.faulting.plan.skips_pauses:
            return 0.0
        return calculate(client, remaining_retries, options, response_headers)

    return calculate_retry_timeout


QUICK_RETRIES = LastingPatches({"anthropic": _patch})
"""Lets the SDK try again at once where a fault of ours broke its connection."""
