"""`claude-replay cache stats`: how much there is, what it was used for, what it saved."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Sequence

from claude_replay.cache.entry import Listed, Selection, StoreStats
from claude_replay.cache.statistics import Tally
from claude_replay.cli.arguments import Parser
from claude_replay.cli.cache.exchanges import format_day
from claude_replay.cli.cache.opening import add_store, opened, select
from claude_replay.cli.printer import Printer

__all__ = ["run"]

_MOST = 8


def run(arguments: Sequence[str]) -> int:
    """Print the account of a store; raises SettingsError and StoreError."""
    parser = Parser(
        "cache stats",
        "Says how many answers a store holds, of which models and tags, and what all its users together have\n"
        "counted: hits, misses by reason, tokens, dollars and seconds not spent.",
        example="claude-replay cache stats answers.db",
    )
    add_store(parser)
    parser.add_argument("--json", action="store_true", help="print one object, for programs")
    options = parser.read(arguments)
    with opened(options.store) as store:
        stats, found = store.stats(), select(store, Selection())
    printer = Printer(sys.stdout)
    if options.json:
        printer.text(json.dumps(_describe(stats, found), indent=2))
        return 0
    printer.line(options.store, bold=True)
    for name, value in _lines(stats, found):
        printer.line(f"  {name:10}{value}")
    return 0


def _describe(stats: StoreStats, found: Sequence[Listed]) -> dict[str, object]:
    return {
        **dataclasses.asdict(stats),
        "answers": len(found),
        "oldest": min((listed.created for listed in found), default=None),
        "newest": max((listed.created for listed in found), default=None),
        "models": dict(Counter(listed.model for listed in found)),
        "tags": dict(Counter(tag for listed in found for tag in listed.tags)),
        "namespaces": dict(Counter(listed.namespace for listed in found)),
    }


def _lines(stats: StoreStats, found: Sequence[Listed]) -> list[tuple[str, str]]:
    said = _describe(stats, found)
    held = f"{len(found):,} answer{'' if len(found) == 1 else 's'}, {stats.bytes:,} bytes"
    if stats.entries > len(found):
        held += f" (with {stats.entries - len(found):,} entries of indices)"
    lines = [("holds", held)]
    if found:
        ages = [listed.created for listed in found]
        lines.append(("from", f"{format_day(min(ages))} to {format_day(max(ages))} UTC"))
    lines += [
        (name, _name_most(said[name])) for name in ("models", "tags", "namespaces") if any(_names(said[name]))
    ]
    if stats.evicted:
        lines.append(("evicted", f"{stats.evicted:,}"))
    # What all processes counted, said as a cache says it of itself.
    tally = Tally()
    for name, amount in stats.counters.items():
        tally.add(name, amount)
    lines += [
        ("used" if place == 0 else "", line) for place, line in enumerate(str(tally.sum_up()).split("\n"))
    ]
    return lines


def _names(counts: object) -> dict[str, int]:
    return counts if isinstance(counts, dict) else {}


def _name_most(counts: object) -> str:
    most = sorted(_names(counts).items(), key=lambda pair: (-pair[1], pair[0]))
    more = f" and {len(most) - _MOST} more" if len(most) > _MOST else ""
    return ", ".join(f"{name or '(none)'} {count:,}" for name, count in most[:_MOST]) + more
