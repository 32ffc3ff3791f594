"""Paths into a request body, and named normalizers for the values they lead to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

__all__ = ["VALUE_NORMALIZERS", "PathRule", "parse_rule"]

_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\*|\d+|\"[^\"]*\")\]|\.?(\*)")

VALUE_NORMALIZERS: dict[str, re.Pattern[str]] = {
    "uuid": re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    "datetime": re.compile(
        r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
    ),
    "date": re.compile(r"\b\d{4}-\d{2}-\d{2}\b"),
    "unix_time": re.compile(r"\b1\d{9}(?:\d{3})?(?:\.\d+)?\b"),
    "tmp_path": re.compile(r"(?:/private)?(?:/var/folders/[\w/+-]+|/tmp|[A-Za-z]:\\[^\s\"']*\\Temp)(?:[/\\][^\s\"'<>|:]*)?"),
    "home": re.compile(r"/(?:home|Users)/[^/\s\"']+|[A-Za-z]:\\Users\\[^\\\s\"']+"),
    "port": re.compile(r"(?<=localhost:)\d{2,5}\b|(?<=127\.0\.0\.1:)\d{2,5}\b|(?<=\[::1\]:)\d{2,5}\b"),
    "hex_id": re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}\b"),
}


@dataclass(frozen=True, slots=True)
class PathRule:
    """
    What to do with the values at a path.

    `steps` are keys, indices or "*" (any key or index). Without `pattern` the value is left out; with it, every
    match in a text becomes `<name>`, on both sides of the comparison only.
    """

    text: str
    steps: tuple[str | int, ...]
    name: str | None = None
    pattern: re.Pattern[str] | None = None

    def apply(self, body: object) -> object:
        """A copy of `body` with this rule applied; what does not change is shared with the original."""
        return self._apply(body, 0)

    def _apply(self, value: object, depth: int) -> object:
        if depth == len(self.steps):
            return self._replace(value)
        step = self.steps[depth]
        if isinstance(value, dict):
            keys = list(value) if step == "*" else [step] if step in value else []
            return self._apply_keys(value, cast("list[str]", keys), depth)
        if isinstance(value, list):
            wanted = range(len(value)) if step == "*" else [step] if isinstance(step, int) and step < len(value) else []
            return self._apply_items(value, cast("list[int]", list(wanted)), depth)
        return value

    def _apply_keys(self, value: dict[str, object], keys: list[str], depth: int) -> dict[str, object]:
        copy = dict(value)
        for key in keys:
            if self.pattern is None and depth + 1 == len(self.steps):
                del copy[key]
            else:
                copy[key] = self._apply(value[key], depth + 1)
        return copy

    def _apply_items(self, value: list[object], indices: list[int], depth: int) -> list[object]:
        if self.pattern is None and depth + 1 == len(self.steps):
            # The place of the element stays: the number of elements is part of what was asked.
            return [None if index in indices else item for index, item in enumerate(value)]
        copy = list(value)
        for index in indices:
            copy[index] = self._apply(value[index], depth + 1)
        return copy

    def _replace(self, value: object) -> object:
        if self.pattern is None:
            return None
        if isinstance(value, str):
            return self.pattern.sub(f"<{self.name}>", value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            text = self.pattern.sub(f"<{self.name}>", str(value))
            return text if text == f"<{self.name}>" else value
        return _walk(value, self._replace)


def _walk(value: object, change: Callable[[object], object]) -> object:
    if isinstance(value, dict):
        return {key: change(item) for key, item in value.items()}
    if isinstance(value, list):
        return [change(item) for item in value]
    return value


def parse_rule(text: str) -> PathRule:
    """
    Read `path`, `path:name` or `path:/regex/`.

    A path is made of keys and indices: `messages[*].content[0].text`, `tools[*].input_schema["x y"]`, `*`.
    Raises ValueError that says what is wrong, with the nearest valid name.
    """
    path, name, pattern = text, None, None
    if match := re.fullmatch(r"(.+?):(?:/(.*)/|([\w ]+))", text, re.DOTALL):
        path, regex, named = match.groups()
        if named is not None:
            name, pattern = _named(text, named)
        else:
            name, pattern = "…", _compile(text, regex)
    return PathRule(text, _parse_path(text, path), name, pattern)


def _named(text: str, name: str) -> tuple[str, re.Pattern[str]]:
    known = VALUE_NORMALIZERS.get(name)
    if known is not None:
        return name, known
    near = difflib.get_close_matches(name, VALUE_NORMALIZERS, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(VALUE_NORMALIZERS)}, or :/regex/"
    raise ValueError(f"{text!r}: there is no normalizer {name!r}; {hint}")


def _compile(text: str, regex: str) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except re.error as error:
        raise ValueError(f"{text!r}: not a regular expression: {error}") from None


def _parse_path(text: str, path: str) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or (position == 0 and path[0] == "."):
            raise ValueError(
                f"{text!r}: cannot read this path from {path[position:]!r} on; write keys and indices like "
                "messages[*].content[0].text"
            )
        key, index, star = match.groups()
        steps.append(key or star or _index(index))
        position = match.end()
    if not steps:
        raise ValueError(f"{text!r}: an empty path")
    return tuple(steps)


def _index(index: str) -> str | int:
    if index == "*":
        return "*"
    return int(index) if index.isdigit() else index.strip('"')
