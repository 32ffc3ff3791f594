"""What stands where a secret stood, and the key that is none."""

from __future__ import annotations

__all__ = ["PLACEHOLDER", "PLACEHOLDER_KEY"]

PLACEHOLDER = "[redacted]"
"""One text for every kind of secret, so that a recording made with one key equals a run with another."""

PLACEHOLDER_KEY = "claude-replay-placeholder-key"
"""The API key of a run that only replays; it opens nothing and is never treated as a secret."""
