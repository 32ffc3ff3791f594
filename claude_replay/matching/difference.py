"""Where two request bodies differ, by path, and the words for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, cast

from claude_replay.matching.likeness import ID_KEYS, freeze, pair_elements
from claude_replay.matching.wording import cut, describe_value, mark_texts

LEGEND = "[-recorded-] {+sent+}"
# What a path is called that leads to the whole.
ROOT = "the whole body"
# Texts without white space up to this long (names of models, for example) are shown as values, without marks.
NAME_CHARS = 36

_INDENT = "    "
_PLAIN_KEY = re.compile(r"[A-Za-z_]\w*")
_NUMBERED_ID = re.compile(r"id-\d+")


@dataclass(frozen=True, slots=True)
class Change:
    """
    One difference between a request sent and a recorded one.

    `path` is like `messages[2].content[0].text`; indices count in the request sent, for what was "removed" in
    the recording. "added" is only in what was sent, "removed" only in the recording: the other side is None.
    A list whose named elements stand in another order is "changed", with the two lists of names.
    """

    path: str
    kind: Literal["changed", "added", "removed", "type"]
    sent: object
    recorded: object


def differences(sent: object, recorded: object) -> list[Change]:
    """
    All differences between two JSON-like canonical bodies, in document order.

    Numbers of tool calls (`id-3`) are named only when nothing else differs: they follow from what else does.
    """
    changes = list(_compare(sent, recorded, ""))
    return [change for change in changes if not _is_renumbered(change)] or changes


def _is_renumbered(change: Change) -> bool:
    return change.path.rpartition(".")[2] in ID_KEYS and all(
        isinstance(value, str) and _NUMBERED_ID.fullmatch(value) for value in (change.sent, change.recorded)
    )


# No generator itself: one frame per level of nesting is what deep bodies leave room for.
def _compare(sent: object, recorded: object, path: str) -> Iterable[Change]:
    if _name_type(sent) != _name_type(recorded):
        return (Change(path, "type", sent, recorded),)
    if isinstance(sent, dict) and isinstance(recorded, dict):
        return _compare_objects(sent, recorded, path)
    if isinstance(sent, (list, tuple)) and isinstance(recorded, (list, tuple)):
        return _compare_lists(sent, recorded, path)
    return () if sent == recorded else (Change(path, "changed", sent, recorded),)


def _name_type(value: object) -> str:
    """The JSON type; that of Python where it is none."""
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    for types, name in (((int, float), "number"), ((list, tuple), "array")):
        if isinstance(value, types):
            return name
    return type(value).__name__


def _compare_objects(sent: dict[str, object], recorded: dict[str, object], path: str) -> Iterator[Change]:
    for key in _merge_orders(list(sent), list(recorded)):
        inner = _join_key(path, key)
        if key not in recorded:
            yield Change(inner, "added", sent[key], None)
        elif key not in sent:
            yield Change(inner, "removed", None, recorded[key])
        else:
            yield from _compare(sent[key], recorded[key], inner)


def _join_key(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{key}" if path else key


def _merge_orders(sent: list[str], recorded: list[str]) -> Iterator[str]:
    """The keys of both: `sent` in order, each other one behind the key it follows in `recorded`."""
    known = set(sent)
    followers: dict[str | None, list[str]] = {}
    leader: str | None = None
    for key in recorded:
        if key in known:
            leader = key
        else:
            followers.setdefault(leader, []).append(key)
    yield from followers.get(None, ())
    for key in sent:
        yield key
        yield from followers.get(key, ())


def _compare_lists(sent: Sequence[object], recorded: Sequence[object], path: str) -> Iterator[Change]:
    sent_names, recorded_names = _read_names(sent), _read_names(recorded)
    if sent_names is None or recorded_names is None:
        for sent_at, recorded_at in _align(sent, recorded):
            yield from _compare_elements(sent, recorded, (sent_at, recorded_at), path)
        return
    shared = [name for name in sent_names if name in recorded_names]
    if shared != [name for name in recorded_names if name in sent_names]:
        yield Change(path, "changed", list(sent_names), list(recorded_names))
    for name in _merge_orders(list(sent_names), list(recorded_names)):
        yield from _compare_elements(sent, recorded, (sent_names.get(name), recorded_names.get(name)), path)


def _read_names(elements: Sequence[object]) -> dict[str, int] | None:
    """Positions by name where each element is an object with a name of its own, as tools are; else None."""
    names: dict[str, int] = {}
    for position, element in enumerate(elements):
        name = element.get("name") if isinstance(element, dict) else None
        if not isinstance(name, str) or name in names:
            return None
        names[name] = position
    return names


def _compare_elements(
    sent: Sequence[object], recorded: Sequence[object], places: tuple[int | None, int | None], path: str
) -> Iterable[Change]:
    sent_at, recorded_at = places
    if sent_at is None:
        return (Change(f"{path}[{recorded_at}]", "removed", None, recorded[cast("int", recorded_at)]),)
    if recorded_at is None:
        return (Change(f"{path}[{sent_at}]", "added", sent[sent_at], None),)
    return _compare(sent[sent_at], recorded[recorded_at], f"{path}[{sent_at}]")


def _align(sent: Sequence[object], recorded: Sequence[object]) -> Iterator[tuple[int | None, int | None]]:
    """Which position belongs to which, in document order; None where there is no counterpart."""
    matcher = SequenceMatcher(None, [freeze(value) for value in sent], [freeze(value) for value in recorded])
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(range(i1, i2), range(j1, j2), strict=True)
            continue
        row, column = i1, j1
        for first, second in [*pair_elements(sent[i1:i2], recorded[j1:j2]), (i2 - i1, j2 - j1)]:
            yield from ((None, position) for position in range(column, j1 + second))
            yield from ((position, None) for position in range(row, i1 + first))
            if i1 + first < i2:
                yield (i1 + first, j1 + second)
            row, column = i1 + first + 1, j1 + second + 1


def render(changes: Sequence[Change], *, width: int = 100, limit: int = 12) -> str:
    """
    The changes as lines of about `width` characters, changed words marked, without control characters.

    At most `limit` changes are shown, and how many more there are.
    """
    if not changes:
        return "no differences"
    blocks = [_render_change(change, width) for change in changes[:limit]]
    lines = [line for block in blocks for line in block]
    if any(len(block) > 1 for block in blocks):
        lines.insert(0, LEGEND)
    if len(changes) > limit:
        more = len(changes) - limit
        lines.append(f"… and {more} more difference{'s' if more > 1 else ''}")
    return "\n".join(lines)


def _render_change(change: Change, width: int) -> list[str]:
    path = cut(change.path or ROOT, width)
    if change.kind == "added":
        return [f"{path}: only in the request sent ({_fit_value(change.sent, path, width)})"]
    if change.kind == "removed":
        return [f"{path}: only in the recording ({_fit_value(change.recorded, path, width)})"]
    if isinstance(change.sent, str) and isinstance(change.recorded, str):
        if not _are_names(change.sent, change.recorded):
            note, lines = mark_texts(change.recorded, change.sent, width=width - len(_INDENT))
            return [f"{path} ({note})" if note else path, *(_INDENT + line for line in lines)]
    elif isinstance(change.sent, list) and change.kind == "changed":
        path = f"{path}: in another order"
    limit = max(width // 2 - 10, 20)
    old, new = describe_value(change.recorded, limit), describe_value(change.sent, limit)
    return [f"{path}: recorded {old}, sent {new}"]


def _fit_value(value: object, path: str, width: int) -> str:
    return describe_value(value, max(width - len(path) - 30, 30))


def _are_names(*texts: str) -> bool:
    return all(len(text) <= NAME_CHARS and not re.search(r"\s", text) for text in texts)


def summarize(changes: Sequence[Change]) -> str:
    """One line: the paths of the first three changes and how many more there are."""
    if not changes:
        return "no differences"
    paths = ", ".join(_list_paths(changes[:3]))
    return paths if len(changes) <= 3 else f"{paths} and {len(changes) - 3} more"


def _list_paths(changes: Iterable[Change]) -> Iterator[str]:
    return (cut(change.path or ROOT, 100) for change in changes)
