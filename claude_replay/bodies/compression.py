"""Content encodings, undone piece by piece or at once."""

from __future__ import annotations

import importlib
import zlib
from typing import Any, Protocol

__all__ = ["Decoder", "decompress", "decompressor"]

_ANY_ZLIB = zlib.MAX_WBITS | 32  # gzip or zlib, by its header
_PACKAGES = {"br": "brotli", "zstd": "zstandard"}


class Decoder(Protocol):
    """Takes compressed pieces as they arrive and gives what they unpack to."""

    def feed(self, data: bytes) -> bytes: ...


class _Plain:
    def feed(self, data: bytes) -> bytes:
        return data


class _Zlib:
    """Gzip and deflate; content that is neither, although its header says so, is passed through."""

    def __init__(self) -> None:
        self._inner: Any = None
        self._plain = False

    def feed(self, data: bytes) -> bytes:
        if self._plain or not data:
            return data
        if self._inner is None:
            return self._first(data)
        result = b""
        while data:
            if self._inner.eof:
                self._inner = zlib.decompressobj(_ANY_ZLIB)  # gzip allows several members in a row
            result += self._inner.decompress(data)
            data = self._inner.unused_data
        return result

    def _first(self, data: bytes) -> bytes:
        for window in (_ANY_ZLIB, -zlib.MAX_WBITS):
            self._inner = zlib.decompressobj(window)
            try:
                return self._inner.decompress(data) + (self.feed(rest) if (rest := self._inner.unused_data) else b"")
            except zlib.error:
                continue
        self._plain = True
        return data


class _Optional:
    """Brotli and Zstandard, by whichever library is installed; the HTTP client needed the same one."""

    def __init__(self, name: str) -> None:
        package = _PACKAGES[name]
        try:
            module = importlib.import_module(package)
        except ImportError:
            raise ValueError(
                f"the content-encoding {name!r} needs the package {package!r}: pip install {package}"
            ) from None
        self._error: type[Exception] = module.error if name == "br" else module.ZstdError
        self._decompress = module.Decompressor().process if name == "br" else module.ZstdDecompressor().decompressobj().decompress
        self._plain: bool | None = None

    def feed(self, data: bytes) -> bytes:
        if self._plain or not data:
            return data
        try:
            result = bytes(self._decompress(data))
        except self._error:
            if self._plain is False:
                raise ValueError("the compressed body is damaged") from None
            self._plain = True
            return data
        self._plain = False
        return result


class _Chain:
    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders

    def feed(self, data: bytes) -> bytes:
        for decoder in self._decoders:
            data = decoder.feed(data)
        return data


def decompressor(encoding: str) -> Decoder:
    """
    A decoder for a `content-encoding` header (several are separated by commas; empty: none).

    Content that is not compressed although the header says so passes unchanged: recorders in the wild keep the
    header over a body they already unpacked. Raises ValueError where the encoding is unknown or its library
    (`brotli`, `zstandard`) is not installed; `feed` raises ValueError for damaged content.
    """
    decoders: list[Decoder] = []
    for name in reversed([part.strip().lower() for part in encoding.split(",")]):
        if name in ("gzip", "x-gzip", "deflate"):
            decoders.append(_Zlib())
        elif name in _PACKAGES:
            decoders.append(_Optional(name))
        elif name not in ("", "identity"):
            raise ValueError(f"the content-encoding {name!r} is not known")
    return decoders[0] if len(decoders) == 1 else _Chain(decoders) if decoders else _Plain()


def decompress(content: bytes, encoding: str) -> bytes:
    """Undo a `content-encoding` at once; raises ValueError as `decompressor` does."""
    try:
        return decompressor(encoding).feed(content)
    except zlib.error as error:
        raise ValueError(f"the compressed body is damaged: {error}") from None
