"""Stand-ins for what clients insist on while nothing is sent: keys, and the names of places."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from claude_replay.redact import PLACEHOLDER_KEY
from claude_replay.settings.rawenv import RawEnvironment

__all__ = ["PLACE", "REGION", "place_placeholders", "take_back_placeholders"]

PLACE = "claude-replay"
"""What stands for a project, a workspace or a resource that nobody has named."""

REGION = "us-east-1"
"""What stands for a region of AWS that nobody has named."""

# For each group of variables of which clients need one: what the first is set to where none of them is.
_NEEDED = (
    (("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"), PLACEHOLDER_KEY),
    (("ANTHROPIC_FOUNDRY_API_KEY",), PLACEHOLDER_KEY),
    (("ANTHROPIC_FOUNDRY_RESOURCE", "ANTHROPIC_FOUNDRY_BASE_URL"), PLACE),
    # The SDK's own name for it, which boto3 does not read; `signing` tells boto3.
    (("AWS_REGION", "AWS_DEFAULT_REGION"), REGION),
    (("ANTHROPIC_AWS_WORKSPACE_ID",), PLACE),
    (("CLOUD_ML_REGION",), "global"),
    (("ANTHROPIC_VERTEX_PROJECT_ID",), PLACE),
    (("ANTHROPIC_GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT"), PLACE),
    (("ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID",), PLACE),
)
_lock = threading.Lock()
_users = 0
# What was placed and where; an application may put another mapping in the place of os.environ.
_placed: list[tuple[RawEnvironment, list[tuple[Any, Any]]]] = []


def place_placeholders() -> None:
    """
    Put placeholders into the environment where it names no key, region, project or the like.

    The SDK makes no client, or builds no request, without them. `take_back_placeholders` ends it.
    """
    global _users
    raw = RawEnvironment.of(os.environ)
    get, needed = raw.texts.get, _spell(raw.encode_name, raw.encode)
    with _lock:
        _users += 1
        missing = [(name, text) for names, name, text in needed if not any(map(get, names))]
        raw.put(missing)
        _placed.append((raw, missing))


# Each test is asked for, and looks at 12 names.
@lru_cache(maxsize=4)
def _spell(
    encode_name: Callable[[str], Any], encode: Callable[[str], Any]
) -> tuple[tuple[tuple[object, ...], object, object], ...]:
    return tuple(
        (tuple(map(encode_name, names)), encode_name(names[0]), encode(value)) for names, value in _NEEDED
    )


def take_back_placeholders() -> None:
    """
    Take them out again when the last of those who overlap is done.

    Whatever somebody has set meanwhile stays.
    """
    global _users
    with _lock:
        _users -= 1
        if not _users:
            for raw, variables in _placed:
                raw.drop(variables)
            _placed.clear()
