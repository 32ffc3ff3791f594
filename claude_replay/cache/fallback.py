"""What may be looked up where nothing answers a request exactly; every way is asked for by the user."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from claude_replay.cache.entry import Entry
from claude_replay.cache.keys import Question, Sent
from claude_replay.cache.lineage import Lineage
from claude_replay.cache.steps import Step

__all__ = ["NEAR_HEADER", "Fallback", "Fallbacks", "Near", "Steps", "make_mark"]

_Result = TypeVar("_Result")
Steps = Generator[Step, Any, _Result]

NEAR_HEADER = "x-claude-replay-cache-near"
"""Says in an answer that it was kept for another request, for which one, and how near that is."""

_LONGEST_PROMPT = 300


@dataclass(frozen=True, slots=True)
class Near:
    """
    An answer that was kept for another request than the one it is given to.

    `kind` is "max_tokens" or "similar". `max_tokens` is what that request allowed, `similarity` (0 to 1) how near
    its last user text is, `prompt` that text.
    """

    kind: str
    max_tokens: int | None = None
    similarity: float | None = None
    prompt: str | None = None

    def header(self) -> str:
        """As the response header says it; the prompt cut and percent-encoded."""
        parts = [self.kind]
        if self.max_tokens is not None:
            parts.append(f"max_tokens={self.max_tokens}")
        if self.similarity is not None:
            parts.append(f"similarity={self.similarity:.4f}")
        if self.prompt is not None:
            parts.append(f"prompt={quote(self.prompt[:_LONGEST_PROMPT], safe=' ')}")
        return "; ".join(parts)


class Fallback(Protocol):
    """One way to find an answer that is not exactly the one asked for; steps as in `Policy`."""

    def marks(self, sent: Sent, question: Question) -> tuple[str, ...]:
        """Marks to put on the entry of this request, to find it by later."""
        ...

    def find(self, sent: Sent, question: Question) -> Steps[tuple[str, Near] | None]:
        """The key of an entry that may serve this request; None where there is none."""
        ...

    def index(self, sent: Sent, question: Question, entry: Entry) -> Steps[None]:
        """Note an entry that has just been put."""
        ...


def make_mark(kind: str, question: Question, *, params: dict[str, str], chain: str, more: str = "") -> str:
    """A mark that requests share which have all this in common: everything beside the body, and these parts of it."""
    lineage: Lineage = question.lineage
    parts = [lineage.scope, lineage.model, lineage.system, lineage.tools, sorted(params.items()), chain, more]
    return f"{question.space[:8]}.{kind}.{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"


class Fallbacks:
    """
    All that were asked for, in order; where one fails, `fail` is told, and the call goes on as if it were not there.

    Falsy where there are none.
    """

    def __init__(self, fallbacks: Sequence[Fallback], fail: Callable[[str], None]) -> None:
        self._fallbacks = fallbacks
        self._fail = fail

    def __bool__(self) -> bool:
        return bool(self._fallbacks)

    def find(self, sent: Sent, question: Question) -> Steps[tuple[str, Near] | None]:
        """The key of an entry that may serve a request: the first that is found."""
        for fallback in self._fallbacks:
            match = yield from self._endure(fallback.find(sent, question))
            if match is not None:
                return match
        return None

    def mark(self, sent: Sent, question: Question, entry: Entry) -> Entry:
        """The entry with the marks by which it is to be found."""
        marks = [mark for fallback in self._fallbacks for mark in fallback.marks(sent, question)]
        return replace(entry, marks=(*entry.marks, *marks)) if marks else entry

    def index(self, sent: Sent, question: Question, entry: Entry) -> Steps[None]:
        """Note an entry that has just been put."""
        for fallback in self._fallbacks:
            yield from self._endure(fallback.index(sent, question, entry))

    def _endure(self, steps: Steps[_Result]) -> Steps[_Result | None]:
        try:
            return (yield from steps)
        except Exception as error:
            # The store's, or of a function of the user's.
            self._fail(f"looking for answers that are near failed: {error or type(error).__name__}")
            return None
