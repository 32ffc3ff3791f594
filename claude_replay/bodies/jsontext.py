"""JSON that survives the way through plain objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from claude_replay.exchange import Json, JsonLines

__all__ = ["MAX_DEPTH", "dump_json", "dump_json_lines", "format_json", "load_json", "load_json_lines"]

MAX_DEPTH = 190
"""
Nesting beyond this is kept as text: no real body needs it, and readers of all kinds recurse.

A cassette takes 200 levels, of which its own layout needs a few.
"""

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class _Lossy(ValueError):
    """The text says more than a plain object can hold."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Lossy("duplicate key")
    return result


def _refuse(constant: str) -> object:
    raise _Lossy(constant)


def _finite(number: str) -> float:
    value = float(number)
    if value in (float("inf"), float("-inf")):
        raise _Lossy(number)
    return value


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)

format_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""Compact JSON text; what is not ASCII stays as it is, as Claude's API and the anthropic SDK write it."""


def load_json(text: str) -> Json | None:
    """Parse `text`; None where it is not JSON or where plain objects could not hold it without loss."""
    text = text.strip(" \t\n\r")
    try:
        value, end = _decoder.raw_decode(text)
        if _SURROGATE_ESCAPE.search(text):
            dump_json(value)
    except (ValueError, RecursionError):
        # ValueError covers bad JSON, _Lossy, integers beyond Python's digit limit and lone surrogates.
        return None
    return Json(value) if end == len(text) and _is_shallow(text, value) else None


def _is_shallow(text: str, value: object) -> bool:
    # Counting brackets bounds the depth from above, so almost every body is decided without a walk.
    if len(text) <= 2 * MAX_DEPTH or text.count("{") + text.count("[") <= MAX_DEPTH:
        return True
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent) if isinstance(child, (dict, list))]
        if not level:
            return True
    return False


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def dump_json(value: object) -> bytes:
    """The same as UTF-8 bytes."""
    return format_json(value).encode("utf-8")


def load_json_lines(text: str) -> JsonLines | None:
    """Parse one JSON value a line; None where one of the lines is something else, or empty."""
    values = [load_json(line) for line in text.removesuffix("\n").split("\n")]
    known = tuple(value.value for value in values if value is not None)
    return JsonLines(known) if len(known) == len(values) else None


def dump_json_lines(lines: JsonLines) -> bytes:
    """One compact JSON value a line, as UTF-8 bytes."""
    return b"".join(dump_json(value) + b"\n" for value in lines.values)
