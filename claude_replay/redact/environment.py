"""The credentials an environment holds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from claude_replay.redact.headers import credentials_in
from claude_replay.redact.literals import MIN_LITERAL
from claude_replay.redact.placeholder import PLACEHOLDER, PLACEHOLDER_KEY
from claude_replay.settings.rawenv import RawEnvironment, find_raw

__all__ = ["known_literals"]

_NAMES = frozenset(
    (
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_AWS_API_KEY",
        "ANTHROPIC_ENVIRONMENT_KEY",
        "ANTHROPIC_FOUNDRY_API_KEY",
        "ANTHROPIC_IDENTITY_TOKEN",
        "ANTHROPIC_WEBHOOK_SIGNING_KEY",
        "ANTHROPIC_WORK_SECRET",
        "AWS_ACCESS_KEY_ID",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AZURE_CLIENT_SECRET",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "GEMINI_API_KEY",
        "GH_TOKEN",
        "GITHUB_TOKEN",
        "GOOGLE_API_KEY",
        "HF_TOKEN",
        "OPENAI_API_KEY",
    )
)
_HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
_ENDINGS = ("_API_KEY", "_TOKEN", "_SECRET", "_SECRET_KEY", "_PASSWORD", "_ACCESS_KEY")
_MIN_BY_ENDING = 16


def known_literals(environ: Mapping[str, str]) -> tuple[str, ...]:
    """
    The values of `environ` that are credentials, longest first.

    Variables known to hold one count from 8 characters on; any other whose name ends like one (`_TOKEN`,
    `_API_KEY`, ...) only with a value of at least 16 characters that has a digit, so that
    `DEPLOY_TOKEN=production` stays text.
    """
    # Each test asks, and the environment is the same for nearly all of them but for the name of the test, which
    # pytest puts there.
    raw = find_raw(environ)
    if raw is None:
        return _find_literals(environ)
    view = _views[-1]
    if not raw.texts.keys() <= view.seen:
        view = _views[-1] = _look_at(raw, view)
    texts = tuple(map(raw.texts.get, view.suspects))
    if (found := view.known.get(texts)) is None:
        if len(view.known) >= _MOST_KNOWN:
            view.known.clear()
        found = view.known[texts] = _find_literals(environ)
    return found


class _View(NamedTuple):
    """
    An environment as it was looked at: all names `seen`, and those of which the texts count.

    `known` holds what was found for texts of these. One that knows more takes its place, in whatever thread.
    """

    seen: frozenset[Any]
    suspects: tuple[Any, ...]
    known: dict[tuple[object, ...], tuple[str, ...]]


_MOST_KNOWN, _MOST_SEEN = 8, 1000
_views = [_View(frozenset(), (), {})]


def _look_at(raw: RawEnvironment, view: _View) -> _View:
    names = frozenset(raw.texts)
    seen = names if len(view.seen) > _MOST_SEEN else view.seen | names
    return _View(seen, tuple(name for name in seen if _may_hold_one(os.fsdecode(name).upper())), {})


def _find_literals(environ: Mapping[str, str]) -> tuple[str, ...]:
    found = {value for name, text in environ.items() for value in _credentials(name.upper(), text.strip())}
    return tuple(sorted(found - {PLACEHOLDER, PLACEHOLDER_KEY}, key=lambda value: (-len(value), value)))


def _may_hold_one(name: str) -> bool:
    return name == _HEADERS or name in _NAMES or name.endswith(_ENDINGS)


def _credentials(name: str, value: str) -> Iterator[str]:
    if name == _HEADERS:
        # "Name: value" lines that the SDK adds to each request.
        headers = dict(_split_header(line) for line in value.splitlines())
        yield from (token for token in credentials_in(headers) if len(token) >= MIN_LITERAL)
    elif name in _NAMES:
        if len(value) >= MIN_LITERAL:
            yield value
    elif name.endswith(_ENDINGS) and len(value) >= _MIN_BY_ENDING and any(map(str.isdigit, value)):
        yield value


def _split_header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
