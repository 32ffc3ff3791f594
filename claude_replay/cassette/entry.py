"""One exchange of a cassette, parsed as far as somebody looks at it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from claude_replay.cassette.compact import fold
from claude_replay.cassette.document import (
    dump_meta,
    dump_request,
    dump_response,
    load_answer,
    load_exchange,
)
from claude_replay.cassette.identity import make_id, trusted_key
from claude_replay.cassette.yamltext import YamlError, emit, read
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Exchange, Meta, Response

__all__ = ["ADVICE", "Entry"]

ADVICE = (
    "The file was left as it is. Repair it by hand, take it from version control again, or delete it and record it "
    "anew: pytest --claude-record=once"
)
"""What to do about any cassette that cannot be read."""

_HEAD = re.compile(r"- id: (\S+)\n")
_REQUEST, _RESPONSE = "\n  request:\n", "\n  response:\n"


class Entry:
    """An exchange as text, as values, or as both; the text of an exchange that was read is written back unchanged."""

    __slots__ = ("_answer", "_exchange", "_text", "line", "name")

    def __init__(self, *, name: str, line: int, text: str | None, exchange: Exchange | None) -> None:
        self.name = name
        self.line = line
        self._text = text
        self._exchange = exchange
        self._answer: tuple[Response, Meta] | None = None

    @classmethod
    def of(cls, exchange: Exchange) -> Entry:
        """
        An entry for an exchange that no file holds yet.

        Raises ValueError where a value cannot be written as YAML.
        """
        request = _emit("request", dump_request(exchange.request))
        text = "".join(
            (
                f"- id: {make_id(exchange.request, request)}\n",
                _emit("meta", dump_meta(exchange.meta)),
                request,
                _emit("response", dump_response(exchange.response, exchange.meta)),
            )
        )
        return cls(name="<new>", line=0, text=text, exchange=exchange)

    @property
    def text(self) -> str:
        """The exchange as one item of a YAML list."""
        if self._text is None:
            self._text = Entry.of(self.exchange).text
        return self._text

    @property
    def short_id(self) -> str:
        """The id that stands in the file; empty where there is none."""
        match = _HEAD.match(self._text or "")
        return match[1] if match else ""

    def find_key(self) -> str | None:
        """The key by which this request is found, if its id still vouches for it; nothing is parsed."""
        text = self._text or ""
        start, end = text.find(_REQUEST) + 1, text.find(_RESPONSE) + 1
        return trusted_key(self.short_id, text[start:end]) if 0 < start < end else None

    @property
    def exchange(self) -> Exchange:
        """The exchange; raises CassetteLoadError with file and line where the text is not one."""
        if self._exchange is None:
            document = self._read(self._text or "")
            self._exchange = self._checked(document)
        return self._exchange

    @property
    def answer(self) -> tuple[Response, Meta]:
        """Response and meta alone, for playing; raises as `exchange` does."""
        if self._exchange is not None:
            return self._exchange.response, self._exchange.meta
        if self._answer is None:
            self._answer = self._read_answer()
        return self._answer

    def _read_answer(self) -> tuple[Response, Meta]:
        text = self._text or ""
        start, end = text.find(_REQUEST) + 1, text.find(_RESPONSE) + 1
        if not 0 < start < end:
            return self.exchange.response, self.exchange.meta
        try:
            # Line numbers below the request would be wrong; a damaged text is read again as a whole to find them.
            return load_answer(_only(read(text[:start] + text[end:], name=self.name)))
        except (YamlError, ValueError):
            return self.exchange.response, self.exchange.meta

    def _read(self, text: str) -> object:
        try:
            return _only(read(text, name=self.name, first_line=self.line))
        except YamlError as error:
            raise CassetteLoadError(f"{error}\n{ADVICE}") from None
        except ValueError as error:
            raise CassetteLoadError(f"{self.name}:{self.line}: {error}\n{ADVICE}") from None

    def _checked(self, document: object) -> Exchange:
        try:
            return load_exchange(document)
        except ValueError as error:
            raise CassetteLoadError(f"{self.name}:{self.line}: {error}\n{ADVICE}") from None


def _emit(key: str, value: Mapping[str, object]) -> str:
    return emit({key: fold(value)}, indent=2)


def _only(documents: object) -> object:
    if not isinstance(documents, list) or len(documents) != 1:
        raise ValueError("one exchange was expected")
    return documents[0]
