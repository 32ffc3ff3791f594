"""Finding and cutting out the secrets of a text."""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from claude_replay.redact.literals import LiteralForm, literal_forms
from claude_replay.redact.placeholder import PLACEHOLDER
from claude_replay.redact.shapes import SHAPES, ShapeGroup, loose_shapes

__all__ = ["Scanner", "Span"]

Span = tuple[int, int]

_PLACEHOLDERS = re.compile(re.escape(PLACEHOLDER))
# A pattern that matches what a replacement left beside it may need another round; none needs many.
_MAX_ROUNDS = 20
_PLAIN = re.compile(r"[\w.~+/=-]+", re.ASCII)


class Scanner:
    """
    What counts as a secret: known values, patterns of the user, and the shapes everybody knows.

    Of `cookies`, which nobody sends in base64, that is not looked for.

    Immutable. It has no useful repr on purpose: reports of failed tests print the values of variables.
    """

    __slots__ = ("_forms", "_is_plain", "_needles", "cookies", "literals", "patterns")

    def __init__(
        self,
        literals: Iterable[str] = (),
        patterns: Iterable[re.Pattern[str]] = (),
        cookies: Sequence[str] = (),
    ) -> None:
        self.literals = tuple(sorted(set(literals), key=lambda literal: (-len(literal), literal)))
        self.patterns = tuple(patterns)
        self.cookies = tuple(cookies)
        forms = [form for literal in self.literals for form in literal_forms(literal)]
        for cookie in self.cookies:
            forms += literal_forms(cookie, in_base64=False)
        self._forms = tuple(forms)
        self._needles = _group_needles(forms)
        self._is_plain = all(map(_PLAIN.fullmatch, (*self.literals, *self.cookies)))

    def with_literal(self, literal: str) -> Scanner:
        """This scanner with one known value more."""
        return Scanner((*self.literals, literal), self.patterns, self.cookies)

    def with_cookies(self, cookies: Sequence[str]) -> Scanner:
        """This scanner with these cookies in place of those it knows."""
        return Scanner(self.literals, self.patterns, cookies)

    def may_hold(self, value: object) -> bool:
        """Whether a string anywhere in this JSON value may hold a secret; False is certain."""
        if self.patterns:
            return True
        try:
            # All strings one after the other, by far the cheapest way to look at them at once.
            flat = marshal.dumps(cast(Any, value))
        except ValueError:
            return True
        return self.suspects(flat.decode("latin-1"))

    def may_be_in(self, document: str) -> bool:
        """
        Whether a string written in this JSON or YAML, whatever its quotes and lines, may hold a secret.

        False is certain: no notation changes the letters by which shapes give themselves away.
        """
        return not self._is_plain or self.suspects(document)

    def suspects(self, text: str) -> bool:
        """Whether `text` may hold a secret; False is certain."""
        for group in SHAPES:
            if group.hint in text and group.head(text):
                return True
        for hint, needles in self._needles:
            if hint in text and any(map(text.__contains__, needles)):
                return True
        return bool(self.patterns)

    def spans(self, text: str) -> list[Span]:
        """Where secrets stand, in order, without overlaps; placeholders are none."""
        return self.piece_spans((text,))

    def found_in_data(self, data: bytes) -> bool:
        """Whether bytes hold a secret as ASCII, UTF-8 or UTF-16 text."""
        text = data.decode("latin-1")
        if any(True for _ in self._matches(text, loose_shapes())):
            return True
        # Without its zeros, UTF-16 of either byte order (and UTF-32) is Latin-1.
        return "\0" in text and any(True for _ in self._matches(text.replace("\0", ""), loose_shapes()))

    def clean(self, text: str) -> str:
        """`text` with a placeholder for each secret; the same object where there is none."""
        cleaned = self.clean_pieces((text,))
        return text if cleaned is None else cleaned[0]

    def clean_pieces(self, pieces: Sequence[str]) -> Sequence[str] | None:
        """
        Pieces of one text without the secrets in one piece or across several; None where there are none.

        A placeholder goes where its secret begins. There are as many pieces as before.
        """
        spans = self.piece_spans(pieces)
        if not spans:
            return None
        for _ in range(_MAX_ROUNDS):
            pieces = _cut(pieces, spans)
            spans = self.piece_spans(pieces)
            if not spans:
                break
        return pieces

    def piece_spans(self, pieces: Sequence[str]) -> list[Span]:
        """Where secrets stand in the joined text of `pieces`."""
        text = pieces[0] if len(pieces) == 1 else "".join(pieces)
        if not self.suspects(text):
            return []
        found = list(self._matches(text, SHAPES))
        if len(pieces) > 1:
            # What is no secret where it stands may look like one when the pieces are written one by one.
            offset = 0
            for piece in pieces:
                found += [(start + offset, end + offset) for start, end in self.spans(piece)]
                offset += len(piece)
        return _merge_spans(text, found) if found else []

    def _matches(self, text: str, groups: Iterable[ShapeGroup]) -> Iterator[Span]:
        for group in groups:
            if group.hint in text and group.head(text):
                for pattern in group.patterns:
                    yield from (match.span(match.lastindex or 0) for match in pattern.finditer(text))
        for form in self._forms:
            if form.needle in text:
                yield from (match.span() for match in form.pattern.finditer(text))
        for pattern in self.patterns:
            yield from (match.span() for match in pattern.finditer(text) if match.group())


def _group_needles(forms: Iterable[LiteralForm]) -> tuple[tuple[str, list[str]], ...]:
    # Looking for one character is many times quicker than for a word.
    groups: dict[str, list[str]] = {}
    for form in forms:
        for hint, needle in form.hints:
            groups.setdefault(hint, []).append(needle)
    return tuple(groups.items())


def _merge_spans(text: str, found: Iterable[Span]) -> list[Span]:
    # A span that cuts a placeholder takes all of it, and one that holds nothing else is no secret: thus
    # redacting what is redacted changes nothing, whatever the patterns are.
    merged: list[Span] = []
    for start, end in sorted({*found, *(match.span() for match in _PLACEHOLDERS.finditer(text))}):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return [(start, end) for start, end in merged if text[start:end].replace(PLACEHOLDER, "")]


def _cut(pieces: Sequence[str], spans: Sequence[Span]) -> Sequence[str]:
    result: list[str] = []
    offset = 0
    current = 0
    for piece in pieces:
        end = offset + len(piece)
        kept: list[str] = []
        position = offset
        while current < len(spans) and spans[current][0] < end:
            start, stop = spans[current]
            if start >= offset:
                kept += (piece[position - offset : start - offset], PLACEHOLDER)
            position = min(stop, end)
            if stop > end:
                break
            current += 1
        kept.append(piece[position - offset :])
        result.append("".join(kept))
        offset = end
    return result
