"""The account of a run, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from claude_replay.api import cost_usd
from claude_replay.exchange import Usage
from claude_replay.session import Tally

__all__ = ["report_lines"]


def report_lines(
    tallies: Sequence[Tally], *, orphans: Sequence[str], lost_workers: Sequence[str], details: bool, root: str
) -> list[str]:
    """
    The lines of the summary: totals, then everything a person should know, each thing once.

    `root` is taken off the front of paths. Independent of the order in which workers reported.
    """
    ordered = sorted(tallies, key=lambda tally: (tally.label, tally.cassette))
    lines = [_totals(ordered, orphans)]
    if details:
        lines += [f"  {tally.verdict:9} {tally.label}  {_counts(tally)}  {tally.cassette}" for tally in ordered]
    lines += [f"  {line}" for line in dict.fromkeys(_notes(ordered))]
    lines += [f"  orphan: {path} (no collected test owns it)" for path in orphans]
    if lost_workers:
        lines.append(f"  {', '.join(sorted(lost_workers))} crashed: what it knew is missing here, orphans were not looked for")
    return [line.replace(root, "") for line in lines]


def _totals(tallies: Sequence[Tally], orphans: Sequence[str]) -> str:
    parts = [
        f"{sum(tally.replayed for tally in tallies):,} replayed",
        f"{sum(tally.recorded for tally in tallies):,} recorded",
        f"{sum(tally.live for tally in tallies):,} live",
    ]
    missed = sum(tally.missed for tally in tallies)
    unplayed = sum(len(tally.unplayed) for tally in tallies if not tally.explicit)
    parts += [f"{missed:,} missed"] if missed else []
    parts += [f"{unplayed:,} unplayed"] if unplayed else []
    parts += [f"{len(orphans):,} orphan{'' if len(orphans) == 1 else 's'}"] if orphans else []
    return " · ".join([*parts, *_savings(tallies)])


def _savings(tallies: Sequence[Tally]) -> Iterator[str]:
    by_model: dict[str, Usage] = {}
    for tally in tallies:
        for model, counts in tally.tokens.items():
            by_model[model] = by_model.get(model, Usage()) + Usage(*counts)
    tokens = sum(usage.total_tokens for usage in by_model.values())
    seconds = sum(tally.seconds for tally in tallies)
    if not tokens:
        return
    yield f"{tokens:,} tokens"
    prices = [cost_usd(model, usage) for model, usage in by_model.items()]
    known = [price for price in prices if price is not None]
    if known:
        least = "" if len(known) == len(prices) else "at least "
        yield f"{least}~${sum(known):,.2f} and {seconds:,.0f} s not spent"
    else:
        yield f"{seconds:,.0f} s not spent"


def _counts(tally: Tally) -> str:
    counts = [
        (tally.replayed, "replayed"),
        (tally.recorded, "recorded"),
        (tally.live, "live"),
        (tally.missed, "missed"),
        (len(tally.unplayed), "unplayed"),
    ]
    return ", ".join(f"{count} {name}" for count, name in counts if count) or "nothing sent"


def _notes(tallies: Sequence[Tally]) -> Iterator[str]:
    for tally in tallies:
        yield from tally.notes
        for change in tally.drift:
            yield f"drift in {tally.cassette}: {change}"
        if tally.incomplete:
            yield f"{tally.cassette} is incomplete: the test that recorded it has not passed yet; finish it: pytest --claude-record=once"
        if tally.unplayed and not tally.explicit:
            yield f"{tally.cassette}: not played: {', '.join(tally.unplayed[:5])}{', …' if len(tally.unplayed) > 5 else ''}"
