"""What a replayed exchange would have cost."""

from __future__ import annotations

from claude_replay.api import assemble_message, message_usage
from claude_replay.exchange import Meta, Response
from claude_replay.session.tally import Tally

__all__ = ["count_played"]


def count_played(tally: Tally, response: Response, meta: Meta) -> None:
    """Add a replayed exchange to the account: tokens by model, and the seconds it took when it was live."""
    message = assemble_message(response.body)
    usage = message_usage(message) if message else None
    tally.replayed += 1
    tally.seconds += meta.duration or 0.0
    if message is not None and usage is not None and usage.total_tokens:
        counts = tally.tokens.setdefault(str(message.get("model", "")), [0, 0, 0, 0])
        numbers = (
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_creation_input_tokens,
            usage.cache_read_input_tokens,
        )
        for place, number in enumerate(numbers):
            counts[place] += number
