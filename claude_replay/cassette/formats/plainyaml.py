"""
Reads the YAML of other tools into plain values: aliases are shared, a few harmless tags are understood.

Values are built from the parser's events. PyYAML's composer and constructors are not involved: libyaml's
composer recurses in C until the process dies, and merge keys grow without bound.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from re import Pattern
from typing import Protocol, TypeVar

import yaml
from yaml.constructor import SafeConstructor
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
    StreamEndEvent,
)
from yaml.nodes import ScalarNode
from yaml.reader import ReaderError

from claude_replay.cassette.yamltext import Limits, YamlError

__all__ = ["read_plain_documents", "read_plain_yaml"]

_MAX_DEPTH = 250
_LOADER: Callable[[str], _Loader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PREFIX = "tag:yaml.org,2002:"
_BINARY = (_PREFIX + "binary", "!binary")  # Ruby writes the second
_TEXT = ("!", _PREFIX + "str")
_CONTAINERS = (None, "!", _PREFIX + "map", _PREFIX + "seq")
# A string type that header names come in when aiohttp sent the request; vcrpy's own loader refuses it.
_ISTR = _PREFIX + "python/object/apply:multidict._multidict.istr"

_constructor = SafeConstructor()
_CONVERTERS: dict[str, Callable[[ScalarNode], object]] = {
    _PREFIX + "bool": _constructor.construct_yaml_bool,
    _PREFIX + "float": _constructor.construct_yaml_float,
    _PREFIX + "int": _constructor.construct_yaml_int,
    _PREFIX + "null": _constructor.construct_yaml_null,
}
# PyYAML's own rules, because PyYAML wrote these files, but for dates, `<<` and `=`: they stay text.
_RESOLVERS: dict[str, list[tuple[str, Pattern[str]]]] = {
    first: [(tag, pattern) for tag, pattern in rules if tag in _CONVERTERS]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# YAML 1.2, as Rust's and other newer libraries write it: numbers in other notations are text.
_CORE_RULES = [
    (_PREFIX + "bool", re.compile(r"(?:true|false)\Z", re.IGNORECASE)),
    (_PREFIX + "null", re.compile(r"(?:null|~|)\Z", re.IGNORECASE)),
    (_PREFIX + "int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")),
    (
        _PREFIX + "float",
        re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"),
    ),
]


_Built = TypeVar("_Built")


class _Loader(Protocol):
    def get_event(self) -> Event: ...
    def dispose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an anchor names, and how much it is when written out."""

    value: object
    nodes: int
    chars: int


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being filled; `nodes` and `chars` are the totals when it began."""

    container: dict[object, object] | list[object]
    start: CollectionStartEvent
    nodes: int
    chars: int
    has_key: bool = False
    key: object = None


def read_plain_yaml(text: str, name: str, limits: Limits, *, core: bool = False) -> object:
    """
    Return the document in `text` as dict, list, str, int, float, bool, None or bytes.

    `core` follows YAML 1.2 instead of PyYAML's rules. Raises YamlError for what is not YAML, for tags that
    would build anything else, for aliases that contain themselves or stand for more than `limits` allows when
    written out, for nesting beyond 250 levels, and for a second document.
    """
    return _build(text, name, limits, lambda builder: builder.build_one(), core=core)


def read_plain_documents(text: str, name: str, limits: Limits) -> list[object]:
    """Return all documents in `text`; raises as `read_plain_yaml` does."""
    return _build(text, name, limits, lambda builder: list(builder.build_all()), core=False)


def _build(
    text: str, name: str, limits: Limits, build: Callable[[_Builder], _Built], *, core: bool
) -> _Built:
    loader: _Loader | None = None
    try:
        loader = _LOADER(text)
        return build(_Builder(loader.get_event, name, limits, core=core))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlError(name, line, column, _describe(error)) from None
    except ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise YamlError(name, line, 1, f"a character that YAML does not allow ({error.reason})") from None
    except (ValueError, OverflowError):
        # From chr(), in the pure Python parser.
        raise YamlError(name, 1, 1, "an escape that stands for no character") from None
    finally:
        if loader is not None:
            loader.dispose()


def _describe(error: MarkedYAMLError) -> str:
    return " ".join(part for part in (error.context, error.problem) if part)


class _Builder:
    """Builds the value with a stack of its own, counting what it would be without aliases."""

    def __init__(self, next_event: Callable[[], Event], name: str, limits: Limits, *, core: bool) -> None:
        self._next_event = next_event
        self._core = core
        self._name = name
        self._limits = limits
        self._opened: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._nodes = self._chars = 0
        self._plain: dict[str, object] = {}
        self._root: object = None
        self._started: Event

    def build_one(self) -> object:
        """The only document; None where there is none."""
        documents = self.build_all()
        root = next(documents, None)
        for _ in documents:
            raise self._refuse(self._started, "a second document starts here; one was expected")
        return root

    def build_all(self) -> Iterator[object]:
        """Each document as soon as it is whole."""
        self._next_event()
        while not isinstance(event := self._next_event(), StreamEndEvent):
            self._started = event
            self._anchors.clear()
            self._take(self._next_event())
            while self._opened:
                self._take(self._next_event())
            self._next_event()
            yield self._root

    def _take(self, event: Event) -> None:
        if isinstance(event, ScalarEvent):
            self._count(event, 1, len(event.value))
            value = self._read_scalar(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(value, 1, len(event.value))
            self._add(event, value)
        elif isinstance(event, CollectionStartEvent):
            self._open(event)
        elif isinstance(event, CollectionEndEvent):
            self._close()
        else:
            self._add_alias(event)

    def _open(self, event: CollectionStartEvent) -> None:
        if len(self._opened) >= _MAX_DEPTH:
            raise self._refuse(event, f"nested deeper than {_MAX_DEPTH} levels")
        if event.tag not in _CONTAINERS and event.tag != _ISTR:
            raise self._refuse_tag(event, event.tag)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        container: dict[object, object] | list[object] = {} if isinstance(event, MappingStartEvent) else []
        self._opened.append(_Open(container, event, self._nodes, self._chars))
        self._count(event, 1, 0)

    def _close(self) -> None:
        filled = self._opened.pop()
        start, value = filled.start, filled.container
        finished: object = value if start.tag != _ISTR else self._read_istr(start, value)
        if start.anchor is not None:
            nodes, chars = self._nodes - filled.nodes, self._chars - filled.chars
            self._anchors[start.anchor] = _Anchored(finished, nodes, chars)
        self._add(start, finished)

    def _add_alias(self, event: Event) -> None:
        assert isinstance(event, AliasEvent)
        if event.anchor not in self._anchors:
            raise self._refuse(event, "an alias that stands for nothing")
        known = self._anchors[event.anchor]
        if known is None:
            raise self._refuse(event, "an alias inside of what it stands for")
        self._count(event, known.nodes, known.chars)
        self._add(event, known.value)

    def _add(self, event: Event, value: object) -> None:
        if not self._opened:
            self._root = value
            return
        innermost = self._opened[-1]
        if isinstance(innermost.container, list):
            innermost.container.append(value)
        elif innermost.has_key:
            innermost.container[innermost.key] = value
            innermost.has_key = False
        elif isinstance(value, (dict, list)):
            raise self._refuse(event, "a key that is a mapping or a list")
        else:
            innermost.key, innermost.has_key = value, True

    def _count(self, event: Event, nodes: int, chars: int) -> None:
        self._nodes += nodes
        self._chars += chars
        if self._nodes > self._limits.nodes:
            raise self._refuse(event, f"more than {self._limits.nodes:,} values with all aliases written out")
        if self._chars > self._limits.bytes:
            raise self._refuse(event, f"more than {self._limits.bytes:,} bytes with all aliases written out")

    def _read_scalar(self, event: ScalarEvent) -> object:
        text, tag = event.value, event.tag
        if tag is None:
            return self._read_plain(event) if event.implicit[0] else text
        if tag in _TEXT:
            return text
        if tag in _BINARY:
            try:
                return binascii.a2b_base64(text)
            except ValueError:
                raise self._refuse(event, "a !!binary value that is not base64") from None
        if tag in _CONVERTERS:
            return self._convert(event, tag)
        raise self._refuse_tag(event, tag)

    def _read_plain(self, event: ScalarEvent) -> object:
        text = event.value
        if text in self._plain:
            return self._plain[text]
        rules = _CORE_RULES if self._core else _RESOLVERS.get(text[:1], ())
        tag = next((tag for tag, pattern in rules if pattern.match(text)), None)
        value = text if tag is None else self._convert(event, tag)
        if len(text) < 64:  # long ones are no words that come again
            self._plain[text] = value
        return value

    def _convert(self, event: ScalarEvent, tag: str) -> object:
        try:
            return _CONVERTERS[tag](ScalarNode(tag, event.value))
        except (ValueError, KeyError, IndexError):
            kind = tag.removeprefix(_PREFIX)
            raise self._refuse(event, f"a value that is no {kind}, or too long for one") from None

    def _read_istr(self, start: Event, value: object) -> str:
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
            return value[0]
        raise self._refuse(start, "multidict's istr is read with one string only")

    def _refuse_tag(self, event: Event, tag: str) -> YamlError:
        shown = tag.replace(_PREFIX, "!!", 1)
        return self._refuse(
            event, f"the tag {shown!r:.80} is not read: it stands for more than a plain value"
        )

    def _refuse(self, event: Event, problem: str) -> YamlError:
        mark = event.start_mark
        assert mark is not None
        return YamlError(self._name, mark.line + 1, mark.column + 1, problem)
