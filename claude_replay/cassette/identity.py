"""
The id of an exchange: who asked for it, and whether the text still is what was asked.

`6f1c0d9a4b7e2c11-5d41402a` is the start of the request's fingerprint under the default matching rules, and a
check sum of the request as it stands in the file. As long as the two belong together a request need not be
parsed to be found; a request that was edited by hand no longer fits its check sum, and is parsed and
fingerprinted anew. Where a request points at exchanges above it, their check sums are part of its own: an edited turn
changes what all that go on from it mean.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from claude_replay.exchange import Request
from claude_replay.normalize import MATCHING, RULES_VERSION, canonicalize

__all__ = ["key_of", "make_id", "seal", "trusted_key"]

_KEY_DIGITS = 16
_ID = re.compile(r"([0-9a-f]{16})-([0-9a-f]{8})")


def key_of(fingerprint: str) -> str:
    """The part of a fingerprint by which exchanges are found: 64 bits."""
    return fingerprint[:_KEY_DIGITS]


def make_id(request: Request, request_text: bytes, seals: Sequence[int] = ()) -> str:
    """The id of an exchange whose request stands in the file as `request_text`; `seals` as in `trusted_key`."""
    key = key_of(canonicalize(request, MATCHING).fingerprint)
    return f"{key}-{_checksum(key, request_text, seals)}"


def trusted_key(short_id: str, request_text: bytes, seals: Sequence[int] = ()) -> str | None:
    """
    The key an id vouches for; None where the id is of another kind or the text was changed since.

    `seals` are those of the exchanges that the request points at.
    """
    match = _ID.fullmatch(short_id)
    if match is None or _checksum(match[1], request_text, seals) != match[2]:
        return None
    return match[1]


def seal(text: bytes, seals: Sequence[int] = ()) -> int:
    """A check sum of the request and answer that others point at, and of what these point at."""
    return zlib.crc32(text, zlib.crc32(repr(list(seals)).encode()))


def _checksum(key: str, request_text: bytes, seals: Sequence[int] = ()) -> str:
    # With the version of the rules: a fingerprint made under other rules says nothing. Against accidents
    # only: whoever may change the file may write any answer into it.
    said = f"{RULES_VERSION} {key}" + (f" {list(seals)}" if seals else "")
    return f"{zlib.crc32(request_text, zlib.crc32(said.encode())):08x}"
