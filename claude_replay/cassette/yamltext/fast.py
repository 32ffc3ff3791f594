"""
Reads back what `emit` wrote, several times faster than `read`, and declines all else.

What a text means is decided in `read` alone. A scalar is taken here only if `emit` writes the value it seems to
have with these very characters, and a line only where `emit` would have put it; whoever is given DECLINED asks
`read`. So what is read here is what `read` returns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NoReturn

from claude_replay.cassette.yamltext.emit import (
    _KEY_LIMIT,
    _NOT_IN_BLOCK,
    MAX_DEPTH,
    _render_flow_text,
    _render_key,
    _render_line,
    _render_scalar,
)

DECLINED: Final = object()
"""The answer of `read_own` to a text that `emit` did not write."""

# Far below what `read` takes on by default: no value or key is shorter than one character.
_LONGEST_TEXT = 5_000_000
_LONGEST_MEMO = 80
_WORDS = {_render_scalar(value): value for value in (None, True, False)}
# As an entry starts: `emit` would quote the half of them that starts with a digit.
_ID = re.compile("[0-9a-f]{16}-[0-9a-f]{8}")

_QUOTED = r"""'[^']*+(?:''[^']*+)*+'|"[^"\\]*+(?:\\.[^"\\]*+)*+\""""
_NAME = rf"[A-Za-z_/][A-Za-z0-9_./+ -]*+|{_QUOTED}"
# Indentation, dashes, and either a key with or without a value, or an item.
_LINE = re.compile(rf"( *+)((?:- )*+)(?:({_NAME}):(?: (.++)|\Z)|(.++))", re.DOTALL)
# Key, then a value or the start of a collection, what ends there, and whether more follows.
_FLOW = re.compile(
    rf"(?:({_NAME}): )?+(?:([A-Za-z0-9_./+ -]++|{_QUOTED})|([\[{{]))([\]}}]*+)(, )?|.++", re.DOTALL
)
_NOWHERE = -1
_SCALAR, _WAITING, _BLOCK, _IN_FLOW = range(4)


def read_own(text: str) -> object:
    """Return the mapping or list that `emit` made `text` of; DECLINED if it is not in that layout."""
    if not text.endswith("\n") or len(text) > _LONGEST_TEXT:
        return DECLINED
    try:
        return _Tree(text).read()
    except ValueError:
        return DECLINED


class _Tree:
    """
    The containers that are open while lines are added, innermost last.

    The `level` of a container tells where its lines start: twice the column, and for a list one more, as a list
    may stand in the column of the mapping it is in.
    """

    __slots__ = ("here", "level", "outer", "position", "text", "waiting")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.here: Any = [] if text[0] == "-" else {}
        self.level = 1 if text[0] == "-" else 0
        self.outer: list[tuple[Any, int]] = []
        self.waiting: str | None = None

    def read(self) -> object:
        """The value of the whole text."""
        root, text, end = self.here, self.text, len(self.text)
        while self.position < end:
            start = self.position
            # Up to the next line that may be followed by a literal block.
            header = text.find("|2", start)
            stop = text.find("\n", header) if header >= 0 else end - 1
            self.position = stop + 1
            self.add_lines(text[start:stop].split("\n"))
        if self.waiting is not None:
            raise ValueError
        return root

    def add_lines(self, lines: list[str]) -> None:
        here, level, known_line = self.here, self.level, _known_line
        if self.waiting is not None:
            level = _NOWHERE
        for line in lines:
            at, dashes, key, kind, value = (
                known_line(line) if len(line) <= _LONGEST_MEMO else _take_line(line)
            )
            if at != level:
                here, level = self.move_to(at)
            if dashes and (key is not None or dashes > 1):
                here, level = self.open_items(dashes, key)
            if kind:
                if kind == _WAITING:
                    self.waiting, level = key, _NOWHERE
                elif kind == _IN_FLOW:
                    value = _read_flow(value, MAX_DEPTH - len(self.outer) - 1)
                else:
                    value, self.position = _read_block(self.text, self.position, value, level // 4 * 2 + 2)
            if key is None:
                here.append(value)
            elif key in here:
                raise ValueError
            else:
                here[key] = value

    def open(self, container: Any, level: int) -> None:
        self.outer.append((self.here, self.level))
        if len(self.outer) >= MAX_DEPTH:
            raise ValueError
        self.here, self.level = container, level

    def move_to(self, at: int) -> tuple[Any, int]:
        here, level = self.here, self.level
        if self.waiting is not None:
            if at == level + 1:
                child: Any = []
            elif at == level + 4:
                child = {}
            else:
                raise ValueError
            here[self.waiting] = child
            self.waiting = None
            self.open(child, at)
            return child, at
        while level > at:
            here, level = self.outer.pop()
        if level != at:
            raise ValueError
        self.here, self.level = here, level
        return here, level

    def open_items(self, dashes: int, key: str | None) -> tuple[Any, int]:
        for _ in range(dashes - 1):
            child: Any = []
            self.here.append(child)
            self.open(child, self.level + 4)
        if key is not None:
            child = {}
            self.here.append(child)
            self.open(child, self.level + 3)
        return self.here, self.level


def _take_line(line: str) -> tuple[int, int, str | None, int, Any]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError
    margin, dashes, name, token, item = found.groups()
    key = None
    if name is not None:
        key = _known_key(name) if len(name) <= _LONGEST_MEMO else _read_key(name)
    elif dashes:
        token = item
    else:
        raise ValueError
    kind = _SCALAR
    value = token
    if token is None:
        kind = _WAITING
    elif token in ("|2", "|2-", "|2+"):
        kind = _BLOCK
    elif token[0] in "{[":
        kind = _IN_FLOW
    else:
        value = _read_line(token)
    return 2 * len(margin) + (1 if dashes else 0), len(dashes) // 2, key, kind, value


@lru_cache(maxsize=64)
def _block_end(width: int) -> re.Pattern[str]:
    return re.compile(rf"\n(?!\n| {{{width}}})")


def _read_block(text: str, start: int, header: str, width: int) -> tuple[str, int]:
    """The literal block whose lines start at `start`, and where it ends."""
    found = _block_end(width).search(text, start - 1)
    assert found is not None
    body = text[start - 1 : found.start()]
    if _NOT_IN_BLOCK.search(body):
        raise ValueError
    lines = body.replace("\n" + " " * width, "\n")[1:]
    open_end = lines[-1:] in ("", "\n")
    if header == "|2-" and not open_end:
        return lines, found.end()
    if (header == "|2" and not open_end) or (header == "|2+" and open_end and body):
        return lines + "\n", found.end()
    raise ValueError


def _read_flow(line: str, room: int) -> object:
    root: list[Any] = []
    here: Any = root
    outer: list[Any] = []
    read_key, read_item = (_known_key, _known_item) if len(line) <= 512 else (_read_key, _read_item)
    for name, token, opened, closed, more in _FLOW.findall(line):
        if token:
            value: Any = read_item(token)
        elif opened:
            value = {} if opened == "{" else []
        else:
            raise ValueError
        if name:
            key = read_key(name)
            if type(here) is not dict or key in here:
                raise ValueError
            here[key] = value
        elif type(here) is list:
            here.append(value)
        else:
            raise ValueError
        if opened:
            outer.append(here)
            here = value
            if len(outer) > room:
                raise ValueError
            if not closed and not more:
                continue
        for bracket in closed:
            if not outer or bracket != ("}" if type(here) is dict else "]"):
                raise ValueError
            here = outer.pop()
        if (not outer) != (not more):
            raise ValueError
    if outer or len(root) != 1:
        raise ValueError
    return root[0]


def _read_key(token: str) -> str:
    if len(token) >= _KEY_LIMIT:
        raise ValueError
    text = _unquote(token)
    if _render_key(text) != token + ":":
        raise ValueError
    return text


def _read_item(token: str) -> object:
    return _decode(token, _render_flow_text)


def _read_line(token: str) -> object:
    return _decode(token, _render_line)


def _decode(token: str, render: Callable[[str], str]) -> object:
    if token in _WORDS:
        return _WORDS[token]
    number = _decode_number(token)
    if number is not None:
        return number
    text = _unquote(token)
    if render(text) != token and not _ID.fullmatch(token):
        raise ValueError
    return text


def _decode_number(token: str) -> int | float | None:
    if not ("0" <= token[0] <= "9" or token[0] == "-"):
        return None
    try:
        number = float(token) if "." in token else int(token)
        return number if _render_scalar(number) == token else None
    except ValueError:
        return None


def _unquote(token: str) -> str:
    if token[0] == "'":
        return token[1:-1].replace("''", "'")
    if token[0] == '"':
        text = json.loads(token)
        assert isinstance(text, str)
        return text
    return token


_known_key = lru_cache(maxsize=4096)(_read_key)
_known_item = lru_cache(maxsize=4096)(_read_item)
_known_line = lru_cache(maxsize=4096)(_take_line)
