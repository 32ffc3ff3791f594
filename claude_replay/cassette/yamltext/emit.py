"""
Writes plain values as YAML that people can review and that every YAML reader reads back equal.

What one sees: text with line breaks is a literal block, a sequence is not indented below its key, a long line
is never folded, and text that YAML 1.1 or 1.2 could take for something else is quoted.
"""

from __future__ import annotations

import math
import re
from base64 import b64encode, encodebytes
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

MAX_DEPTH = 200
"""How many mappings and sequences may stand inside each other, here and in the reader."""

# A parser gives up looking for the ':' of a key after 1,024 characters.
_KEY_LIMIT = 1000
_WORDS_WITH_A_MEANING = frozenset(
    ("null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity")
)
_LONGEST_WORD = max(map(len, _WORDS_WITH_A_MEANING))
_SAFE_FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/(")
# Text such as 6f1c0d9a4b7e: has a letter that no notation of numbers, in any language, gives a meaning to.
_SAFE_ID = re.compile(r"(?!0[xXoObB])[0-9][0-9A-Za-z]*?[acg-kmnq-suvwyACG-KMNQ-SUVWY][0-9A-Za-z]*")
_SAFE_IN_FLOW = re.compile(r"[A-Za-z_/](?:[A-Za-z0-9_./+ -]*[A-Za-z0-9_./+-])?")
# What a literal block cannot hold; with the tab, what one line of plain or single-quoted text cannot.
_NOT_IN_BLOCK = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
# The same for looks that are many times as quick.
_CONTROLS = bytes([*range(9), *range(11, 32), 127])
_C1, _SEPARATORS = re.compile(rb"\xc2[\x80-\x9f]"), "\u2028\u2029\ufeff\ufffe\uffff"
_NEEDS_ESCAPE = re.compile('[\x00-\x1f"\\\\\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]')
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f", '"': '\\"', "\\": "\\\\"}

_Write = Callable[[str], None]
_Child = tuple[object, str, str]
_Frame = tuple[Iterator[Any], bool, str]
"""An open container: the entries still to be written, whether it is a mapping, and its indentation."""


class Flow(dict[str, object]):
    """A mapping to be written on one line, `{a: 1, b: 'x: y'}`, where all it holds can be."""

    __slots__ = ()


class FlowList(list[object]):
    """A sequence to be written on one line, `[1, x]`, where all it holds can be."""

    __slots__ = ()


def emit(value: object, *, indent: int = 0) -> str:
    """
    Return `value` as YAML lines, each indented by `indent` spaces and ended by a line feed.

    Takes what JSON knows, `bytes` (as `!!binary`, the only tag), tuples (as lists), `Flow` and `FlowList`.
    The same value always gives the same text. There are no anchors: what stands twice is written twice.
    Raises `TypeError` for any other type and for keys that are not text; `ValueError` for what YAML cannot
    carry: lone surrogates, infinities, NaN, integers beyond Python's limit of digits, and nesting deeper than
    `MAX_DEPTH` (a cycle is that too).
    """
    pad = " " * indent
    text = _render_leaf(value, pad, MAX_DEPTH)
    if text is not None:
        return pad + text
    out: list[str] = []
    _write_tree(value, pad, out.append)
    return "".join(out)


def _write_tree(root: object, pad: str, write: _Write) -> None:
    """Write a container that is not empty, with a stack of its own: the caller cannot be too deep for it."""
    stack = [_open_frame(root, pad)]
    lead = pad
    while stack:
        items, is_mapping, pad = stack[-1]
        room = MAX_DEPTH - len(stack)
        write_entries = _write_mapping if is_mapping else _write_list
        child = write_entries(items, lead, pad, room, write)
        if child is None:
            stack.pop()
            lead = stack[-1][2] if stack else ""
            continue
        container, lead, pad = child
        _check_room(room)
        stack.append(_open_frame(container, pad))


def _check_room(room: int) -> None:
    if room <= 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _open_frame(container: object, pad: str) -> _Frame:
    if isinstance(container, dict):
        return iter(container.items()), True, pad
    assert isinstance(container, (list, tuple))
    return iter(container), False, pad


def _write_mapping(
    items: Iterator[tuple[str, object]], lead: str, pad: str, room: int, write: _Write
) -> _Child | None:
    """
    Write entries up to the first whose value is a container; return that, its own lead and its indentation.

    `lead` is what the first line starts with: the indentation, or with "- " in place of its last two spaces.
    `room` is how many more containers may be opened inside each other.
    """
    for key, value in items:
        head = _render_key(key)
        if len(head) > _KEY_LIMIT:
            head = f"? {head[:-1]}\n{pad}:"
        text = _render_leaf(value, pad, room)
        if text is None:
            write(f"{lead}{head}\n")
            inner = pad + "  " if isinstance(value, dict) else pad
            return value, inner, inner
        write(f"{lead}{head} {text}")
        lead = pad
    return None


def _write_list(items: Iterator[object], lead: str, pad: str, room: int, write: _Write) -> _Child | None:
    """Write items up to the first that is a container; takes and returns what `_write_mapping` does."""
    for value in items:
        text = _render_leaf(value, pad, room)
        if text is None:
            return value, lead + "- ", pad + "  "
        write(f"{lead}- {text}")
        lead = pad
    return None


def _render_leaf(value: object, pad: str, room: int) -> str | None:
    """What follows a key or dash, line end included; None for a container that has to be walked."""
    if isinstance(value, str):
        text = value if type(value) is str else str.__str__(value)
        return _render_lines(text, pad) if "\n" in text else _render_line(text) + "\n"
    if isinstance(value, (dict, list, tuple)):
        if value:
            flow = _render_flow(value, min(room, MAX_DEPTH // 4))
            return None if flow is None else flow + "\n"
        _check_room(room)
        return "{}\n" if isinstance(value, dict) else "[]\n"
    if isinstance(value, bytes) and value:
        return "!!binary |" + _indent(encodebytes(value).decode("ascii"), f"\n{pad}  ")
    return _render_scalar(value) + "\n"


def _render_scalar(value: object) -> str:
    """Text of a scalar that is not text, on one line."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _render_float(value)
    if isinstance(value, bytes):
        return f'!!binary "{b64encode(value).decode("ascii")}"'
    raise TypeError(f"a cassette cannot hold a value of type {type(value).__name__}")


def _render_float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"a cassette cannot hold the number {value!r}")
    text = float.__repr__(value)
    # Without a dot ('1e+20') YAML 1.1 takes it for text.
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


@lru_cache(maxsize=4096)
def _render_key(key: str) -> str:
    """A key with its colon."""
    if not isinstance(key, str):
        raise TypeError(f"a mapping key must be text, not {type(key).__name__}")
    return _render_flow_text(str.__str__(key)) + ":"


def _render_lines(text: str, pad: str) -> str:
    """A literal block for text with line breaks, always with its indentation and kind of end spelled out."""
    # isprintable() is only the faster way to learn that nothing in the text needs the exact check.
    if not text.replace("\n", "").isprintable() and _NOT_IN_BLOCK.search(text):
        return _quote_double(text) + "\n"
    line_break = f"\n{pad}  "
    if text[-1] != "\n":
        return "|2-" + _indent(text + "\n", line_break)
    return ("|2+" if text == "\n" or text[-2] == "\n" else "|2") + _indent(text, line_break)


def has_controls(data: bytes) -> bool:
    """Whether text in UTF-8 holds what a literal block cannot hold, as far as that is below U+0100."""
    return len(data.translate(None, _CONTROLS)) != len(data) or _C1.search(data) is not None


def has_separators(text: str) -> bool:
    """Whether `text` holds what a literal block cannot hold, as far as that is beyond, and no surrogate."""
    return not text.isascii() and any(map(text.__contains__, _SEPARATORS))


def _indent(lines: str, line_break: str) -> str:
    """
    A line end, then `lines` with the indentation that `line_break` brings, except for empty ones.

    So a tool that strips trailing spaces does no harm to a text that has none.
    """
    block = line_break + lines.replace("\n", line_break)
    if "\n\n" in lines or lines[0] == "\n":
        empty = line_break + "\n"
        # The first pass leaves every other one of several empty lines.
        block = block.replace(empty, "\n\n").replace(empty, "\n\n")
    return block[: 1 - len(line_break)]


def _render_line(text: str) -> str:
    """Text as one line outside flow collections: plain if no reader can take it for something else."""
    if not text:
        return "''"
    if _needs_escape(text):
        return _quote_double(text)
    first, last = text[0], text[-1]
    if first not in _SAFE_FIRST and (first < "\xa0" or first.isspace()):
        return text if _SAFE_ID.fullmatch(text) else _quote(text)
    if last == ":" or last.isspace() or ": " in text or " #" in text:
        return _quote(text)
    if len(text) <= _LONGEST_WORD and text.lower() in _WORDS_WITH_A_MEANING:
        return _quote(text)
    return text


def _render_flow_text(text: str) -> str:
    """Text as a key or inside a flow collection, where fewer characters are safe without quotes."""
    if _SAFE_IN_FLOW.fullmatch(text) and text.lower() not in _WORDS_WITH_A_MEANING:
        return text
    return _quote_double(text) if _needs_escape(text) else _quote(text)


def _needs_escape(text: str) -> bool:
    return not text.isprintable() and ("\t" in text or "\n" in text or _NOT_IN_BLOCK.search(text) is not None)


def _quote(text: str) -> str:
    """Quote text that needs no escapes: in single quotes, or in double ones if that spares it doubling."""
    if "'" not in text:
        return f"'{text}'"
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def _quote_double(text: str) -> str:
    return f'"{_NEEDS_ESCAPE.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    if "\ud800" <= char <= "\udfff":
        raise ValueError(f"a cassette cannot hold the lone surrogate U+{ord(char):04X}")
    return _ESCAPES.get(char) or f"\\u{ord(char):04x}"


def _render_flow(item: object, room: int) -> str | None:
    """What stands on one line, without its end; None for what has to be walked."""
    if isinstance(item, str):
        return _render_flow_text(item if type(item) is str else str.__str__(item))
    if not isinstance(item, (dict, list, tuple)):
        return _render_scalar(item)
    if room <= 0 or (item and not isinstance(item, (Flow, FlowList))):
        return None
    if isinstance(item, dict):
        parts = _render_pairs(item, room - 1)
        return None if parts is None else f"{{{', '.join(parts)}}}"
    texts = [_render_flow(inner, room - 1) for inner in item]
    return None if None in texts else f"[{', '.join(cast(list[str], texts))}]"


def _render_pairs(fields: dict[str, object], room: int) -> list[str] | None:
    parts = []
    for key, inner in fields.items():
        head, text = _render_key(key), _render_flow(inner, room)
        if text is None or len(head) > _KEY_LIMIT:
            return None
        parts.append(f"{head} {text}")
    return parts
