"""Paths into a request body, and what to do with the values they lead to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import cast

from claude_replay.normalize.values import PRESETS, VALUE_NORMALIZERS

__all__ = ["PathRule", "Step", "parse_path", "parse_rule"]

Step = str | int | None
"""A key, an index (from the end where negative), or None for every key or index."""

_STEP = re.compile(
    r"""(?:^|(?<!^)\.) (?: (?P<key>[^\W\d][\w-]*) | \* )
    | \[ (?: (?P<index>-?\d+) | \* | "(?P<quoted>(?:[^"\\]|\\.)*)" ) \]""",
    re.VERBOSE,
)
# What people write between two paths, and what is no part of one.
_BETWEEN = (",", ";", " ")


@dataclass(frozen=True, slots=True)
class PathRule:
    """
    What to do with the values at a path.

    Without `patterns` they are left out. With them, every match in a text, and every number that matches as a
    whole, becomes `<name>`, at any depth below the path; on both sides of a comparison only. They are pairs of
    a name and what it stands for, applied in order.
    """

    text: str
    steps: tuple[Step, ...]
    patterns: tuple[tuple[str, re.Pattern[str]], ...] = ()

    def apply(self, body: object) -> object:
        """A copy of `body` with this rule applied; what does not change is shared with the original."""
        if not self.patterns:
            return _change(body, self.steps, None)
        for name, pattern in self.patterns:
            body = _change(body, self.steps, partial(_substitute, pattern, f"<{name}>"))
        return body


def _change(value: object, steps: tuple[Step, ...], replace: Callable[[object], object] | None) -> object:
    if not steps:
        return replace(value) if replace else None
    chosen = _choose(value, steps[0])
    if not chosen:
        return value
    if isinstance(value, list):
        # What is left out leaves its place: the number of elements is part of what was asked.
        return [
            _change(item, steps[1:], replace) if index in chosen else item for index, item in enumerate(value)
        ]
    changed = dict(cast("dict[object, object]", value))
    for key in chosen:
        if replace or steps[1:]:
            changed[key] = _change(changed[key], steps[1:], replace)
        else:
            del changed[key]
    return changed


def _choose(value: object, step: Step) -> Collection[object]:
    """The keys or indices of `value` that `step` means."""
    if isinstance(value, dict):
        return value.keys() if step is None else (step,) if step in value else ()
    if isinstance(value, list):
        count = len(value)
        if step is None:
            return range(count)
        return (step % count,) if isinstance(step, int) and -count <= step < count else ()
    return ()


def _substitute(pattern: re.Pattern[str], placeholder: str, value: object) -> object:
    if isinstance(value, str):
        return pattern.sub(placeholder, value)
    if isinstance(value, dict):
        return {key: _substitute(pattern, placeholder, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(pattern, placeholder, item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and pattern.fullmatch(str(value)):
        return placeholder
    return value


def parse_rule(text: str) -> PathRule:
    """
    Read `path`, `path:name`, `path:name,name` or `path:/regex/`; a name is that of a normalizer or a preset.

    A path is made of keys and indices: `messages[*].content[-1].text`, `tools[*].input_schema["x y"]`, `*`.
    Raises ValueError that says what is wrong, with the nearest valid name.
    """
    path, colon, rest = _split_path(text)
    if not colon:
        return PathRule(text, path)
    if rest.startswith("/"):
        return PathRule(text, path, (("…", _compile(text, rest)),))
    return PathRule(text, path, _find_named(text, rest))


def parse_path(path: str) -> tuple[Step, ...]:
    """The steps of a path alone; raises ValueError as `parse_rule` does."""
    return _split_path(path)[0]


def _split_path(text: str) -> tuple[tuple[Step, ...], str, str]:
    steps: list[Step] = []
    position = 0
    while match := _STEP.match(text, position):
        key, index, quoted = match["key"], match["index"], match["quoted"]
        if quoted is not None:
            key = re.sub(r"\\(.)", r"\1", quoted)
        steps.append(int(index) if index else key)
        position = match.end()
    rest = text[position:]
    if not steps or rest[:1] not in ("", ":"):
        several = "several paths are a list, or stand one a line; " if rest[:1] in _BETWEEN else ""
        raise ValueError(
            f"{text!r}: cannot read this path from {rest!r} on; {several}"
            "write keys and indices like messages[*].content[0].text, or * for everything"
        )
    return tuple(steps), rest[:1], rest[1:].strip()


def _compile(text: str, regex: str) -> re.Pattern[str]:
    if len(regex) < 3 or not regex.endswith("/"):
        raise ValueError(f"{text!r}: a regular expression stands between slashes: :/[0-9]+/")
    try:
        return re.compile(regex[1:-1])
    except re.error as error:
        raise ValueError(f"{text!r}: not a regular expression: {error}") from None


def _find_named(text: str, names: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    wanted: set[str] = set()
    for name in (part.strip() for part in names.split(",")):
        wanted.update(PRESETS.get(name) or [_check_name(text, name)])
    # In their own order, whatever the user's: what is more specific comes first.
    return tuple((name, VALUE_NORMALIZERS[name]) for name in VALUE_NORMALIZERS if name in wanted)


def _check_name(text: str, name: str) -> str:
    if name in VALUE_NORMALIZERS:
        return name
    known = (*VALUE_NORMALIZERS, *PRESETS)
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}, or :/regex/"
    raise ValueError(f"{text!r}: there is no normalizer {name!r}; {hint}")
