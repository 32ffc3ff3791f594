"""An answer that ended by itself serves a request that allows more tokens, or fewer but enough."""

from __future__ import annotations

from claude_replay.cache.entry import Entry
from claude_replay.cache.envelope import load_answer
from claude_replay.cache.fallback import Near, Steps, make_mark
from claude_replay.cache.judge import GOOD_STOP_REASONS
from claude_replay.cache.keys import Question, Sent
from claude_replay.cache.steps import Ask

__all__ = ["MaxTokens"]

_MOST = 16


class MaxTokens:
    """
    Finds answers to requests that differ in `max_tokens` only.

    Such an answer is given where it ended by itself (not cut at its own limit) and is no longer than what is allowed
    now: Claude is not told the limit, so it would have ended there as well.
    """

    def marks(self, sent: Sent, question: Question) -> tuple[str, ...]:
        return (self._mark(question),)

    def find(self, sent: Sent, question: Question) -> Steps[tuple[str, Near] | None]:
        allowed = sent.body.get("max_tokens") if isinstance(sent.body, dict) else None
        if type(allowed) is not int:
            return None
        kin = yield Ask("kin", ([self._mark(question)], _MOST))
        for listed in kin:
            entry: Entry | None = yield Ask("load", (listed.key,))
            near = _judge(entry, allowed) if entry is not None else None
            if near is not None:
                return listed.key, near
        return None

    def index(self, sent: Sent, question: Question, entry: Entry) -> Steps[None]:
        # The mark on the entry is all it takes.
        yield from ()

    def _mark(self, question: Question) -> str:
        lineage = question.lineage
        params = {name: digest for name, digest in lineage.params.items() if name != "max_tokens"}
        return make_mark("family", question, params=params, chain=lineage.chain[-1])


def _judge(entry: Entry, allowed: int) -> Near | None:
    try:
        answer = load_answer(entry.envelope)
    except ValueError:
        return None
    # Without a count nobody knows whether it would have been cut.
    if answer.stop_reason in GOOD_STOP_REASONS and 0 < answer.usage.output_tokens <= allowed:
        return Near("max_tokens", max_tokens=answer.usage.output_tokens)
    return None
