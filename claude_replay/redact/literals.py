"""The written forms of a known secret."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, quote_plus

__all__ = ["MIN_LITERAL", "LiteralForm", "literal_forms"]

MIN_LITERAL = 8
"""Shorter values are too likely to be an ordinary word."""

_MIN_ENCODED = 16
_BASE64_CHAR = "[A-Za-z0-9+/_-]?"
# From the rarest on: prose has few of them, base64 and hexadecimal numbers have some.
_RARE = "QZXJ~qzjVKYUWxv%HGFBNRLOEDSPCMA9876543210"


@dataclass(frozen=True, slots=True)
class LiteralForm:
    """
    One way a secret may be written: a text that must occur, and the pattern of all that goes with it.

    `hints` are that text, also as UTF-8 read as Latin-1, each behind the rarest of its characters.
    """

    needle: str = field(repr=False)
    source: str = field(repr=False)
    hints: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when the text does occur, as it nearly never does."""
        return re.compile(self.source)


# Each test has its own redactor, and the same environment.
@lru_cache(maxsize=1024)
def literal_forms(literal: str, *, in_base64: bool = True) -> tuple[LiteralForm, ...]:
    """
    The forms of `literal`: as it is, percent-encoded, JSON-escaped, UTF-8 read as Latin-1, and within base64.

    Base64 is looked for from 16 characters on, at each of the three offsets that neighbors in the same base64
    text ("user:key") can give it.
    """
    plain = dict.fromkeys(_spellings(literal))
    forms = {text: re.escape(text) for text in plain}
    if in_base64 and len(literal) >= _MIN_ENCODED:
        for offset in range(3):
            for core, source in _base64_forms(literal, offset):
                forms.setdefault(core, source)
    return tuple(LiteralForm(needle, source, _find_hints(needle)) for needle, source in forms.items())


def _find_hints(needle: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (next((character for character in _RARE if character in text), text[0]), text)
        for text in dict.fromkeys((needle, _read_as_latin(needle)))
    )


def _read_as_latin(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _spellings(literal: str) -> Iterator[str]:
    yield literal
    yield _read_as_latin(literal)
    utf8 = literal.encode("utf-8", "surrogatepass")
    for safe in ("", "/"):
        quoted = quote(utf8, safe=safe)
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda escape: escape.group().lower(), quoted)
    yield quote_plus(utf8)
    for ascii_only in (True, False):
        escaped = json.dumps(literal, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")


def _base64_forms(literal: str, offset: int) -> Iterator[tuple[str, str]]:
    data = b"\0" * offset + literal.encode("utf-8", "surrogatepass")
    # The first and last characters may also hold bits of the neighbors; they go, but are not looked for.
    first, end = (0, 2, 3)[offset], len(data) * 8 // 6
    whole = len(data) % 3 == 0
    for encoded in dict.fromkeys((base64.b64encode(data), base64.urlsafe_b64encode(data))):
        core = encoded.decode("ascii")[first:end]
        before = _BASE64_CHAR if offset else ""
        after = "" if whole else f"{_BASE64_CHAR}={{0,2}}"
        yield core, before + re.escape(core) + after
