"""What replaying has saved: tokens, money and time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from claude_replay.api import cost_usd
from claude_replay.exchange import Usage
from claude_replay.session import Tally

__all__ = ["describe_models", "describe_savings"]


def describe_savings(tallies: Sequence[Tally]) -> Iterator[str]:
    """The tokens that were replayed, and their cost in dollars and seconds where that is known."""
    usage = _sum_usage(tallies)
    if tokens := sum(used.total_tokens for used in usage.values()):
        yield f"{tokens:,} tokens"
    prices = [cost_usd(model, used) for model, used in usage.items()]
    known = [price for price in prices if price is not None]
    saved = [_describe_dollars(math.fsum(known), is_all=len(known) == len(prices))] if known else []
    # Recordings of a fast stand-in, or without durations, save no time worth telling.
    if seconds := round(math.fsum(tally.seconds for tally in tallies)):
        saved.append(f"{seconds:,} s")
    if saved:
        yield f"{' and '.join(saved)} not spent"


def describe_models(tallies: Sequence[Tally]) -> Iterator[str]:
    """A line for each model: tokens replayed by kind, and their price where it is known."""
    for model, used in sorted(_sum_usage(tallies).items()):
        kinds = (
            (used.input_tokens, "input"),
            (used.output_tokens, "output"),
            (used.cache_creation_input_tokens, "written to the cache"),
            (used.cache_read_input_tokens, "read from the cache"),
        )
        price = cost_usd(model, used)
        cost = "" if price is None else f" · {_describe_dollars(price, is_all=True)}"
        yield f"{model}: {', '.join(f'{count:,} {kind}' for count, kind in kinds if count)}{cost}"


def _sum_usage(tallies: Sequence[Tally]) -> dict[str, Usage]:
    usage: dict[str, Usage] = {}
    for tally in tallies:
        for model, counts in tally.tokens.items():
            usage[model] = usage.get(model, Usage()) + Usage(*counts)
    return usage


def _describe_dollars(price: float, *, is_all: bool) -> str:
    least = "" if is_all else "at least "
    return f"{least}~${price:,.2f}" if price >= 0.005 else f"{least}<$0.01"
