"""Settings to the rules they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from claude_replay.errors import SettingsError
from claude_replay.faults import Fault, read_faults
from claude_replay.normalize import MATCHING, Rules
from claude_replay.redact import Redactor, known_literals
from claude_replay.settings import Settings

__all__ = ["faults_for", "redactor_for", "rules_for"]


def rules_for(settings: Settings) -> Rules:
    """The matching rules that settings ask for; raises SettingsError."""
    try:
        return _make_rules(settings.ignore, settings.providers == "any")
    except ValueError as error:
        raise SettingsError(settings.locate("ignore", f"ignore: {error}")) from None


@lru_cache(maxsize=256)
def _make_rules(ignore: tuple[str, ...], any_provider: bool) -> Rules:
    return replace(MATCHING.with_ignored(ignore), any_provider=any_provider)


def faults_for(settings: Settings) -> list[Fault]:
    """The faults that settings ask for; raises SettingsError."""
    try:
        return read_faults(settings.inject)
    except SettingsError as error:
        raise SettingsError(settings.locate("inject", error)) from None


def redactor_for(settings: Settings, environ: Mapping[str, str]) -> Redactor:
    """A redactor that knows the user's rules and the credentials in the environment."""
    # Each session has its own, for it may learn the keys of its clients.
    return _make_redactor(known_literals(environ), settings.redact, settings.keep_headers).copy()


@lru_cache(maxsize=16)
def _make_redactor(
    literals: tuple[str, ...], patterns: tuple[str, ...], keep_headers: tuple[str, ...]
) -> Redactor:
    return Redactor(literals=literals, patterns=patterns, keep_response_headers=keep_headers)
