"""What tokens cost, where that is known."""

from __future__ import annotations

import sys

import pytest

from claude_replay.api import cost_usd
from claude_replay.exchange import Usage

pytest.importorskip("genai_prices")

# 3 dollars a million tokens in, 15 out; written to the cache a quarter more, read from it a tenth.
MODEL = "claude-sonnet-4-20250514"


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        (Usage(), 0.0),
        (Usage(input_tokens=100_000), 0.3),
        (Usage(output_tokens=100_000), 1.5),
        (Usage(cache_creation_input_tokens=100_000), 0.375),
        (Usage(cache_read_input_tokens=100_000), 0.03),
        (Usage(10_000, 10_000, 10_000, 10_000), 0.03 + 0.15 + 0.0375 + 0.003),
    ],
)
def test_each_kind_of_token_has_its_price(usage: Usage, dollars: float) -> None:
    """Claude counts cached tokens apart from the input, and so they are priced."""
    assert cost_usd(MODEL, usage) == pytest.approx(dollars)


@pytest.mark.parametrize("model", ["claude-of-tomorrow", "gpt-4o", ""])
def test_unknown_models_have_no_price(model: str) -> None:
    """No price is better than a wrong one."""
    assert cost_usd(model, Usage(1, 1)) is None


def test_counts_that_cannot_be_have_no_price() -> None:
    """A cassette edited by hand must not break a report."""
    assert cost_usd(MODEL, Usage(-5, 1)) is None


def test_without_the_price_list_nothing_has_a_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is an extra."""
    monkeypatch.setitem(sys.modules, "genai_prices", None)

    assert cost_usd(MODEL, Usage(1, 1)) is None
