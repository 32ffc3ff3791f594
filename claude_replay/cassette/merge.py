"""Finished exchanges into the list of those a file holds."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from claude_replay.cassette.entry import Entry

__all__ = ["Recorded", "leave_out_known", "merge"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    A finished exchange, redacted, ready to be written.

    `order` is its place among the requests issued; `replaces` is the digest of the exchange it was recorded
    for anew, empty where it is one more.
    """

    order: int
    entry: Entry
    replaces: str = ""


def merge(entries: Sequence[Entry], recorded: Iterable[Recorded]) -> list[Entry]:
    """
    The entries of a file with `recorded` in place of what they replace, and the rest behind them.

    Told by content, not by place: other processes may have added to the file or replaced exchanges meanwhile.
    Raises CassetteLoadError where what was recorded cannot be read.
    """
    merged, items = list(entries), list(recorded)
    places: dict[str, deque[int]] = defaultdict(deque)
    if any(item.replaces for item in items):
        for place, entry in enumerate(merged):
            places[entry.digest].append(place)
    for item in items:
        replaced = places.get(item.replaces)
        if replaced:
            merged[replaced.popleft()] = item.entry.renew()
        else:
            merged.append(item.entry.renew())
    return merged


def leave_out_known(entries: Iterable[Entry], recorded: Iterable[Recorded]) -> list[Recorded]:
    """Of `recorded`, what the file does not hold yet, in all that is recorded and as often."""
    known = Counter(entry.digest for entry in entries)
    fresh = []
    for item in recorded:
        digest = item.entry.digest
        known[digest] -= 1
        if known[digest] < 0:
            fresh.append(item)
    return fresh
