"""
Reads back what `emit` wrote, several times faster than `read`, and declines everything else.

What a text means is decided in `read` alone. Here a scalar is taken only if `emit` writes the value it seems
to have with these very characters, and a line only where `emit` would have put it; who is given DECLINED asks
`read`. So whatever is read here is what `read` returns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Final

from claude_replay.cassette.yamltext.emit import (
    _KEY_LIMIT,
    _NOT_IN_BLOCK,
    MAX_DEPTH,
    _render_flow_text,
    _render_key,
    _render_line,
    _render_scalar,
    has_controls,
    has_separators,
)
from claude_replay.cassette.yamltext.limits import NUMBER

__all__ = ["DECLINED", "read_own"]

DECLINED: Final = object()
"""What `read_own` returns for a text that is not in the layout of `emit`."""

# Far below what `read` takes on by default, for each value and each key is at least one character.
_LONGEST_TEXT = 5_000_000
_LONGEST_MEMO = 80
_WORDS = {_render_scalar(value): value for value in (None, True, False)}
_NUMBER_STARTS = frozenset("-0123456789")
# What an entry starts with and others point at: text for `read` too, though `emit` quotes those that start with
# a digit.
_ID = re.compile("[0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{16})?(?:/[1-9][0-9]*)?")

_QUOTED = r"""'[^']*+(?:''[^']*+)*+'|"[^"\\]*+(?:\\.[^"\\]*+)*+\""""
_NAME = rf"[A-Za-z_/][A-Za-z0-9_./+ -]*+|{_QUOTED}"
# Indentation, dashes, and a key or none; then a value, an item, or nothing.
_LINE = re.compile(rf"( *+)((?:- )*+)(?:({_NAME}):(?: (?=.)|\Z))?+(.*)", re.DOTALL)
# What stands between the commas of a collection on one line; empty for all from where it is none.
_PIECE = re.compile(rf"((?:[^'\",]++|,(?! )|{_QUOTED})++)(?:, |\Z)|.++", re.DOTALL)
# Key, value or start of a collection, and ends of collections; empty for all from where it is none.
_MEMBER = re.compile(
    rf"(?:({_NAME}): )?+(?:([A-Za-z0-9_./+ -]++|{_QUOTED})|([\[{{]))([\]}}]*+)|.++", re.DOTALL
)
_STARTS = {"[": list, "{": dict}

_SCALAR, _WAITING, _BLOCK, _FLOW, _FLAT = range(5)
_NOWHERE = -1
_Line = tuple[int, tuple[int, ...], str | None, int, Any]
"""Level, levels of the collections that start after its first dash, key or None, kind of value, and value."""
_Piece = tuple[list[tuple[str | None, object]], str]
"""Keys, None in a list, each with a value, or with `dict` or `list` for what starts; and closing brackets."""


def read_own(data: bytes) -> object:
    """
    Return the mapping or list that `emit` wrote, in UTF-8; DECLINED for what it would write differently.

    An exchange of a cassette is not declined for its id, which stands there unquoted whatever it starts with.
    """
    if not data.endswith(b"\n") or len(data) > _LONGEST_TEXT:
        return DECLINED
    try:
        return _Tree(data).read()
    except (ValueError, LookupError):
        return DECLINED


class _Tree:
    """
    The innermost collection that is open, `here`, and those around it; methods raise ValueError to decline.

    The `level` of a collection tells where its lines start: twice the column, and for a list one more, as a
    list may stand in the column of the mapping it is in.
    """

    __slots__ = ("data", "has_controls", "here", "level", "outer", "position", "waiting")

    def __init__(self, data: bytes) -> None:
        self.data = data
        # Once, and not for each literal block.
        self.has_controls = has_controls(data)
        self.position = 0
        self.level = 1 if data[:1] == b"-" else 0
        self.here: Any = [] if self.level else {}
        self.outer: list[tuple[Any, int]] = []
        # The key whose collection starts on the next line.
        self.waiting: str | None = None

    def read(self) -> object:
        root, data, end = self.here, self.data, len(self.data)
        while (start := self.position) < end:
            # To the end of the next line that can be followed by a literal block.
            header = data.find(b"|2", start)
            stop = data.find(b"\n", header) if header >= 0 else end - 1
            self.position = stop + 1
            self.add_lines(data[start:stop].split(b"\n"))
        if self.waiting is not None:
            raise ValueError
        return root

    def add_lines(self, lines: list[bytes]) -> None:
        """Add what stands on `lines`; a literal block can start on the last one only."""
        here, level = self.here, self.level if self.waiting is None else _NOWHERE
        for line in lines:
            read_line = _recall_line if len(line) <= _LONGEST_MEMO else _read_line
            at, starts, key, kind, value = read_line(line)
            if at != level or starts:
                here, level = self.move_to(at, starts)
            if kind:
                if kind == _WAITING:
                    self.waiting, level = key, _NOWHERE
                elif kind == _FLAT:
                    if len(self.outer) + 2 > MAX_DEPTH:
                        raise ValueError
                    value = value.copy()
                elif kind == _FLOW:
                    value = _build_flow(value, MAX_DEPTH - len(self.outer) - 1)
                else:
                    value = self.read_block(value, level // 2 + 2)
            if key is None:
                here.append(value)
            elif key in here:
                raise ValueError
            else:
                here[key] = value

    def move_to(self, level: int, starts: tuple[int, ...]) -> tuple[Any, int]:
        """Open or close collections until a line of that level fits, then open those that start on it."""
        if self.waiting is not None:
            if level - self.level not in (1, 4):
                raise ValueError
            self.open(level)
        while self.level > level:
            self.here, self.level = self.outer.pop()
        if self.level != level:
            raise ValueError
        for start in starts:
            self.open(start)
        return self.here, self.level

    def read_block(self, header: str, width: int) -> str:
        """The literal block whose lines start at the position with `width` spaces."""
        end = _end_of_block(width).search(self.data, self.position - 1)
        # Nothing follows the line feed at the end of the text.
        assert end is not None
        block = self.data[self.position - 1 : end.end()].replace(b"\n" + b" " * width, b"\n")
        self.position = end.end()
        last = block[-2:-1]
        if not last or (last == b"\n") != (header == "|2+"):
            raise ValueError
        text = (block[1:-1] if header == "|2-" else block[1:]).decode("utf-8")
        if (self.has_controls and _NOT_IN_BLOCK.search(text)) or has_separators(text):
            raise ValueError
        return text

    def open(self, level: int) -> None:
        self.outer.append((self.here, self.level))
        if len(self.outer) >= MAX_DEPTH:
            raise ValueError
        child: Any = [] if level % 2 else {}
        if self.waiting is None:
            self.here.append(child)
        else:
            self.here[self.waiting] = child
            self.waiting = None
        self.here, self.level = child, level


def _read_line(line: bytes) -> _Line:
    found = _LINE.fullmatch(line.decode("utf-8"))
    assert found is not None
    margin, dashes, name, token = found.groups()
    if not (name or (dashes and token)):
        raise ValueError
    kind, value = _SCALAR, token
    if not token:
        kind = _WAITING
    elif token[0] in _STARTS:
        # Where nothing in it starts another one, it is built once for all times that this line is seen.
        is_flat = len(token) > 2 and sum(map(token.count, "[]{}")) == 2
        kind, value = (_FLAT, _read_flat(token)) if is_flat else (_FLOW, _cut_flow(token))
    elif token in ("|2", "|2-", "|2+"):
        kind = _BLOCK
    else:
        value = _read_scalar(token, _render_line)
    key = _read_key(name) if name else None
    level, width = 2 * len(margin) + (1 if dashes else 0), 2 * len(dashes)
    starts = (*range(level + 4, level + width, 4), *((level + width - 1,) if dashes and name else ()))
    return level, starts, key, kind, value


# There are no more widths than levels.
@cache
def _end_of_block(width: int) -> re.Pattern[bytes]:
    return re.compile(rb"\n(?!\n| {%d})" % width)


def _read_flat(token: str) -> object:
    """A collection on one line with nothing but scalars in it."""
    pieces = _cut(token[1:-1])
    members = [
        _recall_member(piece) if len(piece) <= _LONGEST_MEMO else _read_member(piece) for piece in pieces
    ]
    keys = [key for key, _ in members]
    if token[0] == "[":
        if token[-1] != "]" or any(key is not None for key in keys):
            raise ValueError
        return [value for _, value in members]
    found = dict(members)
    if token[-1] != "}" or None in found or len(found) != len(members):
        raise ValueError
    return found


def _read_member(piece: str) -> tuple[str | None, object]:
    found = _MEMBER.fullmatch(piece)
    if not found or not found[2] or found[4]:
        raise ValueError
    return _read_key(found[1]) if found[1] else None, _read_scalar(found[2], _render_flow_text)


def _cut(text: str) -> list[str]:
    """What stands between the commas of a collection on one line."""
    if "'" not in text and '"' not in text:
        return text.split(", ")
    pieces = _PIECE.findall(text)
    if ", ".join(pieces) != text:
        raise ValueError
    return pieces


def _cut_flow(token: str) -> list[_Piece]:
    pieces = _cut(token)
    return [_recall_piece(piece) if len(piece) <= _LONGEST_MEMO else _read_piece(piece) for piece in pieces]


def _read_piece(piece: str) -> _Piece:
    *starts, last = found = _MEMBER.findall(piece)
    members = [
        (
            _read_key(name) if name else None,
            _read_scalar(token, _render_flow_text) if token else _STARTS[bracket],
        )
        for name, token, bracket, _ in found
    ]
    if any(token or ends for _, token, _, ends in starts) or not (last[1] or last[3]):
        raise ValueError
    return members, last[3]


def _build_flow(pieces: list[_Piece], room: int) -> object:
    """The collection that has those pieces, nested no deeper than `room`."""
    root: list[object] = []
    outer: list[Any] = []
    here: Any = root
    for members, ends in pieces:
        for key, value in members:
            is_start = type(value) is type
            child: Any = ({} if value is dict else []) if is_start else value
            if type(here) is list and key is None:
                here.append(child)
            elif type(here) is dict and key is not None and key not in here:
                here[key] = child
            else:
                raise ValueError
            if is_start:
                outer.append(here)
                here = child
        if len(outer) > room:
            raise ValueError
        for bracket in ends:
            if bracket != ("}" if type(here) is dict else "]"):
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
    """The value that `emit` writes as `token`, by `render` if it is text."""
    if token in _WORDS:
        return _WORDS[token]
    if token[0] in _NUMBER_STARTS and (number := NUMBER.fullmatch(token)):
        value = int(token) if number["float"] is None else float(token)
        if _render_scalar(value) != token:
            raise ValueError
        return value
    text = _unquote(token)
    if render(text) != token and not _ID.fullmatch(token):
        raise ValueError
    return text


def _unquote(token: str) -> str:
    if token[0] == "'":
        return token[1:-1].replace("''", "'")
    return str(json.loads(token)) if token[0] == '"' else token


# Most lines, and most pieces of collections on one line, have been seen before.
_recall_line = lru_cache(maxsize=4096)(_read_line)
_recall_piece = lru_cache(maxsize=4096)(_read_piece)
_recall_member = lru_cache(maxsize=4096)(_read_member)
