"""What a replayed exchange would have cost."""

from __future__ import annotations

from threading import Lock

from claude_replay.api import assemble_message, message_usage, model_of
from claude_replay.exchange import Exchange
from claude_replay.session.tally import Tally

__all__ = ["count_played"]


def count_played(tally: Tally, exchange: Exchange, lock: Lock) -> None:
    """Add a replayed exchange to the account: its tokens by model, and the seconds it took when it was live."""
    message = assemble_message(exchange.response.body)
    model = str(message.get("model", "")) if message else model_of(exchange.request.body) or ""
    usage = message_usage(message) if message else None
    with lock:
        tally.replayed += 1
        tally.seconds += exchange.meta.duration or 0.0
        if usage is not None and usage.total_tokens:
            counts = tally.tokens.setdefault(model, [0, 0, 0, 0])
            for place, number in enumerate(
                (
                    usage.input_tokens,
                    usage.output_tokens,
                    usage.cache_creation_input_tokens,
                    usage.cache_read_input_tokens,
                )
            ):
                counts[place] += number
