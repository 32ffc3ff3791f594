"""Compressed files and bodies of strangers, unpacked within limits."""

from __future__ import annotations

import gzip
import io
import zlib

from claude_replay.bodies import decompressor

__all__ = ["Unpacker", "gunzip", "is_gzip", "read_head"]

_MAGIC = b"\x1f\x8b"
_HEAD = 4096
_PIECE = 4096


def is_gzip(content: bytes) -> bool:
    """Whether the bytes are gzip's."""
    return content.startswith(_MAGIC)


def read_head(content: bytes) -> bytes:
    """The bytes of a file; of gzip the first ones, unpacked, where that can be."""
    if not is_gzip(content):
        return content
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(content, _HEAD)
    except zlib.error:
        return b""


def gunzip(content: bytes, limit: int) -> bytes:
    """Unpack gzip; raises ValueError where it is damaged, cut, or larger than `limit` bytes unpacked."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            data = file.read(limit + 1)
    except EOFError:
        raise ValueError("the gzip data ends too early; it may be cut") from None
    except (OSError, zlib.error) as error:
        raise ValueError(f"the gzip data is damaged ({error})") from None
    if len(data) > limit:
        raise ValueError(_too_large(limit))
    return data


class Unpacker:
    """Unpacks the bodies of one file, which together may not grow beyond `limit` bytes."""

    __slots__ = ("_left",)

    def __init__(self, limit: int) -> None:
        self._left = limit

    def unpack(self, content: bytes, encoding: str) -> bytes:
        """
        Undo a `content-encoding`; what is not compressed although the header says so comes back as it is.

        Raises ValueError where it cannot be undone or the limit is reached.
        """
        data = content
        for name in reversed([part.strip().lower() for part in encoding.split(",")]):
            data = self._undo(data, name)
        if data is not content:
            self._left -= len(data)
        return data

    def _undo(self, content: bytes, encoding: str) -> bytes:
        if encoding in ("", "identity"):
            return content
        if encoding in ("gzip", "x-gzip"):
            return gunzip(content, self._left) if is_gzip(content) else content
        if encoding == "deflate":
            return _inflate(content, self._left)
        return content if _is_text(content) else _decompress(content, encoding, self._left)


def _inflate(content: bytes, limit: int) -> bytes:
    # With zlib's header or without; text is neither, and only the header proves that the rest is missing.
    for window in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        decoder = zlib.decompressobj(window)
        try:
            data = decoder.decompress(content, limit + 1)
        except zlib.error:
            continue
        if len(data) > limit:
            raise ValueError(_too_large(limit))
        if decoder.eof:
            return data
        if window > 0 and content:
            raise ValueError("the deflate data ends too early; it may be cut")
    return content


def _decompress(content: bytes, encoding: str, limit: int) -> bytes:
    decoder = decompressor(encoding)
    data = bytearray()
    for start in range(0, len(content), _PIECE):
        data += decoder.feed(content[start : start + _PIECE])
        if len(data) > limit:
            raise ValueError(_too_large(limit))
    return bytes(data)


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _too_large(limit: int) -> str:
    return f"unpacked it is larger than the {limit:,} bytes that are left of what a cassette may have"
