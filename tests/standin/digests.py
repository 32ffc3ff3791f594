"""Stable stand-ins for what the real API makes at random: ids, numbers, signatures."""

from __future__ import annotations

import base64
import hashlib

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def make_token(seed: str, length: int) -> str:
    """Make an id of at most 80 letters and digits out of a seed."""
    number = make_number(seed, 58**length)
    letters = []
    for _ in range(length):
        number, digit = divmod(number, 58)
        letters.append(_BASE58[digit])
    return "".join(letters)


def make_number(seed: str, limit: int) -> int:
    """Make a number from 0 to below `limit` out of a seed."""
    return int.from_bytes(hashlib.sha512(seed.encode()).digest(), "big") % limit


def make_hex(seed: str, length: int) -> str:
    """Make at most 128 hexadecimal digits out of a seed."""
    return hashlib.sha512(seed.encode()).hexdigest()[:length]


def make_signature(seed: str) -> str:
    """Make the base64 text that signs a thinking block."""
    return base64.b64encode(hashlib.sha512(seed.encode()).digest() * 3).decode()
