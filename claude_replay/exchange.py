"""What travels between a client and Claude: plain values, without I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain
from typing import Any, Literal, overload

__all__ = [
    "Binary",
    "Body",
    "CutText",
    "Deltas",
    "Ended",
    "Event",
    "EventStream",
    "Exchange",
    "Frame",
    "Json",
    "JsonLines",
    "Meta",
    "Multipart",
    "Part",
    "RawEvent",
    "Request",
    "Response",
    "StreamItem",
    "Text",
    "Usage",
]


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON body as plain dicts, lists, strings, numbers, booleans and None, key order kept."""

    value: object


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A body of one JSON value a line, such as the results of a batch."""

    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A body that is text but not the JSON or event stream it may claim to be."""

    text: str


@dataclass(frozen=True, slots=True)
class Binary:
    """A body that is not UTF-8 text."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an upload; header names are lower case."""

    headers: Mapping[str, str]
    body: Json | Text | Binary | None


@dataclass(frozen=True, slots=True)
class Multipart:
    """An upload in parts, without the boundary that its client has drawn at random."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event whose data is JSON; `name` is its `event:` field, None where it had none."""

    name: str | None
    data: object


class CutText(Sequence[str]):
    """
    The pieces of a text, equal to a tuple of them; each is cut off when it is asked for.

    `lengths` are those of the pieces, one at least. Where the text is longer the last has the rest, where it is
    shorter the last ones have less.
    """

    # Thousands of pieces that live at once are slow to make, as memory goes.
    __slots__ = ("_lengths", "text")

    def __init__(self, text: str, lengths: Sequence[int]) -> None:
        self.text = text
        self._lengths = lengths

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[str]:
        text, start = self.text, 0
        for end in chain(accumulate(self._lengths[:-1]), (len(text),)):
            yield text[start:end]
            start = end

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...

    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, (tuple, CutText)) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


@dataclass(frozen=True, slots=True)
class Deltas:
    """A run of consecutive `content_block_delta` events of one block, kept as the texts they carried."""

    index: int
    type: str
    pieces: tuple[str, ...] | CutText

    @property
    def text(self) -> str:
        """All of them together."""
        return self.pieces.text if isinstance(self.pieces, CutText) else "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class RawEvent:
    """A block of an event stream that is not just `event:` and JSON `data:` (comments, ids), as it stood."""

    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of an AWS event stream that is no plain event (an exception, say): its headers and its body."""

    headers: Mapping[str, str]
    body: Json | Text | None


StreamItem = Event | Deltas | RawEvent | Frame


@dataclass(frozen=True, slots=True)
class EventStream:
    """
    The events of a stream in order; `tail` is what stood after the last whole event.

    `padding` is None for server-sent events. Of an AWS event stream it holds for each frame how many
    characters the service padded it with, and 0 for those without padding.
    """

    items: tuple[StreamItem, ...]
    tail: str = ""
    padding: tuple[int, ...] | None = None


Body = Json | JsonLines | Text | Binary | Multipart | EventStream | None

Ended = Literal["complete", "closed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as sent; header names are lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Body

    @property
    def json(self) -> Any:
        """The body as plain objects; None where it is not JSON."""
        return self.body.value if isinstance(self.body, Json) else None


@dataclass(frozen=True, slots=True)
class Response:
    """
    A response as received; header names are lower case, the body is decompressed.

    `ended` says how reading it came to its end: "complete"; "closed" when the application closed it before
    that; "cancelled" when the application cancelled the call. What had arrived until then is kept, which
    after a cancelled call may be nothing at all: `status` 0.
    """

    status: int
    headers: Mapping[str, str]
    body: Body
    ended: Ended = "complete"


@dataclass(frozen=True, slots=True)
class Meta:
    """
    What is known about a recording besides its content; never used for matching.

    `recorded_at` is ISO 8601 in UTC, `duration` seconds from sending to the last byte, `times` the
    milliseconds after sending at which each event of a stream arrived, `sdk` the version of the anthropic package
    that asked.
    """

    recorded_at: str | None = None
    duration: float | None = None
    times: tuple[int, ...] = ()
    sdk: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response ("interaction" in vcrpy)."""

    request: Request
    response: Response
    meta: Meta = field(default_factory=Meta)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as Claude counted them; the four kinds do not overlap."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """All tokens, read or written."""
        return (
            self.input_tokens
            + self.output_tokens
            + self.cache_creation_input_tokens
            + self.cache_read_input_tokens
        )

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_creation_input_tokens + other.cache_creation_input_tokens,
            self.cache_read_input_tokens + other.cache_read_input_tokens,
        )
