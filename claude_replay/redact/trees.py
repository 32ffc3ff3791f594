"""Secrets in JSON values."""

from __future__ import annotations

import re
from collections.abc import Container

from claude_replay.redact.placeholder import PLACEHOLDER
from claude_replay.redact.scanner import Scanner
from claude_replay.redact.shapes import is_secret_field

__all__ = ["clean_value", "find_in_value"]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_MAX_SHOWN_KEY = 40


def clean_value(value: object, scanner: Scanner) -> object:
    """`value` with a placeholder for each secret in its strings and keys; the same object without one."""
    if not scanner.may_hold(value):
        return value
    return _clean(value, scanner)


def _clean(value: object, scanner: Scanner) -> object:
    if isinstance(value, str):
        return scanner.clean(value)
    if isinstance(value, dict):
        return _clean_dict(value, scanner)
    if isinstance(value, list):
        cleaned = [_clean(child, scanner) for child in value]
        return cleaned if any(new is not old for new, old in zip(cleaned, value, strict=True)) else value
    return value


def _clean_dict(fields: dict[str, object], scanner: Scanner) -> dict[str, object]:
    names = _clean_names(fields, scanner)
    changed = bool(names)
    cleaned: dict[str, object] = {}
    for name, old in fields.items():
        new = PLACEHOLDER if is_secret_field(name, old, fields) else _clean(old, scanner)
        changed = changed or new is not old
        cleaned[names.get(name, name)] = new
    return cleaned if changed else fields


def _clean_names(fields: dict[str, object], scanner: Scanner) -> dict[str, str]:
    renamed: dict[str, str] = {}
    taken = set(fields)
    for name in fields:
        cleaned = scanner.clean(name)
        if cleaned is not name:
            renamed[name] = _find_free_name(cleaned, taken)
            taken.add(renamed[name])
    return renamed


def _find_free_name(name: str, taken: Container[str]) -> str:
    # Placeholders one after the other stay what they are when redacted again; a number behind one might not.
    while name in taken:
        name += PLACEHOLDER
    return name


def find_in_value(value: object, scanner: Scanner, path: str) -> str | None:
    """The path, starting with `path`, of the first string or key that holds a secret; None without one."""
    return _find(value, scanner, path) if scanner.may_hold(value) else None


def _find(value: object, scanner: Scanner, path: str) -> str | None:
    if isinstance(value, str):
        return path if scanner.spans(value) else None
    if isinstance(value, dict):
        return _find_in_dict(value, scanner, path)
    if isinstance(value, list):
        for index, child in enumerate(value):
            found = _find(child, scanner, f"{path}[{index}]")
            if found is not None:
                return found
    return None


def _find_in_dict(fields: dict[str, object], scanner: Scanner, path: str) -> str | None:
    for name, child in fields.items():
        # A key may be a secret itself.
        shown = scanner.clean(name)
        below = f"{path}.{shown}" if _PLAIN_KEY.fullmatch(shown) else f'{path}["{_shorten(shown)}"]'
        if shown is not name or is_secret_field(name, child, fields):
            return below
        found = _find(child, scanner, below)
        if found is not None:
            return found
    return None


def _shorten(name: str) -> str:
    return name if len(name) <= _MAX_SHOWN_KEY else f"{name[:_MAX_SHOWN_KEY]}…"
