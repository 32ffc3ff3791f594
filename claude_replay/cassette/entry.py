"""One exchange of a cassette, parsed as far as somebody looks at it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from claude_replay.cassette.document import (
    Surroundings,
    dump_meta,
    dump_request,
    dump_response,
    load_answer,
    load_exchange,
    load_request,
)
from claude_replay.cassette.identity import Identity, identify_request, trusted_identity
from claude_replay.cassette.layout import write_exchange
from claude_replay.cassette.links import Links, read_labels
from claude_replay.cassette.media import Media
from claude_replay.cassette.origin import Origin, find_origin, origin_of
from claude_replay.cassette.quick import QuickAnswer, read_quickly
from claude_replay.cassette.yamltext import DECLINED, YamlError, read, read_own
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Exchange, Meta, Request, Response

__all__ = ["ADVICE", "Entry", "drop_notes"]

ADVICE = (
    "The file was left as it is. Repair it by hand, take it from version control again, or delete it and "
    "record it anew: pytest --claude-record=once"
)
"""What to do about any cassette that cannot be read."""

_Part = TypeVar("_Part")
_NONE = object()
_HEAD = re.compile(rb"- id: (\S+)\n")
# What stands above most requests; the number is one that this package has written.
_QUICK_HEAD = re.compile(
    rb"- id: \S+\n(?:  meta: {recorded_at: '[0-9TZ:-]+'(?:, duration: ((?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?))?"
    rb"(?:, sdk: [0-9A-Za-z.'+-]+)?}\n)?"
)
_NOTES = re.compile(
    r"^(- id:) [0-9a-f]{16}-[0-9a-f-]+$"
    r"|^(  meta:) {recorded_at: '[0-9TZ:-]+'(?:, duration: [0-9.]+)?(?:, sdk: [0-9A-Za-z.'+-]+)?}$"
    r"|^(    continues:) [][0-9a-f/, -]+$",
    re.MULTILINE,
)
_REQUEST, _RESPONSE = b"\n  request:\n", b"\n  response:\n"
_POINTS = b"\n    continues: "
_CONTINUES = re.compile(rb"\n    continues: ([^\n#]+)\n")


def drop_notes(text: str) -> str:
    """
    The text of a cassette without ids and dates; it has as many lines.

    They are made here and hold no secret, whatever their digits spell.
    """
    return _NOTES.sub(r"\1\2\3", text)


class Entry:
    """
    An exchange as the bytes of a file, as values, or as both.

    Bytes that were read are written back unchanged, with whatever comments stand in them. As long as the id
    vouches for the request (see `identity`), request and answer are parsed one by one, when they are asked
    for. `line` is 0 for an exchange that no file holds yet.
    """

    __slots__ = (
        "_answer",
        "_data",
        "_document",
        "_exchange",
        "_found",
        "_identity",
        "_is_kept",
        "_key",
        "_links",
        "_place",
        "_quick",
        "_request",
        "line",
        "name",
    )

    def __init__(
        self,
        *,
        name: str = "<new>",
        line: int = 0,
        data: bytes | None = None,
        exchange: Exchange | None = None,
        document: object = _NONE,
        key: str | None = None,
    ) -> None:
        self.name = name
        self.line = line
        self._data = data
        self._exchange = exchange
        # The mapping itself, of a file that is not laid out as ours.
        self._document = document
        # That of its request under the default matching rules, where it is known.
        self._key = key
        self._identity: Identity | None = None
        self._is_kept = line > 0 and data is not None
        self._request: Request | None = None
        self._answer: tuple[Response, Meta] | None = None
        self._quick: tuple[QuickAnswer, float] | None = None
        self._found: tuple[Identity, int, int] | None = None
        # Set by `link`: where the exchanges are that this one points at.
        self._links: Links[Entry] | None = None
        self._place = 0

    @classmethod
    def of(cls, exchange: Exchange) -> Entry:
        """
        An entry for an exchange that no file holds yet, written as one that stands alone.

        Raises ValueError where a value cannot be written as YAML.
        """
        return cls(data=write_exchange(exchange), exchange=exchange)

    def link(self, links: Links[Entry]) -> None:
        """Take a place, the next, among the exchanges of a file."""
        self._place = links.add(self)
        self._links = links

    @property
    def is_new(self) -> bool:
        """Whether no cassette of ours holds it yet, so it may be written in any way that means the same."""
        return not self._is_kept

    def renew(self) -> Entry:
        """The same exchange as one that no file holds yet; raises as `exchange` does."""
        return self if self.is_new else Entry(exchange=self.exchange)

    @property
    def data(self) -> bytes:
        """The exchange as one item of a YAML list, in UTF-8."""
        if self._data is None:
            self._data = write_exchange(self.exchange, identity=self.identity)
        return self._data

    @property
    def identity(self) -> Identity:
        """What its id has to say when it is written anew; raises as `exchange` does."""
        if self._identity is None:
            self._identity = identify_request(self.exchange.request, self._key)
        return self._identity

    @property
    def digest(self) -> str:
        """What tells this exchange from every other, in whatever file and place, however it is written."""
        try:
            request, (response, meta) = self.request, self.answer
        except CassetteLoadError:
            return hashlib.sha256(self.data).hexdigest()
        said = [dump_meta(meta), dump_request(request), dump_response(response, meta)]
        return hashlib.sha256(json.dumps(said, default=repr).encode()).hexdigest()

    @property
    def short_id(self) -> str:
        """The id that stands in the file; empty where there is none."""
        if self._document is not _NONE:
            return str(self._document.get("id", "")) if isinstance(self._document, dict) else ""
        match = _HEAD.match(self.data)
        return match[1].decode("utf-8", "replace") if match else ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The ids of the exchanges that it points at, as its text names them."""
        data = self._data
        # As bytes first: a regular expression takes ten times as long to see that there are none.
        found = _CONTINUES.search(data) if data is not None and _POINTS in data else None
        if found is None:
            return ()
        names = found[1].decode("utf-8", "replace").strip().removeprefix("[").removesuffix("]").split(",")
        return tuple(name.strip(" '\"") for name in names)

    @property
    def bases(self) -> tuple[Entry, ...]:
        """The exchanges that it points at; raises ValueError where one is not there."""
        links = self._links
        return tuple(links[place] for place in links.bases(self._place)) if links is not None else ()

    @property
    def request_text(self) -> bytes:
        """Its request as it is written; all of it where it is not laid out as ours."""
        start, end = self._find_parts()
        return self.data[start:end]

    @property
    def answer_text(self) -> bytes:
        """Its answer as it is written."""
        return self.data[self._find_parts()[1] :]

    def _find_parts(self) -> tuple[int, int]:
        # Where request and answer begin.
        data = self.data
        start, end = data.find(_REQUEST) + 1, data.find(_RESPONSE) + 1
        return (start, end) if 0 < start < end else (0, len(data))

    def find_key(self) -> str | None:
        """The key by which this request is found, if its id still vouches for it; nothing is parsed."""
        found = self._find_request()
        return found[0].key if found else None

    @property
    def origin(self) -> Origin:
        """Where it comes from, as far as its first lines say; nothing is parsed of what a file holds."""
        if self._data is None:
            return origin_of(self.exchange)
        return find_origin(self._data)

    def find_sent(self) -> str:
        """The digest of this request as it is sent, if its id vouches for that; else empty."""
        found = self._find_request()
        return found[0].sent if found else ""

    def _find_request(self) -> tuple[Identity, int, int] | None:
        """What the id of an exchange vouches for, and where its request begins and ends; None if for nothing."""
        if self._found is None and self._data is not None:
            start, end = self._data.find(_REQUEST) + 1, self._data.find(_RESPONSE) + 1
            if 0 < start < end and (known := self._trusted_identity(self._data[start:end])):
                self._found = known, start, end
        return self._found

    @property
    def texts(self) -> tuple[bytes, bytes] | None:
        """Request and response as they stand in the file; None where it is not laid out as ours."""
        data = self._data or b""
        start, end = data.find(_REQUEST) + 1, data.find(_RESPONSE) + 1
        return (data[start:end], data[end:]) if 0 < start < end else None

    def _trusted_identity(self, request_text: bytes) -> Identity | None:
        try:
            seals = self._links.seals(self._place) if self._links is not None else ()
        except ValueError:
            return None
        return trusted_identity(self.short_id, request_text, seals)

    @property
    def exchange(self) -> Exchange:
        """The exchange; raises CassetteLoadError with file and line where the text is not one."""
        if self._exchange is None:
            self._load_sources()
            self._exchange = self._load()
        return self._exchange

    @property
    def request(self) -> Request:
        """The request alone, for comparing; raises as `exchange` does."""
        if self._exchange is not None:
            return self._exchange.request
        if self._request is None and (found := self._find_request()):
            self._load_sources()
            request = self._try(load_request, b"-" + self.data[found[1] + 1 : found[2]])
            if self._links is None:
                return request or self.exchange.request
            # Others are made from it, and share what they have in common.
            self._request = request
        return self._request or self.exchange.request

    def _load_sources(self) -> None:
        # From the top down, so that none of them has to look for its own.
        if self._links is not None and self._request is None:
            for place in self._links.chain(self._place):
                self._links[place].request  # noqa: B018  # keeps it

    @property
    def answer(self) -> tuple[Response, Meta]:
        """Response and meta alone, for playing; raises as `exchange` does."""
        if self._exchange is None and self._answer is None and (found := self._find_request()):
            self._answer = self._try(load_answer, self.data[: found[1]] + self.data[found[2] :])
        return self._answer or (self.exchange.response, self.exchange.meta)

    def find_sources(self, labels: object) -> Sequence[Entry]:
        """The exchanges above this one that `continues` names; raises ValueError where one is not there."""
        links = self._links if self._links is not None else Links[Entry]()
        return [links[links.find(label, self._place)] for label in read_labels(labels)]

    def read_media(self, name: str, size: object) -> bytes:
        """The content of a side file; raises ValueError where it is missing or was changed."""
        return Media(Path(self.name)).read(name, size)

    @property
    def quick_answer(self) -> tuple[QuickAnswer, float] | None:
        """
        A whole answer and the seconds it took when it was live, without its being parsed.

        None where it was parsed already, or has to be.
        """
        if self._quick is None and self._exchange is None and self._answer is None:
            found = self._find_request()
            head = _QUICK_HEAD.fullmatch(self.data, 0, found[1]) if found else None
            if found and head and (answer := read_quickly(self.data[found[2] :])):
                self._quick = answer, float(head[1] or 0)
        return self._quick

    def _try(self, load: Callable[[object, Surroundings], _Part], data: bytes) -> _Part | None:
        try:
            document, has_binary = _read(data, self.name, self.line)
            return load(document, _Around(self, has_binary))
        except (YamlError, ValueError):
            # Read again as a whole, for an error with the right line.
            return None

    def _load(self) -> Exchange:
        try:
            return self._parse()
        except YamlError as error:
            raise CassetteLoadError(f"{error}\n{ADVICE}") from None
        except UnicodeDecodeError as error:
            line = self.line + self.data.count(b"\n", 0, error.start)
            raise CassetteLoadError(f"{self.name}:{line}: the file is not UTF-8 text\n{ADVICE}") from None
        except ValueError as error:
            at = f":{self.line}" if self._document is _NONE else f": exchanges[{self._place}]"
            raise CassetteLoadError(f"{self.name}{at}: {error}\n{ADVICE}") from None

    def _parse(self) -> Exchange:
        document, has_binary = self._document, True
        if document is _NONE:
            document, has_binary = _read(self.data, self.name, self.line)
        return load_exchange(document, _Around(self, has_binary))


class _Around(NamedTuple):
    """What an entry may point at."""

    entry: Entry
    has_binary: bool

    def find_sources(self, labels: object) -> Sequence[Entry]:
        return self.entry.find_sources(labels)

    def read_media(self, name: str, size: object) -> bytes:
        return self.entry.read_media(name, size)


def _read(data: bytes, name: str, line: int) -> tuple[object, bool]:
    """The mapping that is an exchange, and whether it may hold !!binary values."""
    value = read_own(data)
    if is_foreign := value is DECLINED:
        value = read(data.decode("utf-8"), name=name, first_line=line)
    if not isinstance(value, list) or len(value) != 1:
        raise ValueError("one exchange was expected")
    return value[0], is_foreign
