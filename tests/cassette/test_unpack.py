"""What strangers compressed is unpacked within limits, and its errors are named."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
import types
import zlib

import pytest

from claude_replay.cassette.formats.unpack import Unpacker

BOMB = bytes(50_000_000)


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", gzip.compress(BOMB, mtime=0)),
        ("deflate", zlib.compress(BOMB)),
        ("deflate", zlib.compress(BOMB)[2:-4]),
        ("gzip, gzip", gzip.compress(gzip.compress(BOMB, mtime=0), mtime=0)),
        ("deflate, gzip", gzip.compress(zlib.compress(BOMB), mtime=0)),
    ],
)
def test_bodies_share_a_limit_that_no_bomb_exceeds(encoding: str, bomb: bytes) -> None:
    """What goes beyond what the bodies before it left is refused before it fills the memory."""
    unpacker = Unpacker(90_000)
    assert unpacker.unpack(gzip.compress(bytes(20_000), mtime=0), "gzip") == bytes(20_000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="unpacked it is larger than the 70,000 bytes that are left"):
        unpacker.unpack(bomb, encoding)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_what_is_not_compressed_counts_nothing() -> None:
    """A body that comes back as it was took its memory already."""
    unpacker = Unpacker(10)
    assert unpacker.unpack(b"x" * 99, "gzip") == b"x" * 99
    assert unpacker.unpack(b"x" * 99, "") == b"x" * 99
    assert unpacker.unpack(gzip.compress(b"0123456789", mtime=0), "gzip") == b"0123456789"


def test_cut_deflate_data_is_an_error_where_it_can_be_told() -> None:
    """zlib's header says that more must come; without it, what does not end is left as it is."""
    packed = zlib.compress(b"0123456789")
    unpacker = Unpacker(100)
    with pytest.raises(ValueError, match="the deflate data ends too early; it may be cut"):
        unpacker.unpack(packed[:-5], "deflate")
    assert unpacker.unpack(packed[2:-6], "deflate") == packed[2:-6]
    assert unpacker.unpack(b"", "deflate") == b""


def test_an_unknown_encoding_over_text_is_no_encoding() -> None:
    """What can be read is not compressed, whatever the header says; what cannot is named."""
    unpacker = Unpacker(10)
    assert unpacker.unpack(b"text", "br") == b"text"
    assert unpacker.unpack(b"text", "utf-8") == b"text"
    with pytest.raises(ValueError, match="the content-encoding 'utf-8' is not known"):
        unpacker.unpack(b"\xff", "utf-8")


def test_brotli_is_unpacked_piece_by_piece_by_the_installed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the reason says what to install; with it, the limit holds from piece to piece."""
    monkeypatch.setitem(sys.modules, "brotli", None)
    with pytest.raises(ValueError, match="pip install brotli"):
        Unpacker(50).unpack(b"\xff", "br")

    class Decompressor:
        def process(self, data: bytes) -> bytes:
            return b"x" * (len(data) // 1024)

    package = types.ModuleType("brotli")
    package.__dict__.update(error=RuntimeError, Decompressor=Decompressor)
    monkeypatch.setitem(sys.modules, "brotli", package)
    assert Unpacker(50).unpack(b"\xff" * 8192, "br") == b"x" * 8
    with pytest.raises(ValueError, match="unpacked it is larger than the 50 bytes"):
        Unpacker(50).unpack(b"\xff" * 90_000, "br")
