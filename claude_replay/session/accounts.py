"""What a replayed exchange would have cost."""

from __future__ import annotations

from claude_replay.api import assemble_message, message_usage
from claude_replay.cassette import Entry
from claude_replay.exchange import Usage
from claude_replay.session.tally import Tally

__all__ = ["count_played"]


def count_played(tally: Tally, entry: Entry) -> None:
    """
    Add a replayed exchange to the account: tokens by model, and the seconds it took when it was live.

    Raises CassetteLoadError where it cannot be read.
    """
    if (quick := entry.quick_answer) is not None:
        answer, seconds = quick
        _count(tally, answer.model, answer.usage)
    else:
        response, meta = entry.answer
        seconds = meta.duration or 0.0
        if message := assemble_message(response.body):
            _count(tally, str(message.get("model", "")), message_usage(message))
    tally.replayed += 1
    tally.seconds += seconds


def _count(tally: Tally, model: str, usage: Usage) -> None:
    tally.models[model] = tally.models.get(model, 0) + 1
    if not usage.total_tokens:
        return
    counts = tally.tokens.setdefault(model, [0, 0, 0, 0])
    counts[0] += usage.input_tokens
    counts[1] += usage.output_tokens
    counts[2] += usage.cache_creation_input_tokens
    counts[3] += usage.cache_read_input_tokens
