"""
Takes secrets out of exchanges, and can prove that a text holds none.

Three things count as secrets: values known from the environment and from live requests, what the user's
patterns match, and what has the shape of a well-known kind of key. All become the same placeholder.
"""

from __future__ import annotations

from claude_replay.redact.environment import known_literals
from claude_replay.redact.headers import CREDENTIAL_HEADERS, KEPT_REQUEST_HEADERS, KEPT_RESPONSE_HEADERS
from claude_replay.redact.placeholder import PLACEHOLDER, PLACEHOLDER_KEY
from claude_replay.redact.redactor import Redactor

__all__ = [
    "CREDENTIAL_HEADERS",
    "KEPT_REQUEST_HEADERS",
    "KEPT_RESPONSE_HEADERS",
    "PLACEHOLDER",
    "PLACEHOLDER_KEY",
    "Redactor",
    "known_literals",
]
