"""
Reads YAML text into plain values: no tags that build objects, no aliases, no guesses at dates.

The text may come from a stranger's pull request. It is taken from the event stream of PyYAML's parser (that
of libyaml, or PyYAML's own where it was built without): no node graph and no constructor is ever involved.
"""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import yaml
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from claude_replay.cassette.yamltext.emit import MAX_DEPTH
from claude_replay.cassette.yamltext.limits import NUMBER, Limits, YamlError

_CORE_WORDS = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"), None)
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
)
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONFLICT = re.compile(r"^(?:<{7} |={7}\r?$|>{7} |\|{7} )", re.MULTILINE)
_TAG_DIRECTIVE = re.compile("(?<![^\n\r\x85\u2028\u2029])%TAG")
_TAG_PREFIX = "tag:yaml.org,2002:"
_TEXT, _BINARY = _TAG_PREFIX + "str", _TAG_PREFIX + "binary"
_UNSEEN = object()
_LONGEST_MEMO = 64
_LONGEST_SHOWN = 60

_HERE, _START = False, True
_TAB = "a tab where indentation was expected"
# What tells a complaint of libyaml or PyYAML, our words for it, and which of the two places named is shown.
_PROBLEMS = (
    ("unexpected end of stream", "the text ends inside the quoted value that starts here", _START),
    ("unexpected document", "a document marker stands inside the quoted value that starts here", _START),
    ("could not find expected ':'", "neither 'key: value' nor part of the value above", _START),
    ("values are not|unexpected ':'", "a ':' out of place (indentation, or a missing quote)", _HERE),
    ("entries are not", "a '-' out of place (indentation, or a missing quote)", _HERE),
    ("expected (key|'-' indicator|<block end>)", "the indentation does not fit the lines above", _HERE),
    ("node content", "a value is missing: the text is cut off, or a comma or bracket is too many", _HERE),
    ("expected ',' or ']'", "the list that starts here lacks its ']' or a comma", _START),
    ("expected ',' or '}'", "the mapping that starts here lacks its '}' or a comma", _START),
    ("tab character", _TAB, _HERE),
    ("scanning a block scalar", "only the line end may follow the '|' or '>' of a block", _HERE),
    ("ing a tag|undefined tag handle", "a tag that YAML does not know", _START),
    ("scanning an a", "an alias or an anchor without a name (a missing quote)", _START),
    ("directive", "a '%' line that YAML does not know", _START),
    ("unknown escape|invalid Unicode|decimal number", "a quoted value with an escape that is none", _START),
    ("<document start>", "more text after the end of the document", _HERE),
    ("incompatible YAML document", "not YAML version 1", _HERE),
)


def read(text: str, *, name: str, first_line: int, limits: Limits) -> object:
    """As `read` of the package, which see."""
    source = _Source(text.removeprefix("\ufeff"), name, first_line)
    if _is_larger(source.text, limits.bytes):
        raise source.refuse(0, f"the text is larger than {limits.bytes:,} bytes")
    # Inside a quoted value a conflict would pass for text; anywhere else it fails, and is found then.
    if "\n<<<<<<< " in source.text and (conflict := _find_conflict(source)):
        raise conflict
    # Each of these lines is compared with all before it, which takes hours for a file full of them.
    if "%TAG" in source.text and (found := _TAG_DIRECTIVE.search(source.text)):
        raise source.refuse(found.start(), "a %TAG line is not allowed in a cassette")
    parser: _Parser | None = None
    try:
        parser = _open_parser(source.text)
        return _read_document(_Builder(source, parser.get_event, limits.nodes))
    except (yaml.YAMLError, UnicodeError) as error:
        raise _explain(error, source) from error
    finally:
        if parser is not None:
            parser.dispose()


class _Parser(Protocol):
    def get_event(self) -> Event | None: ...
    def dispose(self) -> None: ...


def _open_parser(text: str) -> _Parser:
    # Looked up late: PyYAML has the name only where it was built with libyaml.
    return yaml.CSafeLoader(_Chunks(text)) if hasattr(yaml, "CSafeLoader") else _PureParser(text)


class _Chunks:
    """A text as a file: encoded piece by piece, it does not take its memory a second time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def read(self, size: int = 4096, /) -> str:
        start = self._position
        self._position = start + size
        return self._text[start : self._position]


class _PureParser:
    """PyYAML's own parser, made to refuse the escapes that libyaml refuses."""

    def __init__(self, text: str) -> None:
        self._loader: Any = yaml.SafeLoader(text)
        self.dispose: Callable[[], None] = self._loader.dispose

    def get_event(self) -> Event | None:
        problem = "found invalid Unicode character escape code"
        try:
            event: Event | None = self._loader.get_event()
        except (ValueError, OverflowError) as error:
            # From chr(), for an escape beyond the last code point.
            raise MarkedYAMLError(problem=problem, problem_mark=self._loader.get_mark()) from error
        if isinstance(event, ScalarEvent) and _SURROGATE.search(event.value):
            mark: Any = event.start_mark
            raise MarkedYAMLError(problem=problem, problem_mark=mark)
        return event


@dataclass(frozen=True, slots=True)
class _Source:
    """The text and what it is called; makes the errors about it."""

    text: str
    name: str
    first_line: int

    def refuse(self, position: int, problem: str) -> YamlError:
        # Not from the parser's lines: at the end of a text that is cut off, libyaml is one ahead.
        line = self.first_line + self.text.count("\n", 0, position)
        return YamlError(self.name, line, position - self.text.rfind("\n", 0, position), problem)


class _Builder:
    """Builds values from events, with a stack of its own: neither text nor caller can be too deep for it."""

    __slots__ = ("next_event", "nodes_left", "opened", "plain", "source", "texts", "too_many")

    def __init__(self, source: _Source, next_event: Callable[[], Event | None], nodes: int) -> None:
        self.source = source
        self.next_event = next_event
        self.nodes_left = nodes - 1
        self.too_many = f"more than {nodes:,} values and keys"
        self.opened: list[dict[str, object] | list[object]] = []
        self.plain: dict[str, object] = {}
        # Each text is kept once, however often it stands in the file: conversations repeat themselves.
        self.texts: dict[str, str] = {}

    def build(self, event: Event | None) -> object:
        """The value that starts with `event`."""
        if isinstance(event, ScalarEvent):
            return self.read_scalar(event)
        root = self.open_container(event)
        while self.opened:
            innermost = self.opened[-1]
            is_filled = (
                self.fill_mapping(innermost) if isinstance(innermost, dict) else self.fill_list(innermost)
            )
            if is_filled:
                self.opened.pop()
        return root

    def fill_mapping(self, into: dict[str, object]) -> bool:
        """Read entries to the end (true), or to the first whose value is a container, now open (false)."""
        next_event, plain, texts = self.next_event, self.plain, self.texts
        # The range counts nodes: the loop is left by return, unless there are too many.
        for left in range(self.nodes_left, -1, -2):
            event = next_event()
            if type(event) is not ScalarEvent:
                self.nodes_left = left
                return self.end_mapping(event)
            key = event.value
            if event.tag is not None or event.anchor is not None:
                self.check_node(event, allowed=_TEXT)
            if key in into:
                raise self.refuse(event, f"the key '{_shorten(key)}' stands twice")
            key = texts.setdefault(key, key)
            event = next_event()
            if type(event) is not ScalarEvent:
                self.nodes_left = left - 2
                into[key] = self.open_container(event)
                return False
            value = event.value
            if event.tag is not None or event.anchor is not None:
                into[key] = self.read_scalar(event)
            elif event.implicit[0]:
                known = plain.get(value, _UNSEEN)
                into[key] = self.read_plain(event) if known is _UNSEEN else known
            else:
                into[key] = texts.setdefault(value, value)
        raise self.refuse(event, self.too_many)

    def fill_list(self, into: list[object]) -> bool:
        """Read items; returns as `fill_mapping` does."""
        next_event, plain, texts, append = self.next_event, self.plain, self.texts, into.append
        for left in range(self.nodes_left, -1, -1):
            event = next_event()
            if type(event) is SequenceEndEvent:
                self.nodes_left = left
                return True
            if type(event) is not ScalarEvent:
                self.nodes_left = left - 1
                append(self.open_container(event))
                return False
            value = event.value
            if event.tag is not None or event.anchor is not None:
                append(self.read_scalar(event))
            elif event.implicit[0]:
                known = plain.get(value, _UNSEEN)
                append(self.read_plain(event) if known is _UNSEEN else known)
            else:
                append(texts.setdefault(value, value))
        raise self.refuse(event, self.too_many)

    def open_container(self, event: Event | None) -> dict[str, object] | list[object]:
        """An empty mapping or list for the event that starts one; from now on it is the innermost."""
        self.check_node(event)
        if len(self.opened) >= MAX_DEPTH:
            raise self.refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        if self.nodes_left < 0:
            raise self.refuse(event, self.too_many)
        container: dict[str, object] | list[object] = {} if isinstance(event, MappingStartEvent) else []
        self.opened.append(container)
        return container

    def end_mapping(self, event: Event | None) -> bool:
        if isinstance(event, MappingEndEvent):
            return True
        self.check_node(event)
        kind = "mapping" if isinstance(event, MappingStartEvent) else "list"
        raise self.refuse(event, f"a key must be text, not a {kind}")

    def read_scalar(self, event: ScalarEvent) -> object:
        """A scalar of any kind, with or without a tag."""
        is_binary = event.tag == _BINARY
        self.check_node(event, allowed=_BINARY if is_binary else _TEXT)
        if not is_binary:
            return self.read_plain(event) if event.implicit[0] else event.value
        try:
            return binascii.a2b_base64("".join(event.value.split()), strict_mode=True)
        except ValueError as error:
            raise self.refuse(event, "a !!binary value that is not base64") from error

    def read_plain(self, event: ScalarEvent) -> object:
        """What a scalar without quotes means; remembered if it is short."""
        text = event.value
        value: object = self.texts.setdefault(text, text)
        if text in _CORE_WORDS:
            value = _CORE_WORDS[text]
        elif found := NUMBER.fullmatch(text):
            value = self.read_number(event, is_float=found["float"] is not None)
        if len(text) <= _LONGEST_MEMO:
            self.plain[text] = value
        return value

    def read_number(self, event: ScalarEvent, *, is_float: bool) -> float:
        try:
            value = float(event.value) if is_float else int(event.value)
        except ValueError as error:
            # Python's guard against numbers whose conversion takes quadratic time.
            raise self.refuse(event, f"a number of {len(event.value):,} digits is too long") from error
        if is_float and math.isinf(value):
            raise self.refuse(event, f"the number {_shorten(event.value)} is too large")
        return value

    def check_node(self, event: Event | None, *, allowed: str | None = None) -> None:
        """Refuse an alias, an anchor, and any tag but the one `allowed`."""
        assert isinstance(event, NodeEvent)
        if isinstance(event, AliasEvent):
            raise self.refuse(event, f"an alias (*{_shorten(event.anchor)}) is not allowed in a cassette")
        if event.anchor is not None:
            raise self.refuse(event, f"an anchor (&{_shorten(event.anchor)}) is not allowed in a cassette")
        tag: str | None = getattr(event, "tag", None)
        if tag is not None and tag != allowed:
            shown = tag.replace(_TAG_PREFIX, "!!", 1)
            raise self.refuse(event, f"the tag {_shorten(shown)} is not allowed in a cassette")

    def refuse(self, event: Event | None, problem: str) -> YamlError:
        assert event is not None
        assert event.start_mark is not None
        return self.source.refuse(event.start_mark.index, problem)


def _read_document(builder: _Builder) -> object:
    next_event = builder.next_event
    next_event()
    if isinstance(next_event(), StreamEndEvent):
        return None
    value = builder.build(next_event())
    next_event()
    event = next_event()
    if not isinstance(event, StreamEndEvent):
        raise builder.refuse(event, "a second document starts here, and a cassette is one")
    return value


def _explain(error: Exception, source: _Source) -> YamlError:
    """A parser's error in plain words; a conflict or damage explains it better than where it stumbled."""
    if conflict := _find_conflict(source):
        return conflict
    if damage := _UNREADABLE.search(source.text):
        return source.refuse(damage.start(), f"the unreadable character U+{ord(damage[0]):04X}")
    assert isinstance(error, MarkedYAMLError)
    assert error.problem is not None
    assert error.problem_mark is not None
    here, said = error.problem_mark, f"{error.problem} {error.context or ''}".strip()
    if "cannot start any token" in said:
        char = source.text[here.index]
        problem = _TAB if char == "\t" else f"a value cannot start with {char!r} unless it is quoted"
        return source.refuse(here.index, problem)
    for part, problem, is_at_start in _PROBLEMS:
        if re.search(part, said):
            return source.refuse(((error.context_mark or here) if is_at_start else here).index, problem)
    return source.refuse(here.index, said)


def _find_conflict(source: _Source) -> YamlError | None:
    if found := _CONFLICT.search(source.text):
        return source.refuse(found.start(), f"git merge conflict marker '{found[0].strip()}'")
    return None


def _is_larger(text: str, limit: int) -> bool:
    if len(text) * 4 <= limit:
        return False
    return len(text) > limit or len(text.encode("utf-8", "surrogatepass")) > limit


def _shorten(text: str | None) -> str:
    """Something of the text for a message: on one line and not long."""
    shown = repr(text or "")[1:-1]
    return shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "\N{HORIZONTAL ELLIPSIS}"
