"""Traces of Go's httprr: the bytes of requests and responses, each pair behind its lengths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from claude_replay.cassette.formats.interactions import Interaction, read_interactions
from claude_replay.cassette.formats.source import refuse
from claude_replay.exchange import Exchange

__all__ = ["load", "recognize"]

_MAGIC = b"httprr trace v1\n"
_LENGTHS = re.compile(rb"([0-9]{1,9}) ([0-9]{1,9})\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[^\r\n]*)?\r\n")


def recognize(head: bytes) -> bool:
    """Whether a file that begins like this was written by httprr."""
    return head.startswith(_MAGIC)


def load(content: bytes, name: str, hosts: Sequence[str] = ()) -> tuple[list[Exchange], list[str]]:
    """The Claude exchanges and remarks of a trace; raises CassetteLoadError with file and line."""
    return read_interactions(list(_split(content, name)), hosts)


def _split(content: bytes, name: str) -> Iterator[Interaction]:
    start = len(_MAGIC)
    position = 0
    while start < len(content):
        lengths = _LENGTHS.match(content, start)
        middle = lengths.end() + int(lengths[1]) if lengths else 0
        end = middle + int(lengths[2]) if lengths else 0
        if not lengths or end > len(content):
            line = content.count(b"\n", 0, start) + 1
            raise refuse(name, line, "two lengths and as many bytes were expected; the file may be cut")
        asked, answered = content[lengths.end() : middle], content[middle:end]
        yield Interaction(f"pairs[{position}]", _read_request(asked), _read_response(answered))
        start, position = end, position + 1


def _read_request(message: bytes) -> dict[str, object]:
    first, fields = _read_message(message)
    method, _, rest = first.partition(" ")
    return {**fields, "method": method, "uri": rest.rpartition(" ")[0]}


def _read_response(message: bytes) -> dict[str, object]:
    first, fields = _read_message(message)
    return {**fields, "status": first.split(" ")[1] if first.count(" ") else None}


def _read_message(message: bytes) -> tuple[str, dict[str, object]]:
    head, _, body = message.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        key, _, value = line.partition(":")
        headers.setdefault(key.lower(), []).append(value.strip())
    if "chunked" in ", ".join(headers.get("transfer-encoding", [])).lower():
        body = _join_chunks(body)
    return first, {"headers": headers, "body": body}


def _join_chunks(body: bytes) -> bytes:
    parts: list[bytes] = []
    start = 0
    while (size := _CHUNK.match(body, start)) and int(size[1], 16):
        start = size.end() + int(size[1], 16)
        parts.append(body[size.end() : start])
        start += 2
    return b"".join(parts)
