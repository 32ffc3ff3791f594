"""
What a request was made of, as hashes; from two of them follows why an entry does not answer a request.

The reasons are those of `diagnostics.cache_miss_reason` in Anthropic's API, and a few of our own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from claude_replay.cache.entry import Listed

__all__ = ["Lineage", "Why", "explain", "marks_of", "marks_to_ask"]

# Hex digits kept of each hash in a stored lineage: they explain, the key decides.
_KEPT = 16
_MOST_TAILS = 8


@dataclass(frozen=True, slots=True)
class Lineage:
    """
    SHA-256 digests in hex of the parts of a request.

    `scope` is all beside the body (namespace, version, sample, provider, address, headers, betas), `params` each
    field of the body that is not one of the others. Each link of `chain` is the digest of a message and the
    link before it, so equal links mean equal conversations up to there.
    """

    scope: str
    model: str
    system: str
    tools: str
    params: Mapping[str, str]
    chain: tuple[str, ...]

    def dump(self) -> str:
        """As one text, cut to what explains."""
        parts = [digest[:_KEPT] for digest in (self.scope, self.model, self.system, self.tools)]
        params = {name: digest[:_KEPT] for name, digest in self.params.items()}
        return json.dumps([parts, params, [link[:_KEPT] for link in self.chain]], separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Why:
    """
    Why a request was not answered: `reason` in one word, `detail` which part.

    "messages_changed" comes with "messages[3]", "parameters_changed" with the names of the fields. `shared` is
    how many messages from the first on the nearest entry has in common.
    """

    reason: str
    detail: str = ""
    shared: int = 0

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


def marks_of(lineage: Lineage, space: str) -> tuple[str, ...]:
    """By what an entry is found again: its first message, its whole conversation, everything but the messages."""
    links = lineage.chain
    return (_mark(space, "tail", links[-1]), _mark(space, "head", links[0]), _profile(lineage, space))


def marks_to_ask(lineage: Lineage, space: str) -> list[str]:
    """The marks under which entries akin to a request would be found: first those of its latest turns."""
    tails = [_mark(space, "tail", link) for link in reversed(lineage.chain[-_MOST_TAILS:])]
    return [*tails, _mark(space, "head", lineage.chain[0]), _profile(lineage, space)]


def _profile(lineage: Lineage, space: str) -> str:
    params = json.dumps(sorted(lineage.params.items()))
    text = "|".join((lineage.scope, lineage.model, lineage.system, lineage.tools, params))
    return _mark(space, "profile", hashlib.sha256(text.encode()).hexdigest())


def _mark(space: str, kind: str, digest: str) -> str:
    return f"{space[:8]}.{kind}.{digest[:32]}"


def explain(asked: Lineage, kin: Iterable[Listed]) -> Why:
    """Why none of the entries answers: what differs from the one with the longest common conversation."""
    best: tuple[tuple[int, int], Why] | None = None
    mine = _Parsed(asked.dump())
    for listed in kin:
        theirs = _Parsed(listed.lineage)
        shared = _count_shared(mine.chain, theirs.chain)
        why, equal = _compare(mine, theirs, shared)
        if best is None or (shared, equal) > best[0]:
            best = ((shared, equal), why)
    return best[1] if best is not None else Why("new")


class _Parsed:
    """A stored lineage; one that cannot be read has nothing in common with any."""

    __slots__ = ("chain", "params", "parts")

    def __init__(self, text: str) -> None:
        try:
            self.parts, self.params, self.chain = json.loads(text)
            _ = (*self.parts, *self.params.items(), *self.chain)
        except (ValueError, TypeError, AttributeError):
            self.parts, self.params, self.chain = ["", "", "", ""], {}, []


def _count_shared(mine: list[str], theirs: list[str]) -> int:
    shared = 0
    for one, other in zip(mine, theirs, strict=False):
        if one != other:
            break
        shared += 1
    return shared


def _compare(mine: _Parsed, theirs: _Parsed, shared: int) -> tuple[Why, int]:
    """Why the other does not answer, and how many parts are equal."""
    names = {name for name, _ in mine.params.items() ^ theirs.params.items()}
    scope, model, system, tools = (one == other for one, other in zip(mine.parts, theirs.parts, strict=False))
    equal = sum((scope, model, system, tools, not names))
    if not model:
        return Why("model_changed", shared=shared), equal
    if not scope:
        return Why("scope_changed", shared=shared), equal
    if not tools:
        return Why("tools_changed", shared=shared), equal
    if not system:
        return Why("system_changed", shared=shared), equal
    if names:
        return Why("parameters_changed", ", ".join(sorted(names)), shared), equal
    if shared == len(theirs.chain) < len(mine.chain):
        return Why("new_turn", f"messages[{shared}]", shared), equal
    return Why("messages_changed", f"messages[{shared}]", shared), equal
