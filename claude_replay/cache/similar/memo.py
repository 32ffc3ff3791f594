"""Embeddings that are computed once; they cannot be wrong, for the same text always has the same one."""

from __future__ import annotations

import hashlib
import json
import os
import time
from array import array
from collections.abc import Callable, Sequence

from claude_replay.cache.entry import INDEX, Entry
from claude_replay.cache.opening import open_store
from claude_replay.cache.similar.vectors import dump_vector, load_vector, to_floats
from claude_replay.cache.stores.base import Store

__all__ = ["Embed", "EmbeddingMemo"]

Embed = Callable[[list[str]], Sequence[Sequence[float]]]
"""Gives a vector for each text, all of one length."""


class EmbeddingMemo:
    """
    Remembers what an embedding function of yours gave: `memo(["text", …])` calls it for new texts only.

        memo = EmbeddingMemo(embed, "all-MiniLM-L6-v2", "embeddings.db")
        vectors = memo(["What is prompt caching?"])

    `model` tells the vectors of one function (and version of its weights) from those of another. `store` is as for
    `ResponseCache`: None for memory, a path, a URL, or a Store, which may be that of a cache. Vectors are arrays of
    32-bit floats, as the function gave them but for that rounding. Safe to use from several threads and processes.

    Raises what the function raises, ValueError where it does not give one vector for each text, and StoreError.
    """

    def __init__(
        self,
        embed: Embed,
        model: str,
        store: Store | str | os.PathLike[str] | None = None,
        *,
        namespace: str = "",
    ) -> None:
        self._embed = embed
        self._model = model
        self._namespace = namespace
        self._store = open_store(store)

    def __call__(self, texts: Sequence[str]) -> list[array[float]]:
        found: dict[str, array[float]] = {}
        for text in dict.fromkeys(texts):
            stored = self._store.get(self._key(text))
            vector = _read(stored.envelope) if stored is not None else None
            if vector is not None:
                found[text] = vector
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            vectors = [to_floats(vector) for vector in self._embed(list(new))]
            if len(vectors) != len(new):
                raise ValueError(f"the embedding function gave {len(vectors)} vectors for {len(new)} texts")
            for text, vector in zip(new, vectors, strict=True):
                found[text] = vector
                self._store.put(self._entry(text, vector))
        return [found[text] for text in texts]

    def _key(self, text: str) -> str:
        parts = json.dumps(["embedding", self._namespace, self._model, text])
        return hashlib.sha256(parts.encode()).hexdigest()

    def _entry(self, text: str, vector: array[float]) -> Entry:
        envelope = json.dumps({"v": 1, "float32": dump_vector(vector)}).encode()
        return Entry(
            key=self._key(text),
            envelope=envelope,
            created=time.time(),
            namespace=self._namespace,
            model=self._model,
            lineage=f"{INDEX}embedding",
        )

    def close(self) -> None:
        """Close the store."""
        self._store.close()


def _read(envelope: bytes) -> array[float] | None:
    try:
        data = json.loads(envelope)
        return load_vector(data["float32"]) if data["v"] == 1 else None
    except (ValueError, LookupError, TypeError):
        return None
