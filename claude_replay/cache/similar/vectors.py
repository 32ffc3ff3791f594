"""Vectors of 32-bit floats, of length 1, as text and back."""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections.abc import Iterable, Sequence

__all__ = ["Vector", "cosine", "dump_vector", "load_vector", "to_floats", "to_unit"]

Vector = array  # of typecode "f"


def to_floats(vector: Iterable[float]) -> Vector[float]:
    """Any sequence of numbers (a list, an array of numpy) as 32-bit floats."""
    return array("f", map(float, vector))


def to_unit(vector: Iterable[float]) -> Vector[float]:
    """The same of length 1; raises ValueError for one that has no direction."""
    floats = to_floats(vector)
    length = math.sqrt(sum(value * value for value in floats))
    if not 0 < length < math.inf:
        raise ValueError("an embedding must have a direction: it is empty, all zero, or not finite")
    return array("f", (value / length for value in floats))


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two vectors of length 1 are, -1 to 1; -1 where they have different dimensions."""
    if len(one) != len(other):
        return -1.0
    return max(-1.0, min(1.0, sum(a * b for a, b in zip(one, other, strict=True))))


def dump_vector(vector: Vector[float]) -> str:
    """As base64 of little-endian 32-bit floats."""
    ordered = array("f", vector)
    if sys.byteorder == "big":  # pragma: no cover
        ordered.byteswap()
    return base64.b64encode(ordered.tobytes()).decode("ascii")


def load_vector(text: str) -> Vector[float]:
    """Back from `dump_vector`; raises ValueError."""
    vector = array("f")
    vector.frombytes(base64.b64decode(text, validate=True))
    if sys.byteorder == "big":  # pragma: no cover
        vector.byteswap()
    return vector
