"""An entry as Redis keeps it: the fields of its hash, and the scripts that change it in one step."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from claude_replay.cache.entry import Entry, Listed, Selection

__all__ = [
    "CHOOSING",
    "HEAD",
    "HEAD_AND_MARKS",
    "LEASE",
    "MARK",
    "PUT",
    "RELEASE",
    "STORED",
    "USE",
    "WHOLE",
    "is_chosen",
    "read_head",
    "read_texts",
    "to_fields",
]

# An entry that is gone must not come back as a count of its uses. Nobody is to fail for them where nothing can be
# written: on a replica, or when memory is full.
USE = """
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.pcall('HINCRBY', KEYS[1], 'hits', ARGV[1])
  redis.pcall('HSET', KEYS[1], 'used', ARGV[2])
end
"""
# HSET comes first: what follows a script's first write is let through even where memory is full.
PUT = """
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('HDEL', KEYS[1], 'hits', 'used')
if ARGV[1] ~= '' then redis.call('PEXPIREAT', KEYS[1], ARGV[1]) else redis.call('PERSIST', KEYS[1]) end
"""
# A mark lives as long as the last of its entries.
MARK = """
local left = redis.call('PTTL', KEYS[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[4])
if ARGV[1] == '' then redis.call('PERSIST', KEYS[1])
elseif left ~= -1 then
  redis.call('PEXPIREAT', KEYS[1], ARGV[1])
  if redis.call('PTTL', KEYS[1]) < left then redis.call('PEXPIRE', KEYS[1], left) end
end
"""
LEASE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
HEAD = ("namespace", "model", "tags", "created", "expires", "size", "key_version", "lineage", "hits", "used")
STORED = ("envelope", "created", "expires", "key")
HEAD_AND_MARKS = (*HEAD, "marks")
CHOOSING = ("namespace", "model", "tags", "created")
WHOLE = (*HEAD_AND_MARKS, "envelope", "request")


def to_fields(entry: Entry) -> list[Any]:
    """Names and values of the hash that keeps an entry, in turns."""
    fields: dict[str, Any] = {
        "key": entry.key,
        "envelope": entry.envelope,
        "created": repr(entry.created),
        "namespace": entry.namespace,
        "model": entry.model,
        "tags": json.dumps(entry.tags),
        "marks": json.dumps(entry.marks),
        "size": entry.size,
        "key_version": entry.key_version,
        "lineage": entry.lineage,
        "request": entry.request,
        "expires": "" if entry.expires is None else repr(entry.expires),
    }
    return [part for pair in fields.items() for part in pair]


def read_texts(value: bytes | None) -> tuple[str, ...]:
    """The tags or marks of a field."""
    return tuple(json.loads(value)) if value else ()


def read_head(key: str, head: Sequence[bytes | None]) -> Listed | None:
    """What the fields `HEAD` say; None where the entry is gone or its time is over."""
    namespace, model, tags, created, expires, size, key_version, lineage, hits, used = head
    if created is None or (expires and float(expires) <= time.time()):
        return None
    return Listed(
        key=key,
        namespace=(namespace or b"").decode(),
        model=(model or b"").decode(),
        tags=read_texts(tags),
        created=float(created),
        expires=float(expires) if expires else None,
        size=int(size or 0),
        key_version=int(key_version or 0),
        lineage=(lineage or b"").decode(),
        hits=int(hits or 0),
        used=float(used or 0),
    )


def is_chosen(head: Sequence[bytes | None], selection: Selection) -> bool:
    """Whether a selection takes the entry with these fields `CHOOSING`."""
    namespace, model, tags, created = head
    listed = read_head("", (namespace, model, tags, created, *[None] * (len(HEAD) - len(CHOOSING))))
    return listed is not None and selection.takes(listed)
