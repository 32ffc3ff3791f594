"""What tokens cost, from the price list that the `prices` extra ships."""

from __future__ import annotations

from claude_replay.exchange import Usage

__all__ = ["cost_usd", "has_prices"]


def cost_usd(model: str, usage: Usage) -> float | None:
    """
    The price of `usage` in US dollars; None where it is not known.

    Prices come from the offline list in `genai-prices` (the extra `prices`); without it, for a model the list
    does not have, or for counts that cannot be, the answer is None.
    """
    try:
        from genai_prices import Usage as PricedUsage
        from genai_prices import calc_price
    except ImportError:
        return None
    # genai-prices counts cached tokens as part of the input, Claude apart from it.
    cached = usage.cache_creation_input_tokens + usage.cache_read_input_tokens
    try:
        priced = PricedUsage(
            input_tokens=usage.input_tokens + cached,
            cache_write_tokens=usage.cache_creation_input_tokens,
            cache_read_tokens=usage.cache_read_input_tokens,
            output_tokens=usage.output_tokens,
        )
        return float(calc_price(priced, model_ref=model, provider_id="anthropic").total_price)
    except (LookupError, ValueError):
        return None


def has_prices() -> bool:
    """Whether the price list is installed."""
    try:
        import genai_prices  # noqa: F401
    except ImportError:
        return False
    return True
