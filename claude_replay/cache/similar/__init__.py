"""Answers to questions that were asked in almost the same words, and embeddings that are computed once."""

from __future__ import annotations

from claude_replay.cache.similar.lookup import Similar
from claude_replay.cache.similar.memo import EmbeddingMemo

__all__ = ["EmbeddingMemo", "Similar"]
