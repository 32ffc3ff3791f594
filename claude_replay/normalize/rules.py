"""Named rule sets: what a comparison may forget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from claude_replay.normalize.paths import PathRule, parse_rule

__all__ = ["CACHING", "DEFAULT_IGNORE", "MATCHING", "RULES_VERSION", "Rules"]

RULES_VERSION = 1
"""Raised with every change that gives some request another fingerprint under the default rules."""

DEFAULT_IGNORE = ("metadata", "cache_control", "diagnostics")
"""
Fields that cannot change an answer.

`metadata` (an end-user id for abuse reports) and `diagnostics` (asks about cache misses) at the top of a
request; `cache_control` marks there, on blocks and on tools.
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """
    What is left out (`drop`, by name; `paths`, by path) before two requests are compared.

    `1` and `1.0` are equal, but within the fields at the top that `exact_numbers` names.
    With `any_provider` the same question is the same request, whichever provider it is put to.
    """

    name: str
    drop: frozenset[str]
    paths: tuple[PathRule, ...] = ()
    exact_numbers: frozenset[str] = frozenset()
    any_provider: bool = False

    def with_ignored(self, entries: Iterable[str]) -> Rules:
        """
        These rules with a user's `ignore` list: paths are added, "!name" brings a default field back.

        Raises ValueError, with the nearest valid spelling, where an entry is not valid.
        """
        drop, paths = set(self.drop), list(self.paths)
        for entry in entries:
            if entry in DEFAULT_IGNORE:
                drop.add(entry)
            elif entry.startswith("!"):
                if entry[1:] not in DEFAULT_IGNORE:
                    raise ValueError(
                        f"{entry!r}: only {', '.join(DEFAULT_IGNORE)} can be brought back with '!'"
                    )
                drop.discard(entry[1:])
            else:
                paths.append(parse_rule(entry))
        return replace(self, drop=frozenset(drop), paths=tuple(paths))

    def describe(self) -> tuple[str, ...]:
        """Everything these rules leave out, by name, as settings spell it."""
        provider = ("provider",) if self.any_provider else ()
        dropped = (name for name in DEFAULT_IGNORE if name in self.drop)
        return (*dropped, *provider, *(rule.text for rule in self.paths))


MATCHING = Rules("matching", frozenset(DEFAULT_IGNORE))
"""The default rules for cassettes."""

CACHING = Rules(
    "caching",
    frozenset((*DEFAULT_IGNORE, "stream")),
    exact_numbers=frozenset(("messages", "system", "tools")),
)
"""
The rules for keys of the response cache, for which nobody reviews what was taken for equal.

Left out is what cannot change the answer: `metadata`, `diagnostics`, `cache_control` marks (what is billed), and
`stream` (one entry serves both). Numbers in a prompt stay as they were written: Claude may see `1.0`.
"""
