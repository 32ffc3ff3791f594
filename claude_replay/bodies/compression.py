"""Content encodings, undone piece by piece or at once."""

from __future__ import annotations

import importlib
import re
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

__all__ = ["Decoder", "decompress", "decompressor"]

_Make = Callable[[], Any]

# Modules that undo an encoding, of which the first that is installed is taken; the first package is advised.
_MODULES = {
    "br": ("brotli", "brotlicffi"),
    "zstd": ("zstandard", "backports.zstd", "compression.zstd"),
}


# What no text of an API contains, and hardly any compressed body does not.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Decoder(Protocol):
    """Takes compressed pieces as they arrive and gives what they unpack to."""

    def feed(self, data: bytes) -> bytes:
        """What the next piece unpacks to; raises ValueError where it is damaged."""
        ...

    def finish(self) -> None:
        """Raise ValueError where what was fed stops before its end."""
        ...


class _Unpacker:
    """
    Undoes one encoding, or passes on what never was in it.

    `makers` give the decompressors it may mean, the likeliest first. What does not begin with `magic` is not
    compressed; without a magic, what none of them accepts.
    """

    def __init__(self, makers: Sequence[_Make], error: type[Exception], magic: bytes = b"") -> None:
        self._makers = makers
        self._error = error
        self._magic = magic
        # What came before the first output: until then it may be something else after all.
        self._head: bytes | None = b""
        self._make = makers[0]
        self._inner: Any = None

    def feed(self, data: bytes) -> bytes:
        if not data:
            return b""
        if self._head is None:
            return data if self._inner is None else self._unpack(data)
        self._head += data
        if self._head.startswith(self._magic[: len(self._head)]):
            for make in self._makers:
                self._make, self._inner = make, make()
                try:
                    result = self._unpack(self._head)
                except ValueError:
                    if self._magic:
                        raise
                    continue
                if result:
                    self._head = None
                return result
        head, self._inner, self._head = self._head, None, None
        return head

    def _unpack(self, data: bytes) -> bytes:
        result = b""
        try:
            while data:
                if self._inner.eof:
                    # Members may stand in a row, each compressed on its own.
                    self._inner = self._make()
                result += self._inner.decompress(data)
                data = self._inner.unused_data
        except self._error as error:
            raise ValueError(f"the compressed body is damaged: {error}") from None
        return result

    def finish(self) -> None:
        if self._inner is not None and not self._inner.eof:
            raise ValueError("the compressed body ends too early; it may be cut")


class _Brotli:
    """Brotli's decompressor, as zlib's are used."""

    unused_data = b""

    def __init__(self, module: Any) -> None:
        self._inner = module.Decompressor()

    @property
    def eof(self) -> bool:
        # Where the library cannot tell, nothing has ended yet.
        return bool(getattr(self._inner, "is_finished", bool)())

    def decompress(self, data: bytes) -> bytes:
        return bytes(self._inner.process(data))


class _Chain:
    def __init__(self, decoders: Sequence[Decoder]) -> None:
        self._decoders = decoders

    def feed(self, data: bytes) -> bytes:
        for decoder in self._decoders:
            data = decoder.feed(data)
        return data

    def finish(self) -> None:
        for decoder in self._decoders:
            decoder.finish()


def decompressor(encoding: str) -> Decoder:
    """
    A decoder for a `content-encoding` header (several are separated by commas; empty: none).

    Content that is not compressed although the header says so passes unchanged: recorders in the wild keep
    the header over a body they already unpacked. Raises ValueError where the encoding is unknown or needs a
    library (`brotli`, `zstandard`) that is not installed.
    """
    names = [part.strip().lower() for part in encoding.split(",")]
    return _Chain([_find_unpacker(name) for name in reversed(names) if name not in ("", "identity")])


def _find_unpacker(name: str) -> Decoder:
    if name in ("gzip", "x-gzip"):
        return _Unpacker([partial(zlib.decompressobj, zlib.MAX_WBITS | 16)], zlib.error, b"\x1f\x8b")
    if name == "deflate":
        # The standard says zlib, some servers send it without zlib's header.
        raw = partial(zlib.decompressobj, -zlib.MAX_WBITS)
        return _Unpacker([zlib.decompressobj, raw], zlib.error)
    if name == "br":
        module = _import_first(name)
        return _Unpacker([partial(_Brotli, module)], module.error)
    if name == "zstd":
        module = _import_first(name)
        make = module.ZstdDecompressor
        if module.__name__ == "zstandard":
            return _Unpacker([lambda: make().decompressobj()], module.ZstdError, b"\x28\xb5\x2f\xfd")
        return _Unpacker([make], module.ZstdError, b"\x28\xb5\x2f\xfd")
    raise ValueError(f"the content-encoding {name!r} is not known")


def _import_first(encoding: str) -> Any:
    for name in _MODULES[encoding]:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    package = _MODULES[encoding][0]
    raise ValueError(f"the content-encoding {encoding!r} needs a package: pip install {package}")


def decompress(content: bytes, encoding: str) -> bytes:
    """Undo a `content-encoding` at once; raises ValueError where that fails or the end is missing."""
    decoder = decompressor(encoding)
    if _is_text(content):
        return content
    data = decoder.feed(content)
    decoder.finish()
    return data


def _is_text(content: bytes) -> bool:
    try:
        return _CONTROL.search(content.decode("utf-8")) is None
    except UnicodeDecodeError:
        return False
