"""Settings to the rules they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from claude_replay.errors import SettingsError
from claude_replay.normalize import MATCHING, Rules
from claude_replay.redact import Redactor, known_literals
from claude_replay.settings import Settings

__all__ = ["redactor_for", "rules_for"]


@lru_cache(maxsize=256)
def rules_for(ignore: tuple[str, ...]) -> Rules:
    """The matching rules with a user's `ignore` list; raises SettingsError."""
    try:
        return MATCHING.with_ignored(ignore)
    except ValueError as error:
        raise SettingsError(f"ignore: {error}") from None


def redactor_for(settings: Settings, environ: Mapping[str, str]) -> Redactor:
    """A redactor that knows the user's rules and the credentials in the environment."""
    return Redactor(
        literals=known_literals(environ),
        patterns=settings.redact,
        keep_response_headers=settings.keep_headers,
    )
