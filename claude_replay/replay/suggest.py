"""Which `ignore` entries would make two requests match that differ in values nobody chose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from claude_replay.matching import Change
from claude_replay.normalize import VALUE_NORMALIZERS, PathRule, parse_rule

__all__ = ["suggest_ignore"]

# More than this is no handful of ids and dates, and looking for them would take long.
_MAX_CHANGES = 50
_MAX_CHARS = 4_000
# With more entries than this, one for the whole body is easier to read.
_MAX_ENTRIES = 3


def suggest_ignore(changes: Sequence[Change], sent: object, recorded: object) -> list[str]:
    """
    The entries for `ignore` that make two canonical bodies with these differences equal.

    Only named normalizers are suggested, never to leave something out.
    """
    found = [(change.path, _find_normalizers(change)) for change in changes[: _MAX_CHANGES + 1]]
    if len(found) > _MAX_CHANGES or not all(names for _, names in found):
        return []
    entries = _join_paths((path, name) for path, names in found for name in names)
    if len(entries) > _MAX_ENTRIES:
        used = {name for _, names in found for name in names}
        entries = ["*:" + ",".join(name for name in VALUE_NORMALIZERS if name in used)]
    for rule in map(parse_rule, entries):
        sent, recorded = rule.apply(sent), rule.apply(recorded)
    return entries if sent == recorded else []


def _find_normalizers(change: Change) -> list[str]:
    """The normalizers that together make the two values equal, as few as will do."""
    sent, recorded = change.sent, change.recorded
    if isinstance(sent, str) and isinstance(recorded, str):
        sent, recorded = _changed_lines(sent, recorded)
        if max(len(sent), len(recorded)) > _MAX_CHARS:
            return []
    names = list(VALUE_NORMALIZERS)
    if change.kind != "changed" or not _are_equal(sent, recorded, names):
        return []
    # The last ones are the least specific: what others do too they are not needed for.
    for name in reversed(names):
        fewer = [kept for kept in names if kept != name]
        if _are_equal(sent, recorded, fewer):
            names = fewer
    return names


def _changed_lines(sent: str, recorded: str) -> tuple[str, str]:
    # No normalizer spans lines, so texts that it makes equal have equally many.
    pairs = zip(sent.split("\n"), recorded.split("\n"), strict=False)
    changed = [pair for pair in pairs if pair[0] != pair[1]]
    return "\n".join(pair[0] for pair in changed), "\n".join(pair[1] for pair in changed)


def _are_equal(sent: object, recorded: object, names: Iterable[str]) -> bool:
    for name in names:
        rule = PathRule("", (), ((name, VALUE_NORMALIZERS[name]),))
        sent, recorded = rule.apply(sent), rule.apply(recorded)
    return sent == recorded


def _join_paths(found: Iterable[tuple[str, str]]) -> list[str]:
    """Entries for paths and names; paths that differ in their indices only become one."""
    groups: dict[tuple[str, str], set[str]] = {}
    for path, name in found:
        groups.setdefault((re.sub(r"\[\d+\]", "[*]", path), name), set()).add(path)
    return [f"{paths.pop() if len(paths) == 1 else path}:{name}" for (path, name), paths in groups.items()]
