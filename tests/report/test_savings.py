"""Tokens, money and time that replaying has saved."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from claude_replay.report import report_lines
from claude_replay.session import Tally

SONNET, HAIKU = "claude-sonnet-5", "claude-haiku-4-5"


def tell(*tallies: Tally, details: bool = False) -> list[str]:
    """The lines for these accounts."""
    return report_lines(tallies, orphans=[], notes=[], lost_workers=[], details=details, root="/project/")


def price_of(model: str, **tokens: int) -> float:
    """What genai-prices says; it counts cached tokens as part of the input."""
    return float(calc_price(PricedUsage(**tokens), model_ref=model, provider_id="anthropic").total_price)


def test_money_is_the_sum_over_models_and_kinds_of_tokens() -> None:
    """Input, output, and what was written to and read from Claude's cache have prices of their own."""
    expected = price_of(
        SONNET,
        input_tokens=100_000 + 30_000 + 500_000,
        output_tokens=20_000,
        cache_write_tokens=30_000,
        cache_read_tokens=500_000,
    ) + price_of(HAIKU, input_tokens=80_000, output_tokens=1_000)

    lines = tell(
        Tally(
            "a", "a", replayed=1, tokens={SONNET: [60_000, 20_000, 30_000, 0], HAIKU: [80_000, 1_000, 0, 0]}
        ),
        Tally("b", "b", replayed=1, tokens={SONNET: [40_000, 0, 0, 500_000]}),
    )

    assert lines == [f"2 replayed · 0 recorded · 0 live · 731,000 tokens · ~${expected:.2f} not spent"]
    assert expected > 0.5


def test_details_give_each_model_a_line() -> None:
    """By name, with the kinds of tokens that occur and the price."""
    lines = tell(
        Tally("a", "a", replayed=1, tokens={SONNET: [10_000, 2_000, 300, 40], HAIKU: [10, 0, 0, 0]}),
        Tally("b", "b", replayed=1, tokens={"claude-of-tomorrow": [0, 7, 0, 0]}),
        details=True,
    )

    price = price_of(
        SONNET, input_tokens=10_340, output_tokens=2_000, cache_write_tokens=300, cache_read_tokens=40
    )
    assert lines[3:] == [
        f"  {HAIKU}: 10 input · <$0.01",
        "  claude-of-tomorrow: 7 output",
        f"  {SONNET}: 10,000 input, 2,000 output, 300 written to the cache, 40 read from the cache · "
        f"~${price:.2f}",
    ]


def test_a_model_without_a_known_price_makes_the_sum_a_lower_bound() -> None:
    """Tokens are counted, the money of the others is at least that much."""
    lines = tell(
        Tally("a", "a", replayed=1, tokens={SONNET: [1_000_000, 0, 0, 0], "claude-of-tomorrow": [5, 0, 0, 0]})
    )

    assert lines == [
        "1 replayed · 0 recorded · 0 live · 1,000,005 tokens · "
        f"at least ~${price_of(SONNET, input_tokens=1_000_000):.2f} not spent"
    ]


def test_without_any_known_price_there_is_no_money() -> None:
    """Tokens and time are still known."""
    lines = tell(Tally("a", "a", replayed=1, seconds=12.4, tokens={"claude-of-tomorrow": [5, 0, 0, 0]}))

    assert lines == ["1 replayed · 0 recorded · 0 live · 5 tokens · 12 s not spent"]


@pytest.mark.parametrize(("tokens", "money"), [(10, "<$0.01"), (1_600, "<$0.01"), (10_000, "~$0.02")])
def test_little_money_is_little(tokens: int, money: str) -> None:
    """Less than half a cent is not rounded to nothing."""
    lines = tell(Tally("a", "a", replayed=1, tokens={SONNET: [tokens, 0, 0, 0]}))

    assert lines[0].endswith(f" · {money} not spent")


def test_time_is_told_in_whole_seconds_and_only_if_there_are_any() -> None:
    """Also for what has no tokens, as lists of models."""
    assert tell(Tally("a", "a", replayed=1, seconds=0.4)) == ["1 replayed · 0 recorded · 0 live"]
    assert tell(Tally("a", "a", replayed=1, seconds=1234.6)) == [
        "1 replayed · 0 recorded · 0 live · 1,235 s not spent"
    ]


def test_without_the_extra_there_are_tokens_only() -> None:
    """Prices come from `genai-prices`, which need not be installed."""
    code = """
import sys
sys.modules["genai_prices"] = None
from claude_replay.report import report_lines
from claude_replay.session import Tally
tally = Tally("a", "a", replayed=1, seconds=3.0, tokens={"claude-sonnet-5": [1000, 0, 0, 0]})
for line in report_lines([tally], orphans=[], notes=[], lost_workers=[], details=True, root="/"):
    print(line)
"""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )

    assert done.stdout.splitlines() == [
        "1 replayed · 0 recorded · 0 live · 1,000 tokens · 3 s not spent",
        "  replayed  a  1 replayed  a",
        "  claude-sonnet-5: 1,000 input",
    ]
