"""
Reads back what `emit` wrote, several times faster than `read`, and declines all else.

What a text means is decided in `read` alone. Here a scalar is taken only if `emit` writes the value it seems to
have with these very characters, and a line only where `emit` would have put it; whoever is given DECLINED asks
`read`. So whatever is read here is what `read` returns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from claude_replay.cassette.yamltext.emit import (
    _KEY_LIMIT,
    _NOT_IN_BLOCK,
    MAX_DEPTH,
    _render_flow_text,
    _render_key,
    _render_line,
    _render_scalar,
)

__all__ = ["DECLINED", "read_own"]

DECLINED: Final = object()
"""What `read_own` returns for a text that `emit` did not write."""

# Far below what `read` takes on by default, for each value and each key is at least one character.
_LONGEST_TEXT = 5_000_000
_LONGEST_MEMO = 80
_NUMBER_STARTS = frozenset("-0123456789")
_WORDS = {_render_scalar(value): value for value in (None, True, False)}
_LONGEST_WORD = max(map(len, _WORDS))
# What an entry starts with: text for `read` too, though `emit` would quote those that start with a digit.
_ID = re.compile("[0-9a-f]{16}-[0-9a-f]{8}")

_QUOTED = r"""'[^']*+(?:''[^']*+)*+'|"[^"\\]*+(?:\\.[^"\\]*+)*+\""""
_NAME = rf"[A-Za-z_/][A-Za-z0-9_./+ -]*+|{_QUOTED}"
_VALUE = rf"[A-Za-z0-9_./+ -]++|{_QUOTED}"
# Indentation and dashes; then a key and what follows it, if anything, or an item.
_LINE = re.compile(rf"( *+)((?:- )*+)(?:({_NAME}):(?: (.++)|\Z)|(.++))", re.DOTALL)
# A collection on one line is cut at its commas: most of the pieces have been seen before.
_PIECES = re.compile(rf"((?:[^'\",]++|,(?! )|{_QUOTED})++)(?:, |\Z)", re.DOTALL)
# The collections that start in a piece; then a value, which may have a key; then the ends of collections.
_PIECE = re.compile(
    rf"((?:(?:(?:{_NAME}): )?+[\[{{])*+)(?:(?:({_NAME}): )?+({_VALUE}))?+([\]}}]*+)", re.DOTALL
)
_START = re.compile(rf"(?:({_NAME}): )?+([\[{{])", re.DOTALL)

_SCALAR, _WAITING, _BLOCK, _FLOW = range(4)
_NOWHERE = -1

_Line = tuple[int, int, str | None, int, Any]
"""Level, dashes, key if there is one, and of what kind the value is; the value, or what it is to be read from."""
_Members = tuple[tuple[str | None, object], ...]
_Piece = tuple[_Members, str]
"""Keys, None in a list, with values or with `dict` or `list` for one that starts; and the brackets at the end."""


def read_own(text: str) -> object:
    """
    Return the mapping or list that `emit` wrote as `text`, an exchange's id included; else DECLINED.

    Whatever `emit` would have written differently is declined, above all what people add: comments, other quotes.
    """
    if not text.endswith("\n") or len(text) > _LONGEST_TEXT:
        return DECLINED
    try:
        return _Tree(text).read()
    except ValueError:
        return DECLINED


class _Tree:
    """
    The innermost collection that is open, `here`, and those around it; methods raise ValueError to decline.

    The `level` of a collection tells where its lines start: twice the column, and for a list one more, as a list
    may stand in the column of the mapping it is in.
    """

    __slots__ = ("here", "level", "outer", "position", "text", "waiting")

    def __init__(self, text: str) -> None:
        is_list = text[0] == "-"
        self.text = text
        self.position = 0
        self.here: Any = [] if is_list else {}
        self.level = 1 if is_list else 0
        self.outer: list[tuple[Any, int]] = []
        # The key whose collection starts on the next line.
        self.waiting: str | None = None

    def read(self) -> object:
        root, text, end = self.here, self.text, len(self.text)
        while (start := self.position) < end:
            # To the end of the next line that can be followed by a literal block.
            header = text.find("|2", start)
            stop = text.find("\n", header) if header >= 0 else end - 1
            self.position = stop + 1
            self.add_lines(text[start:stop].split("\n"))
        if self.waiting is not None:
            raise ValueError
        return root

    def add_lines(self, lines: list[str]) -> None:
        """Add what stands on `lines`; a literal block can start on the last one only."""
        here, level = self.here, self.level if self.waiting is None else _NOWHERE
        for line in lines:
            at, dashes, key, kind, value = (
                _recall_line(line) if len(line) <= _LONGEST_MEMO else _read_line(line)
            )
            if at != level:
                here, level = self.move_to(at)
            if dashes and (key is not None or dashes > 1):
                here, level = self.open_items(dashes, key)
            if kind:
                if kind == _WAITING:
                    self.waiting, level = key, _NOWHERE
                elif kind == _FLOW:
                    value = _build_flow(value, MAX_DEPTH - len(self.outer) - 1)
                else:
                    value, self.position = _read_block(self.text, self.position, value, level // 2 + 2)
            if key is None:
                here.append(value)
            elif key in here:
                raise ValueError
            else:
                here[key] = value

    def move_to(self, level: int) -> tuple[Any, int]:
        """Open or close collections for a line of that level; returns the new `here` and its level."""
        if self.waiting is not None:
            if level - self.level not in (1, 4):
                raise ValueError
            child: Any = [] if level - self.level == 1 else {}
            self.here[self.waiting] = child
            self.waiting = None
            self.open(child, level)
        while self.level > level:
            self.here, self.level = self.outer.pop()
        if self.level != level:
            raise ValueError
        return self.here, level

    def open_items(self, dashes: int, key: str | None) -> tuple[Any, int]:
        """Open what starts after the dashes of a line: lists, and a mapping if there is a key."""
        for _ in range(dashes - 1):
            items: list[object] = []
            self.here.append(items)
            self.open(items, self.level + 4)
        if key is not None:
            entries: dict[str, object] = {}
            self.here.append(entries)
            self.open(entries, self.level + 3)
        return self.here, self.level

    def open(self, child: Any, level: int) -> None:
        self.outer.append((self.here, self.level))
        if len(self.outer) >= MAX_DEPTH:
            raise ValueError
        self.here, self.level = child, level


def _read_line(line: str) -> _Line:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError
    margin, dashes, name, token, item = found.groups()
    key = None if name is None else _read_key(name)
    if name is None:
        if not dashes:
            raise ValueError
        token = item
    kind = _SCALAR
    value: Any = None
    if token is None:
        kind = _WAITING
    elif token[0] in "{[":
        kind, value = _FLOW, _cut_flow(token)
    elif token in ("|2", "|2-", "|2+"):
        kind, value = _BLOCK, token
    else:
        value = _read_scalar(token, _render_line)
    return 2 * len(margin) + (1 if dashes else 0), len(dashes) // 2, key, kind, value


@lru_cache(maxsize=64)
def _end_of_block(width: int) -> re.Pattern[str]:
    return re.compile(rf"\n(?!\n| {{{width}}})")


def _read_block(text: str, start: int, header: str, width: int) -> tuple[str, int]:
    """The literal block whose lines start at `start` with `width` spaces, and the position after it."""
    end = _end_of_block(width).search(text, start - 1)
    # Nothing follows the line feed at the end of the text.
    assert end is not None
    block = text[start - 1 : end.end()]
    if _NOT_IN_BLOCK.search(block):
        raise ValueError
    block = block.replace("\n" + " " * width, "\n")
    last = block[-2:-1]
    if not last or (last == "\n") != (header == "|2+"):
        raise ValueError
    return block[1:-1] if header == "|2-" else block[1:], end.end()


def _cut_flow(token: str) -> list[_Piece]:
    """What the pieces of a collection on one line say."""
    pieces = token.split(", ")
    if "'" in token or '"' in token:
        pieces = _PIECES.findall(token)
        if ", ".join(pieces) != token:
            raise ValueError
    return [_recall_piece(piece) if len(piece) <= _LONGEST_MEMO else _read_piece(piece) for piece in pieces]


def _read_piece(piece: str) -> _Piece:
    found = _PIECE.fullmatch(piece)
    if found is None:
        raise ValueError
    starts, name, token, ends = found.groups()
    members: list[tuple[str | None, object]] = [
        (_read_key(key) if key else None, dict if bracket == "{" else list)
        for key, bracket in _START.findall(starts)
    ]
    if token is not None:
        members.append((_read_key(name) if name else None, _read_scalar(token, _render_flow_text)))
    if not members:
        raise ValueError
    return tuple(members), ends


def _build_flow(pieces: list[_Piece], room: int) -> object:
    """The collection that has those pieces, nested no deeper than `room`."""
    root: list[object] = []
    here: Any = root
    outer: list[Any] = []
    for members, ends in pieces:
        for key, value in members:
            is_start = type(value) is type
            if is_start:
                value = {} if value is dict else []
            if type(here) is list and key is None:
                here.append(value)
            elif type(here) is dict and key is not None and key not in here:
                here[key] = value
            else:
                raise ValueError
            if is_start:
                outer.append(here)
                here = value
        if len(outer) > room:
            raise ValueError
        for bracket in ends:
            if not outer or bracket != ("}" if type(here) is dict else "]"):
                raise ValueError
            here = outer.pop()
    if outer or len(root) != 1:
        raise ValueError
    return root[0]


@lru_cache(maxsize=1024)
def _read_key(token: str) -> str:
    text = _unquote(token)
    if len(token) >= _KEY_LIMIT or _render_key(text) != token + ":":
        raise ValueError
    return text


def _read_scalar(token: str, render: Callable[[str], str]) -> object:
    """The value for which `emit` writes `token`, with `render` if it is text."""
    if len(token) <= _LONGEST_WORD and token in _WORDS:
        return _WORDS[token]
    if token[0] in _NUMBER_STARTS and (number := _read_number(token)) is not None:
        return number
    text = _unquote(token)
    if render(text) != token and not _ID.fullmatch(token):
        raise ValueError
    return text


def _read_number(token: str) -> float | None:
    try:
        number = float(token) if "." in token else int(token)
        return number if _render_scalar(number) == token else None
    except ValueError:
        return None


def _unquote(token: str) -> str:
    if token[0] == "'":
        return token[1:-1].replace("''", "'")
    return str(json.loads(token)) if token[0] == '"' else token


_recall_line = lru_cache(maxsize=4096)(_read_line)
_recall_piece = lru_cache(maxsize=4096)(_read_piece)
