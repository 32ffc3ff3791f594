"""What record mode `verify` measured besides drift."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from claude_replay.session import Tally

__all__ = ["describe_verified"]


def describe_verified(tallies: Sequence[Tally]) -> Iterator[str]:
    """One line: answers compared, how alike their texts are, tokens and seconds then and now."""
    compared = [measures for tally in tallies for measures in tally.verified]
    if not compared:
        return
    texts = [measures[0] for measures in compared if measures[0] is not None]
    parts = [f"{len(compared):,} answer{'' if len(compared) == 1 else 's'} compared with Claude's now"]
    if texts:
        parts.append(f"texts {math.fsum(texts) / len(texts) * 100:.0f} % alike")
    tokens, seconds = _sum_pairs(compared, 1), _sum_pairs(compared, 3)
    parts.append(f"tokens {tokens[0]:,.0f} then, {tokens[1]:,.0f} now")
    parts.append(f"{seconds[0]:,.1f} s then, {seconds[1]:,.1f} s now")
    yield " · ".join(parts)


def _sum_pairs(compared: Sequence[Sequence[float | None]], place: int) -> tuple[float, float]:
    """The sums of two columns, of the rows in which both are known."""
    pairs = [(row[place], row[place + 1]) for row in compared]
    known = [(then, now) for then, now in pairs if then is not None and now is not None]
    return math.fsum(then for then, _ in known), math.fsum(now for _, now in known)
