"""Recordings that may be out of date, by cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from claude_replay.session import Tally

__all__ = ["describe_stale"]


def describe_stale(tallies: Sequence[Tally]) -> Iterator[str]:
    """A line for each cause, and how to record anew; nothing where nothing is stale."""
    counts: dict[str, int] = {}
    cassettes: dict[str, set[str]] = {}
    for tally in tallies:
        for cause, count in tally.stale.items():
            counts[cause] = counts.get(cause, 0) + count
            cassettes.setdefault(cause, set()).add(tally.cassette)
    for cause, count in sorted(counts.items()):
        where = sorted(cassettes[cause])
        files = where[0] if len(where) == 1 else f"{len(where):,} cassettes"
        yield f"stale: {cause}: {count:,} replayed, in {files}"
    if counts:
        yield "  still what Claude answers? claude-replay verify; record anew: pytest --claude-record=rewrite"
