"""What stores keep and give back: plain values, without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = [
    "ENTRY_OVERHEAD",
    "EVERYTHING",
    "INDEX",
    "Entry",
    "Listed",
    "Selection",
    "StoreStats",
    "Stored",
    "describe_entry",
]

INDEX = "~"
"""What the lineage of an entry begins with that is no answer, but helps to find some (see `Listed.is_answer`)."""

ENTRY_OVERHEAD = 512
"""Bytes that any entry is counted with on top of its texts: key, times, index."""


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One answer on the shelf.

    `key` is 64 hex digits; everything that makes two requests different is in it, `namespace` too.
    `envelope` is the answer (claude_replay.cache.envelope), `request` what was asked, as zlib-compressed UTF-8
    JSON, for people and for export; a hit needs the first only.
    `created` and `expires` are Unix seconds: the moment the request was sent, and from when on a store may
    never give the entry back (None: never). `model` is the one that was asked for.
    `marks` are short texts to find related entries by (`Store.kin`); `lineage` says what the request was made
    of, so that a later miss can be explained. Stores keep both without reading them.
    """

    key: str
    envelope: bytes
    created: float
    namespace: str = ""
    expires: float | None = None
    model: str = ""
    tags: tuple[str, ...] = ()
    key_version: int = 1
    marks: tuple[str, ...] = ()
    lineage: str = ""
    request: bytes = b""

    @property
    def size(self) -> int:
        """What the entry counts against `max_bytes`."""
        texts = len(self.envelope) + len(self.request) + len(self.lineage)
        return texts + sum(map(len, self.marks)) + ENTRY_OVERHEAD


class Stored(NamedTuple):
    """What a hit needs of an entry."""

    envelope: bytes
    created: float
    expires: float | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry without its texts; `hits` and `used` (Unix seconds) say how often and when it was given out."""

    key: str
    namespace: str
    model: str
    tags: tuple[str, ...]
    created: float
    expires: float | None
    size: int
    key_version: int
    lineage: str
    hits: int = 0
    used: float = 0.0

    @property
    def is_answer(self) -> bool:
        """Whether it is one, and not a part of an index."""
        return not self.lineage.startswith(INDEX)


def describe_entry(entry: Entry, hits: int, used: float) -> Listed:
    """An entry without its texts."""
    return Listed(
        entry.key,
        entry.namespace,
        entry.model,
        entry.tags,
        entry.created,
        entry.expires,
        entry.size,
        entry.key_version,
        entry.lineage,
        hits,
        used,
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """
    Which entries: those that meet every condition given; without any, all.

    `created_before` is in Unix seconds; `namespace` None means every namespace.
    """

    namespace: str | None = None
    model: str | None = None
    tag: str | None = None
    created_before: float | None = None

    def takes(self, entry: Entry | Listed) -> bool:
        """Whether `entry` is one of them."""
        return (
            self.namespace in (None, entry.namespace)
            and self.model in (None, entry.model)
            and (self.tag is None or self.tag in entry.tags)
            and (self.created_before is None or entry.created < self.created_before)
        )


EVERYTHING = Selection()
"""All entries of all namespaces."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    """How much a store holds; `counters` are what `Store.count` added up, `evicted` entries pushed out."""

    entries: int
    bytes: int
    evicted: int = 0
    counters: Mapping[str, float] = field(default_factory=dict)
