"""Uploads in parts, whatever boundary a client has drawn for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from claude_replay.bodies.jsontext import dump_json, load_json
from claude_replay.exchange import Binary, Json, Multipart, Part, Text

__all__ = [
    "MULTIPART",
    "MULTIPART_BOUNDARY",
    "decode_multipart",
    "describe_part",
    "encode_multipart",
    "part_headers",
]

MULTIPART = "multipart/form-data"
"""The media type of uploads."""

MULTIPART_BOUNDARY = "claude-replay-boundary"
"""What stands between the parts where an upload is written anew."""

_OPENING = re.compile(rb"--([0-9A-Za-z'()+_,./:=?-]{1,70})\r\n")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_DISPOSITION = re.compile(r'form-data; name="([^"]*)"(?:; filename="([^"]*)")?')
# Says how many bytes there are: the client's affair, as the boundary is.
_TRANSFER = ("content-length",)


def decode_multipart(content: bytes) -> Multipart | None:
    """
    The parts of an upload, which says itself what its boundary is.

    None where the content is no upload from its first byte to its last.
    """
    opening = _OPENING.match(content)
    if opening is None:
        return None
    separator = b"\r\n--" + opening[1]
    pieces = (b"\r\n" + content).split(separator)
    if pieces[0] or pieces[-1].rstrip(b"\r\n") != b"--":
        return None
    parts = [_read_part(piece) for piece in pieces[1:-1]]
    known = tuple(part for part in parts if part is not None)
    return Multipart(known) if len(known) == len(parts) else None


def _read_part(piece: bytes) -> Part | None:
    head, blank, content = piece.partition(b"\r\n\r\n")
    if not blank or not head.startswith(b"\r\n"):
        return None
    headers: dict[str, str] = {}
    for line in head[2:].decode("utf-8", "surrogateescape").split("\r\n"):
        found = _HEADER.fullmatch(line)
        if found is None or not found[2].isprintable() or found[1].lower() in headers:
            return None
        headers[found[1].lower()] = found[2]
    kept = {name: value for name, value in headers.items() if name not in _TRANSFER}
    return Part(kept, _read_content(content, kept))


def _read_content(content: bytes, headers: Mapping[str, str]) -> Json | Text | Binary | None:
    if not content:
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return Binary(content)
    if headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
        parsed = load_json(text)
        # What somebody uploads as a file is kept as it is written.
        if parsed is not None and dump_json(parsed.value) == content:
            return parsed
    return Text(text)


def encode_multipart(body: Multipart) -> Iterator[bytes]:
    """The pieces of an upload, between boundaries of our own."""
    for part in body.parts:
        yield f"--{MULTIPART_BOUNDARY}\r\n".encode()
        for name, value in part.headers.items():
            yield f"{name.title()}: {value}\r\n".encode()
        yield b"\r\n"
        if isinstance(part.body, Json):
            yield dump_json(part.body.value)
        elif isinstance(part.body, Text):
            yield part.body.text.encode()
        elif part.body is not None:
            yield part.body.data
        yield b"\r\n"
    yield f"--{MULTIPART_BOUNDARY}--\r\n".encode()


def describe_part(headers: Mapping[str, str]) -> dict[str, object]:
    """`name`, `filename` and `type` of a part, as far as it has them; `headers` where it says more than that."""
    found = _DISPOSITION.fullmatch(headers.get("content-disposition", ""))
    if found is None or not headers.keys() <= {"content-disposition", "content-type"}:
        return {"headers": dict(headers)}
    fields = {"name": found[1], "filename": found[2], "type": headers.get("content-type")}
    return {key: value for key, value in fields.items() if value is not None}


def part_headers(fields: Mapping[str, object]) -> dict[str, str]:
    """The headers that `describe_part` has described; raises ValueError where a value is no text."""
    described = fields.get("headers", {})
    texts = [fields[key] for key in ("name", "filename", "type") if key in fields]
    if not isinstance(described, dict) or not all(map(_is_text, [*described.values(), *texts])):
        raise ValueError("name, filename and type are text, headers a mapping to text")
    if described:
        return dict(described)
    filename = f'; filename="{fields["filename"]}"' if "filename" in fields else ""
    kind = {"content-type": str(fields["type"])} if "type" in fields else {}
    return {"content-disposition": f'form-data; name="{fields.get("name", "")}"{filename}', **kind}


def _is_text(value: object) -> bool:
    return isinstance(value, str)
