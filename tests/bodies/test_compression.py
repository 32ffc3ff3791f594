"""Content encodings are undone, at once or piece by piece, or the error says why not."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable
from random import Random
from types import ModuleType
from typing import Any

import pytest

from claude_replay.bodies import decompress, decompressor

TEXT = ('{"text":"' + "naïve 日本 " * 40 + '"}').encode()
LONG = Random(1).randbytes(60_000).hex().encode()
PLAIN = [
    b"{}",
    b'event: ping\ndata: {"type": "ping"}\n\n',
    TEXT,
    b"x\x9c is how zlib begins",
    b"h",
    b"xyz" * 50,
]


def deflate_raw(content: bytes) -> bytes:
    """Deflate without zlib's header."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZip ": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
    "": bytes,
    "gzip, deflate": lambda content: zlib.compress(gzip.compress(content)),
    "deflate, identity,gzip": lambda content: gzip.compress(zlib.compress(content)),
}


def feed(pieces: list[bytes], encoding: str) -> bytes:
    """What the pieces unpack to, as they arrive."""
    decoder = decompressor(encoding)
    data = b"".join([decoder.feed(piece) for piece in pieces])
    decoder.finish()
    return data


def feed_split(content: bytes, encoding: str) -> set[bytes]:
    """What content unpacks to, split in two at each place, and in single bytes."""
    found = {feed([content[:place], content[place:]], encoding) for place in range(len(content) + 1)}
    return found | {feed([content[place : place + 1] for place in range(len(content))], encoding)}


@pytest.mark.parametrize("encoding", COMPRESSORS)
def test_compressed_content_is_unpacked(encoding: str) -> None:
    """Each encoding, several in a row too, in any spelling, at once or in pieces."""
    content = COMPRESSORS[encoding](TEXT)

    assert decompress(content, encoding) == TEXT
    assert feed_split(content, encoding) == {TEXT}
    assert decompress(COMPRESSORS[encoding](LONG), encoding) == LONG


def test_deflate_without_its_header_is_unpacked() -> None:
    """Some servers send raw deflate under that name."""
    assert decompress(deflate_raw(TEXT), "deflate") == TEXT
    assert feed_split(deflate_raw(TEXT), "deflate") == {TEXT}


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_members_may_stand_in_a_row(encoding: str) -> None:
    """What was compressed in parts is unpacked as a whole."""
    content = COMPRESSORS[encoding](TEXT[:50]) + COMPRESSORS[encoding](b"") + COMPRESSORS[encoding](TEXT[50:])

    assert decompress(content, encoding) == TEXT
    assert feed_split(content, encoding) == {TEXT}


@pytest.mark.parametrize("encoding", COMPRESSORS)
def test_no_content_stays_no_content(encoding: str) -> None:
    """Answers without a body carry the header too."""
    assert decompress(b"", encoding) == b""
    assert decompress(COMPRESSORS[encoding](b""), encoding) == b""


@pytest.mark.parametrize("content", PLAIN)
def test_a_plain_body_under_gzip_passes_unchanged(content: bytes) -> None:
    """Recorders in the wild keep the header over what they unpacked."""
    assert decompress(content, "gzip") == content
    assert feed_split(content, "gzip") == {content}


@pytest.mark.parametrize("content", [*PLAIN[:3], b"\x89PNG\r\n\x1a\n" + bytes(20)])
def test_a_plain_body_under_deflate_passes_unchanged(content: bytes) -> None:
    """Deflate has no mark of its own; what cannot be unpacked never was packed."""
    assert decompress(content, "deflate") == content


def test_a_plain_body_under_deflate_is_told_by_its_first_piece() -> None:
    """Piece by piece, what the first one cannot be unpacked from is taken for plain to the end."""
    assert feed([TEXT[:100], TEXT[100:], b""], "deflate") == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, deflate"])
def test_content_that_stops_early_is_an_error(encoding: str) -> None:
    """A shorter answer is never taken for the whole; what had come until then was given."""
    content = COMPRESSORS[encoding](LONG)
    decoder = decompressor(encoding)

    data = decoder.feed(content[:-9])

    assert LONG.startswith(data)
    assert len(data) > 40_000
    with pytest.raises(ValueError, match="ends too early"):
        decoder.finish()
    for end in (2, 11, len(content) // 2, len(content) - 1):
        with pytest.raises(ValueError, match="ends too early"):
            decompress(content[:end], encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_damaged_content_is_an_error(encoding: str) -> None:
    """Content that is damaged after a good start is no plain body."""
    content = bytearray(COMPRESSORS[encoding](LONG))
    content[30_000:30_100] = bytes(100)

    with pytest.raises(ValueError, match="compressed body is damaged: "):
        feed([bytes(content[place : place + 1000]) for place in range(0, len(content), 1000)], encoding)


def test_gzip_is_told_by_its_first_bytes() -> None:
    """What begins like gzip and is none is damaged, not plain."""
    with pytest.raises(ValueError, match="damaged"):
        decompress(b"\x1f\x8b\xff\xff and so on", "gzip")
    with pytest.raises(ValueError, match="damaged"):
        decompress(gzip.compress(TEXT) + b"and more", "gzip")


def test_an_unknown_encoding_is_named() -> None:
    """The header's own word is in the message."""
    with pytest.raises(ValueError, match="the content-encoding 'compress' is not known"):
        decompressor("gzip, compress")


@pytest.mark.parametrize(
    ("encoding", "modules", "package"),
    [
        ("br", ["brotli", "brotlicffi"], "brotli"),
        ("zstd", ["zstandard", "backports.zstd", "compression.zstd"], "zstandard"),
    ],
)
def test_a_missing_library_is_named(
    encoding: str, modules: list[str], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message gives the command that installs one."""
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ValueError, match=f"encoding '{encoding}' needs a package: pip install {package}"):
        decompress(b"...", encoding)


class Failure(Exception):
    """What the stand-ins for libraries raise."""


class Stream:
    """A decompressor whose format is four bytes of magic, then zlib's."""

    def __init__(self, magic: bytes) -> None:
        self._left = magic
        self._inner = zlib.decompressobj()

    eof = property(lambda self: self._inner.eof)
    unused_data = property(lambda self: self._inner.unused_data)
    is_finished = property(lambda self: lambda: self._inner.eof)

    def decompress(self, data: bytes) -> bytes:
        """Unpack a piece; fail as zlib does, under another name."""
        size = len(self._left)
        if not self._left.startswith(data[:size]):
            raise Failure("not mine")
        self._left, data = self._left[len(data) :], data[size:]
        try:
            return self._inner.decompress(data)
        except zlib.error as error:
            raise Failure(str(error)) from None

    process = decompress


class Context:
    """What makes decompressors in zstandard."""

    def decompressobj(self) -> Stream:
        """One decompressor."""
        return Stream(b"\x28\xb5\x2f\xfd")


def make_module(name: str) -> ModuleType:
    """A module with the interface of the library of this name; the format is a stand-in's."""
    module = ModuleType(name)
    fields: Any = module
    fields.error = fields.ZstdError = Failure
    if name.startswith("brotli"):
        fields.Decompressor = lambda: Stream(b"")
    elif name == "zstandard":
        fields.ZstdDecompressor = Context
    else:
        fields.ZstdDecompressor = Context().decompressobj
    return module


LIBRARIES = [
    ("br", "brotli"),
    ("br", "brotlicffi"),
    ("zstd", "zstandard"),
    ("zstd", "backports.zstd"),
    ("zstd", "compression.zstd"),
]


@pytest.mark.parametrize(("encoding", "library"), LIBRARIES)
def test_each_library_is_used_where_it_is_the_one_installed(
    encoding: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interfaces differ, the result does not: whole, in pieces, plain, damaged, cut."""
    for _, other in LIBRARIES:
        monkeypatch.setitem(sys.modules, other, make_module(other) if other == library else None)
    magic = b"\x28\xb5\x2f\xfd" if encoding == "zstd" else b""
    content = magic + zlib.compress(TEXT)

    assert decompress(content, encoding) == TEXT
    assert feed_split(content, encoding) == {TEXT}
    assert decompress(TEXT, encoding) == TEXT
    with pytest.raises(ValueError, match="ends too early"):
        decompress(content[:-3], encoding)
    with pytest.raises(ValueError, match="damaged"):
        feed([content[:40], bytes(40)], encoding)


@pytest.mark.parametrize(("encoding", "library"), LIBRARIES)
def test_real_libraries_unpack_what_they_packed(
    encoding: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one of the libraries is installed, it does what the test above takes it to do."""
    module: Any = pytest.importorskip(library)
    for _, other in LIBRARIES:
        if other != library:
            monkeypatch.setitem(sys.modules, other, None)
    content = module.ZstdCompressor().compress(TEXT) if library == "zstandard" else module.compress(TEXT)
    assert decompress(content, encoding) == TEXT
    assert feed_split(content, encoding) == {TEXT}
    with pytest.raises(ValueError, match="ends too early"):
        decompress(content[:-3], encoding)
