"""
The id of an exchange: who asked for it, and whether the text still is what was asked.

`6f1c0d9a4b7e2c11-5d41402a-9e107d9d372bb682` is the start of the request's fingerprint under the default
matching rules, a check sum of the request as it stands in the file, and, where the body is JSON, the digest of
the request as it is sent. As long as they belong together neither of the two requests need be parsed to find
one by the other; a request that was edited by hand no longer fits its check sum, and is parsed and
fingerprinted anew. Ids without the last part are as good. Where a request points at exchanges above it, their
check sums are part of its own: an edited turn changes what all that go on from it mean.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from claude_replay.api import endpoint_of
from claude_replay.bodies import dump_json
from claude_replay.exchange import Json, Request
from claude_replay.normalize import MATCHING, RULES_VERSION, canonicalize, digest_sent

__all__ = ["Identity", "identify_request", "key_of", "make_id", "seal", "trusted_identity"]

_KEY_DIGITS = 16
_ID = re.compile(r"([0-9a-f]{16})-([0-9a-f]{8})(?:-([0-9a-f]{16}))?")


class Identity(NamedTuple):
    """What an id vouches for: the `key` of its request, and the digest of it as `sent` ("" where there is none)."""

    key: str
    sent: str


def key_of(fingerprint: str) -> str:
    """The part of a fingerprint by which exchanges are found: 64 bits."""
    return fingerprint[:_KEY_DIGITS]


def identify_request(request: Request, key: str | None = None) -> Identity:
    """What an id says of this request, under the default matching rules; `key` where that is known."""
    return Identity(key or key_of(canonicalize(request, MATCHING).fingerprint), _digest(request))


def _digest(request: Request) -> str:
    # Of another media type the same bytes may mean something else.
    if not isinstance(request.body, Json) or "content-type" in request.headers:
        return ""
    endpoint = endpoint_of(request)
    return digest_sent(endpoint, request.headers.get("anthropic-beta", ""), dump_json(request.body.value))


def make_id(identity: Identity, request_text: bytes, seals: Sequence[int] = ()) -> str:
    """The id of an exchange whose request stands in the file as `request_text`; `seals` as in `trusted_identity`."""
    parts = (identity.key, _checksum(identity, request_text, seals), identity.sent)
    return "-".join(part for part in parts if part)


def trusted_identity(short_id: str, request_text: bytes, seals: Sequence[int] = ()) -> Identity | None:
    """
    What an id vouches for; None where it is of another kind or the text was changed since.

    `seals` are those of the exchanges that the request points at.
    """
    match = _ID.fullmatch(short_id)
    if match is None:
        return None
    key, checksum, sent = match.groups("")
    identity = Identity(key, sent)
    return identity if _checksum(identity, request_text, seals) == checksum else None


def seal(text: bytes, seals: Sequence[int] = ()) -> int:
    """A check sum of a request or an answer that others point at, and of what that points at."""
    return zlib.crc32(text, zlib.crc32(repr(list(seals)).encode()))


def _checksum(identity: Identity, request_text: bytes, seals: Sequence[int] = ()) -> str:
    # With the version of the rules: a fingerprint made under other rules says nothing. Against accidents
    # only: whoever may change the file may write any answer into it.
    said = f"{RULES_VERSION} {identity.key}"
    if identity.sent:
        said += f" {identity.sent}"
    if seals:
        said += f" {list(seals)}"
    return f"{zlib.crc32(request_text, zlib.crc32(said.encode())):08x}"
