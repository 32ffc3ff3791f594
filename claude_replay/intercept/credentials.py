"""Stand-ins for what clients insist on while nothing is sent: keys, and the names of places."""

from __future__ import annotations

import os
import threading

from claude_replay.redact import PLACEHOLDER_KEY
from claude_replay.redact.rawenv import RawEnvironment, find_raw

__all__ = ["PLACE", "place_placeholders", "take_back_placeholders"]

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
_environment = find_raw(os.environ) or RawEnvironment(
    os.environ, str, os.environ.__setitem__, os.environ.__delitem__
)
_encode = _environment.encode
# The same as the system spells it.
_STORED = tuple(
    (frozenset(map(_encode, names)), _encode(names[0]), _encode(value)) for names, value in _NEEDED
)
_ALL = frozenset[object]().union(*(names for names, _, _ in _STORED))
_lock = threading.Lock()
_users = 0
_placed: dict[object, object] = {}


def place_placeholders() -> None:
    """
    Put placeholders into the environment where it names no key, region, project or the like.

    The SDK makes no client, or builds no request, without them. `take_back_placeholders` ends it.
    """
    global _users
    with _lock:
        _users += 1
        texts = _environment.texts
        found = {name for name in texts.keys() & _ALL if texts[name]}
        for names, name, value in _STORED:
            if found.isdisjoint(names):
                _environment.put(name, value)
                _placed[name] = value


def take_back_placeholders() -> None:
    """
    Take them out again when the last of those who overlap is done.

    Whatever somebody has set meanwhile stays.
    """
    global _users
    with _lock:
        _users -= 1
        if not _users:
            for name, placed in _placed.items():
                if _environment.texts.get(name) == placed:
                    _environment.drop(name)
            _placed.clear()
