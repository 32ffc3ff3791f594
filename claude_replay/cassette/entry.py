"""One exchange of a cassette, parsed as far as somebody looks at it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from claude_replay.cassette.compact import fold
from claude_replay.cassette.document import (
    dump_meta,
    dump_request,
    dump_response,
    load_answer,
    load_exchange,
    load_request,
)
from claude_replay.cassette.identity import make_id, trusted_key
from claude_replay.cassette.yamltext import DECLINED, Flow, YamlError, emit, read, read_own
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Exchange, Meta, Request, Response

__all__ = ["ADVICE", "Entry"]

ADVICE = (
    "The file was left as it is. Repair it by hand, take it from version control again, or delete it and "
    "record it anew: pytest --claude-record=once"
)
"""What to do about any cassette that cannot be read."""

_Part = TypeVar("_Part")
_HEAD = re.compile(rb"- id: (\S+)\n")
_REQUEST, _RESPONSE = b"\n  request:\n", b"\n  response:\n"


class Entry:
    """
    An exchange as the bytes of a file, as values, or as both.

    Bytes that were read are written back unchanged, with whatever comments stand in them. As long as the id
    vouches for the request (see `identity`), request and answer are parsed one by one, when they are asked
    for.
    """

    __slots__ = ("_answer", "_data", "_exchange", "_found", "line", "name")

    def __init__(self, *, name: str, line: int, data: bytes | None, exchange: Exchange | None = None) -> None:
        self.name = name
        self.line = line
        self._data = data
        self._exchange = exchange
        self._answer: tuple[Response, Meta] | None = None
        self._found: tuple[str, int, int] | None = None

    @classmethod
    def of(cls, exchange: Exchange) -> Entry:
        """
        An entry for an exchange that no file holds yet.

        Raises ValueError where a value cannot be written as YAML.
        """
        request = _emit("request", dump_request(exchange.request))
        meta = dump_meta(exchange.meta)
        parts = (
            f"- id: {make_id(exchange.request, request)}\n".encode(),
            emit({"meta": Flow(meta)}, indent=2).encode() if meta else b"",
            request,
            _emit("response", dump_response(exchange.response, exchange.meta)),
        )
        return cls(name="<new>", line=0, data=b"".join(parts), exchange=exchange)

    @property
    def data(self) -> bytes:
        """The exchange as one item of a YAML list, in UTF-8."""
        if self._data is None:
            self._data = Entry.of(self.exchange).data
        return self._data

    @property
    def digest(self) -> str:
        """What tells this exchange from every other, in whatever file and place."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def short_id(self) -> str:
        """The id that stands in the file; empty where there is none."""
        match = _HEAD.match(self.data)
        return match[1].decode("utf-8", "replace") if match else ""

    def find_key(self) -> str | None:
        """The key by which this request is found, if its id still vouches for it; nothing is parsed."""
        found = self._find_request()
        return found[0] if found else None

    def _find_request(self) -> tuple[str, int, int] | None:
        """The key of an exchange whose id vouches for its request, and where the request begins and ends."""
        if self._found is None and self._data is not None:
            start, end = self._data.find(_REQUEST) + 1, self._data.find(_RESPONSE) + 1
            if 0 < start < end and (key := trusted_key(self.short_id, self._data[start:end])):
                self._found = key, start, end
        return self._found

    @property
    def exchange(self) -> Exchange:
        """The exchange; raises CassetteLoadError with file and line where the text is not one."""
        if self._exchange is None:
            self._exchange = self._load(self.data)
        return self._exchange

    @property
    def request(self) -> Request:
        """The request alone, for comparing; raises as `exchange` does."""
        found = self._find_request() if self._exchange is None else None
        request = self._try(load_request, self.data[found[1] : found[2]]) if found else None
        return request or self.exchange.request

    @property
    def answer(self) -> tuple[Response, Meta]:
        """Response and meta alone, for playing; raises as `exchange` does."""
        if self._exchange is None and self._answer is None and (found := self._find_request()):
            self._answer = self._try(load_answer, self.data[: found[1]] + self.data[found[2] :])
        return self._answer or (self.exchange.response, self.exchange.meta)

    def _try(self, load: Callable[[object], _Part], data: bytes) -> _Part | None:
        try:
            return load(_read(data, self.name, self.line))
        except (YamlError, ValueError):
            # Read again as a whole, for an error with the right line.
            return None

    def _load(self, data: bytes) -> Exchange:
        try:
            return load_exchange(_read(data, self.name, self.line))
        except YamlError as error:
            raise CassetteLoadError(f"{error}\n{ADVICE}") from None
        except UnicodeDecodeError as error:
            line = self.line + data.count(b"\n", 0, error.start)
            raise CassetteLoadError(f"{self.name}:{line}: the file is not UTF-8 text\n{ADVICE}") from None
        except ValueError as error:
            raise CassetteLoadError(f"{self.name}:{self.line}: {error}\n{ADVICE}") from None


def _emit(key: str, value: Mapping[str, object]) -> bytes:
    return emit({key: fold(value)}, indent=2).encode("utf-8")


def _read(data: bytes, name: str, line: int) -> object:
    text = data.decode("utf-8")
    value = read_own(text)
    if value is DECLINED:
        value = read(text, name=name, first_line=line)
    # An entry is an item of a list, its request alone a mapping.
    if not isinstance(value, list):
        return value
    if len(value) != 1:
        raise ValueError("one exchange was expected")
    return value[0]
