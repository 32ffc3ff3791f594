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
    alike, *pairs = zip(*compared, strict=True)
    texts = [value for value in alike if value is not None]
    # Sums of what both sides know.
    sums = [[value or 0.0 for value in column] for column in pairs]
    tokens, seconds = sums[:2], sums[2:]
    parts = [f"{len(compared):,} answer{'' if len(compared) == 1 else 's'} compared with Claude's now"]
    if texts:
        parts.append(f"texts {math.fsum(texts) / len(texts) * 100:.0f} % alike")
    parts.append(f"tokens {sum(tokens[0]):,.0f} then, {sum(tokens[1]):,.0f} now")
    parts.append(f"{math.fsum(seconds[0]):,.1f} s then, {math.fsum(seconds[1]):,.1f} s now")
    yield " · ".join(parts)
