"""Stand-ins for what clients insist on while nothing is sent: keys, and the names of places."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from claude_replay.redact.placeholder import PLACEHOLDER_KEY

__all__ = ["PLACE", "placeholder_key"]

PLACE = "claude-replay"
"""What stands for a project, a workspace or a resource that nobody has named."""

_REGION = "us-east-1"
# For each group of variables of which clients need one: what the first is set to where none of them is.
_NEEDED = (
    (("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"), PLACEHOLDER_KEY),
    (("ANTHROPIC_FOUNDRY_API_KEY",), PLACEHOLDER_KEY),
    (("ANTHROPIC_FOUNDRY_RESOURCE", "ANTHROPIC_FOUNDRY_BASE_URL"), PLACE),
    # The SDK's own name for it, which boto3 does not read.
    (("AWS_REGION", "AWS_DEFAULT_REGION"), _REGION),
    (("ANTHROPIC_AWS_WORKSPACE_ID",), PLACE),
    (("CLOUD_ML_REGION",), "global"),
    (("ANTHROPIC_VERTEX_PROJECT_ID",), PLACE),
    (("ANTHROPIC_GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT"), PLACE),
    (("ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID",), PLACE),
)
_lock = threading.Lock()
_users = 0
_placed: dict[str, str] = {}


@contextmanager
def placeholder_key() -> Iterator[None]:
    """
    Put placeholders into the environment where it names no key, region, project or the like.

    The SDK makes no client, or builds no request, without them. Taken out again when the last of those who
    overlap is done, unless somebody has set another value meanwhile.
    """
    global _users
    with _lock:
        _users += 1
        for names, value in _NEEDED:
            if not any(os.environ.get(name) for name in names):
                os.environ[names[0]] = _placed[names[0]] = value
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                for name, value in _placed.items():
                    if os.environ.get(name) == value:
                        del os.environ[name]
                _placed.clear()
