"""Embeddings that are computed once."""

from __future__ import annotations

import base64
import json
from array import array
from dataclasses import replace
from pathlib import Path

import pytest

from claude_replay import EmbeddingMemo, MemoryStore, ResponseCache, Similar
from claude_replay.cache.similar.vectors import cosine, load_vector, to_unit
from hashing_embedder import EMBEDDER, embed


class Counting:
    """An embedding function that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: list[str]) -> list[list[float]]:
        self.asked.append(texts)
        return embed(texts)


def test_a_text_is_embedded_once() -> None:
    """In one call for all that are new, in the order asked for, 32-bit floats as the function gave them."""
    function = Counting()
    memo = EmbeddingMemo(function, EMBEDDER)

    one, two, again = memo(["one", "two", "one"])
    assert memo(["three", "two"])[1] == two

    assert function.asked == [["one", "two"], ["three"]]
    assert one == again == array("f", embed(["one"])[0])
    assert memo([]) == []
    memo.close()


def test_it_outlives_the_process_in_a_file(tmp_path: Path) -> None:
    """Of one model only: another one's vectors are others."""
    function = Counting()
    first = EmbeddingMemo(function, EMBEDDER, tmp_path / "memo.db")
    first(["one"])
    first.close()

    memo = EmbeddingMemo(function, EMBEDDER, tmp_path / "memo.db")
    memo(["one"])
    assert len(function.asked) == 1
    memo.close()
    other = EmbeddingMemo(function, "another", tmp_path / "memo.db")
    other(["one"])
    assert len(function.asked) == 2
    other.close()


def test_one_that_cannot_be_read_is_embedded_again() -> None:
    """And replaced."""
    store, function = MemoryStore(), Counting()
    memo = EmbeddingMemo(function, EMBEDDER, store)
    for envelope in (
        b"{}",
        b"{",
        b"[]",
        b'{"v": 2, "float32": ""}',
        b'{"v": 1, "float32": "?"}',
        b'{"v": 1, "float32": "AAA="}',
    ):
        memo(["one"])
        (listed,) = store.listed()
        assert not listed.is_answer
        entry = store.load(listed.key)
        assert entry is not None
        store.put(replace(entry, envelope=envelope))
    assert len(function.asked) == 6
    assert memo(["one"])[0] == array("f", embed(["one"])[0])


def test_a_function_that_gives_too_little_is_told() -> None:
    """Rather than mixing up vectors."""
    memo = EmbeddingMemo(lambda texts: [[1.0]], EMBEDDER)
    with pytest.raises(ValueError, match="gave 1 vectors for 2 texts"):
        memo(["one", "two"])


def test_it_serves_a_cache_from_the_same_store() -> None:
    """As the embedding function of a semantic look-up."""
    store = MemoryStore()
    memo = EmbeddingMemo(embed, EMBEDDER, store)
    cache = ResponseCache(store, similar=Similar(memo, embedder=EMBEDDER))
    assert cache.store is store
    assert json.loads(json.dumps(memo(["one"])[0].tolist())) == embed(["one"])[0]


def test_vectors() -> None:
    """Of length 1, whatever they were; of different dimensions they have nothing in common."""
    assert cosine(to_unit([3, 4]), to_unit([6, 8])) == pytest.approx(1, abs=1e-6)
    assert cosine(to_unit([1, 0]), to_unit([0, 5])) == 0
    assert cosine(to_unit([1]), to_unit([1, 1])) == -1
    assert load_vector(base64.b64encode(b"\0\0\x80?").decode()).tolist() == [1.0]
    for bad in ([], [0, 0], [float("nan")], [float("inf")]):
        with pytest.raises(ValueError, match="must have a direction"):
            to_unit(bad)
