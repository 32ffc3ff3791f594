"""The account of a run, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from claude_replay.report.savings import describe_models, describe_savings
from claude_replay.report.stale import describe_stale
from claude_replay.report.verified import describe_verified
from claude_replay.session import Tally

__all__ = ["report_lines"]

_NAMED = 5


def report_lines(
    tallies: Sequence[Tally],
    *,
    orphans: Sequence[str],
    notes: Sequence[str],
    lost_workers: Sequence[str],
    details: bool,
    root: str,
) -> list[str]:
    """
    The lines of the summary: totals, then everything a person should know, each thing once.

    `tallies` come in the order in which the sessions of each process ended; which process reported first
    makes no difference. `notes` are about no test in particular, `orphans` paths, `lost_workers` names of processes
    that crashed; `details` adds a line for each test and each model; `root` is taken off the front of paths.
    """
    ordered = sorted(tallies, key=lambda tally: (tally.label, tally.cassette, repr(tally)))
    lines = [_describe_totals(ordered, orphans)]
    if details:
        lines += [f"  {line}" for line in [*map(_describe_tally, ordered), *describe_models(ordered)]]
    found = dict.fromkeys([*_note_tallies(ordered), *_note_incomplete(tallies), *sorted(notes)])
    lines += [f"  {line}" for line in [*describe_verified(ordered), *describe_stale(ordered)]]
    if stopped := sum(tally.budget_stops for tally in ordered):
        requests = "1 request was" if stopped == 1 else f"{stopped:,} requests were"
        lines.append(f"  the budget of this run is used up: {requests} not sent; what was recorded is kept")
    lines += [f"  {part}" for note in found for part in note.splitlines()]
    lines += [f"  orphan: {path} (no collected test owns it)" for path in orphans]
    if lost_workers:
        names = ", ".join(sorted(lost_workers))
        lines.append(f"  {names} crashed: what it knew is missing here, and orphans were not looked for")
    return [line.replace(root, "") for line in lines]


def _describe_totals(tallies: Sequence[Tally], orphans: Sequence[str]) -> str:
    missed = sum(tally.missed for tally in tallies)
    injected = sum(tally.injected for tally in tallies)
    unplayed = sum(len(tally.unplayed) for tally in tallies if not tally.explicit)
    parts = [
        f"{sum(tally.replayed for tally in tallies):,} replayed",
        f"{sum(tally.recorded for tally in tallies):,} recorded",
        f"{sum(tally.live for tally in tallies):,} live",
        *([f"{missed:,} missed"] if missed else []),
        *([f"{injected:,} injected"] if injected else []),
        *([f"{unplayed:,} unplayed"] if unplayed else []),
        *([f"{len(orphans):,} orphan{'' if len(orphans) == 1 else 's'}"] if orphans else []),
        *describe_savings(tallies),
    ]
    return " · ".join(parts)


def _describe_tally(tally: Tally) -> str:
    counts = (
        (tally.replayed, "replayed"),
        (tally.recorded, "recorded"),
        (tally.live, "live"),
        (tally.missed, "missed"),
        (len(tally.unplayed), "unplayed"),
    )
    done = ", ".join(f"{count:,} {name}" for count, name in counts if count) or "nothing sent"
    return f"{tally.verdict:9} {tally.label}  {done}  {tally.cassette}"


def _note_tallies(tallies: Sequence[Tally]) -> Iterator[str]:
    for tally in tallies:
        yield from tally.notes
        for change in tally.drift:
            yield f"drift in {tally.cassette}: {change}"
        if tally.unplayed and not tally.explicit:
            more = ", …" if len(tally.unplayed) > _NAMED else ""
            yield f"{tally.cassette}: not played: {', '.join(tally.unplayed[:_NAMED])}{more}"


def _note_incomplete(tallies: Sequence[Tally]) -> Iterator[str]:
    # Of a test that was run again only the last time counts.
    last = {(tally.label, tally.cassette): tally.incomplete for tally in tallies}
    for cassette in sorted({cassette for (_, cassette), incomplete in last.items() if incomplete}):
        yield (
            f"{cassette} is incomplete: the test that recorded it has not passed yet; "
            "finish it: pytest --claude-record=once"
        )
