"""Semantic look-up: an answer to a question in other words. Off unless asked for, and never quite safe."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from array import array
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from claude_replay.cache.entry import INDEX, Entry, Listed, Stored
from claude_replay.cache.fallback import Near, Steps, make_mark
from claude_replay.cache.keys import KEY_VERSION, Question, Sent
from claude_replay.cache.similar.guard import find_difference
from claude_replay.cache.similar.prompt import Prompt, split_prompt
from claude_replay.cache.similar.vectors import cosine, dump_vector, load_vector, to_unit
from claude_replay.cache.steps import Ask, Work
from claude_replay.errors import CacheError
from claude_replay.redact import Redactor, known_literals

__all__ = ["Similar"]

_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A question that was answered: its text, how alike it is, and the key of the answer."""

    text: str
    similarity: float
    key: str


class Similar:
    """
    Lets a `ResponseCache` answer a question with the answer to one in other words.

        cache = ResponseCache("answers.db", similar=Similar(embed, embedder="all-MiniLM-L6-v2"))

    Only the last user text may differ; model, system prompt, tools, every parameter and all earlier turns must be
    equal, and an exact answer is preferred. Conversations that end with the results of tools, and texts longer than
    `max_chars` (models see the beginning only), are looked up exactly.

    `embed` gives a vector for each text of a list; it may be a coroutine function where only async clients ask.
    `embedder` names it: vectors of different embedders are never compared. An answer is given from a cosine similarity
    of `threshold` on, if both texts hold the same numbers, ids, names and negations, no opposites and not just the same
    words in another order, and if `verify(old, new)`, where given, says True. At most `candidates` questions are
    compared, the newest. Each such hit names the original question and the similarity: in the response header
    `x-claude-replay-cache-near` and in `cache.last.near`.

    Raises CacheError for an argument that is not valid.
    """

    def __init__(
        self,
        embed: Callable[[list[str]], Sequence[Sequence[float]] | Awaitable[Sequence[Sequence[float]]]],
        *,
        embedder: str,
        threshold: float = 0.95,
        verify: Callable[[str, str], bool | Awaitable[bool]] | None = None,
        candidates: int = 64,
        max_chars: int = 1000,
    ) -> None:
        if not embedder:
            raise CacheError(
                "Similar: embedder names the embedding model, so that its vectors meet no others"
            )
        if not 0 < threshold <= 1:
            raise CacheError(
                f"Similar: threshold is a cosine similarity, more than 0 and at most 1, not {threshold!r}"
            )
        self.embedder = embedder
        self.threshold = threshold
        self._embed = embed
        self._verify = verify
        self._candidates = candidates
        self._max_chars = max_chars
        # A miss is embedded when it is looked up, and needed again when its answer is kept.
        self._known: OrderedDict[str, array[float]] = OrderedDict()
        self._lock = threading.Lock()

    def marks(self, sent: Sent, question: Question) -> tuple[str, ...]:
        # Entries of the index have them, not the answers.
        return ()

    def find(self, sent: Sent, question: Question) -> Steps[tuple[str, Near] | None]:
        prompt = self._split(sent)
        if prompt is None:
            return None
        kin: list[Listed] = yield Ask("kin", ([self._mark(question, prompt)], self._candidates))
        if not kin:
            return None
        vector = yield from self._embed_text(prompt.text)
        candidates = yield from self._compare(kin, vector)
        for candidate in candidates:
            if find_difference(candidate.text, prompt.text) is not None:
                continue
            if (
                self._verify is not None
                and (yield Work(self._verify, (candidate.text, prompt.text))) is not True
            ):
                continue
            return candidate.key, Near("similar", similarity=candidate.similarity, prompt=candidate.text)
        return None

    def index(self, sent: Sent, question: Question, entry: Entry) -> Steps[None]:
        prompt = self._split(sent)
        if prompt is None or self._redactor.text(prompt.text) != prompt.text:
            # The text is kept to be shown and compared, and no secret ever is.
            return
        vector = yield from self._embed_text(prompt.text)
        mark = self._mark(question, prompt)
        envelope = {"v": 1, "answer": entry.key, "text": prompt.text, "vector": dump_vector(vector)}
        yield Ask(
            "put",
            (
                Entry(
                    key=hashlib.sha256(f"similar|{mark}|{entry.key}".encode()).hexdigest(),
                    envelope=json.dumps(envelope).encode(),
                    created=entry.created,
                    namespace=entry.namespace,
                    expires=entry.expires,
                    model=entry.model,
                    tags=entry.tags,
                    key_version=KEY_VERSION,
                    marks=(mark,),
                    lineage=f"{INDEX}similar",
                ),
            ),
        )

    @cached_property
    def _redactor(self) -> Redactor:
        return Redactor(literals=known_literals(os.environ))

    def _split(self, sent: Sent) -> Prompt | None:
        prompt = split_prompt(sent.body)
        return prompt if prompt is not None and len(prompt.text) <= self._max_chars else None

    def _mark(self, question: Question, prompt: Prompt) -> str:
        lineage = question.lineage
        before = lineage.chain[-2] if len(lineage.chain) > 1 else ""
        more = json.dumps([self.embedder, prompt.rest])
        return make_mark("similar", question, params=dict(lineage.params), chain=before, more=more)

    def _embed_text(self, text: str) -> Steps[array[float]]:
        with self._lock:
            known = self._known.get(text)
        if known is not None:
            return known
        vectors: Any = yield Work(self._embed, ([text],))
        if len(vectors) != 1:
            raise ValueError(f"the embedding function gave {len(vectors)} vectors for 1 text")
        vector = to_unit(vectors[0])
        with self._lock:
            self._known[text] = vector
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return vector

    def _compare(self, kin: Sequence[Listed], vector: array[float]) -> Steps[list[_Candidate]]:
        """The candidates that are alike enough, the most alike first."""
        found: list[_Candidate] = []
        for listed in kin:
            stored: Stored | None = yield Ask("get", (listed.key,))
            found += _read(stored, vector) if stored is not None else ()
        near = [candidate for candidate in found if candidate.similarity >= self.threshold]
        return sorted(near, key=lambda candidate: -candidate.similarity)


def _read(stored: Stored, vector: array[float]) -> Iterator[_Candidate]:
    try:
        data = json.loads(stored.envelope)
        if data["v"] == 1:
            yield _Candidate(data["text"], cosine(load_vector(data["vector"]), vector), data["answer"])
    except (ValueError, LookupError, TypeError):
        # Written by another version, or damaged: one question less to compare with.
        return
