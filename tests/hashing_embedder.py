"""A deterministic stand-in for an embedding model: letters of a text, counted in buckets."""

from __future__ import annotations

import zlib

__all__ = ["DIMENSIONS", "EMBEDDER", "embed"]

EMBEDDER = "hashed-trigrams"
DIMENSIONS = 256


def embed(texts: list[str]) -> list[list[float]]:
    """How often the trigrams of each text fall into each of 256 buckets: like texts have like vectors."""
    return [_embed(text) for text in texts]


def _embed(text: str) -> list[float]:
    counts = [0.0] * DIMENSIONS
    padded = f"  {text.lower()}  "
    for start in range(len(padded) - 2):
        counts[zlib.crc32(padded[start : start + 3].encode()) % DIMENSIONS] += 1.0
    return counts
