"""Server-sent events: text to events and back, as the stream arrives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from claude_replay.bodies.jsontext import dump_json, format_json, load_json
from claude_replay.exchange import Deltas, Event, EventStream, Frame, RawEvent, StreamItem

__all__ = ["EventDecoder", "delta_field", "encode_item", "expand", "fold_items"]

_DELTA_FIELDS = {
    "text_delta": "text",
    "input_json_delta": "partial_json",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
}
_CUT, _CUT_IN_JSON = "\x01", "\\u0001"
# Two line ends in a row. What follows a CR decides whether it is one, so at the end of a piece it waits.
_BLOCK_END = re.compile(r"(?:\r\n|\n|\r(?!\n|\Z)){2}")
_LAST_BLOCK_END = re.compile(r"(?:\r\n|\n|\r(?!\n)){2}")
# Line ends are named, not `.`: str.splitlines and others also cut at U+2028, which JSON strings may hold.
_PLAIN_BLOCK = re.compile(r"(?:event: ?([^\r\n]*)(?:\r\n|\n|\r))?data: ?([^\r\n]*)")


def delta_field(delta_type: str) -> str | None:
    """The key under which a delta of this type carries its text; None for deltas that carry other things."""
    return _DELTA_FIELDS.get(delta_type)


class EventDecoder:
    """Splits text into events as it arrives; pieces may end anywhere."""

    def __init__(self) -> None:
        self._rest = ""
        self.events: list[Event | RawEvent] = []

    def feed(self, text: str) -> int:
        """Take the next piece; returns how many events it completed."""
        before = len(self.events)
        # No block ends within the rest, or it would not be there: only what is new is searched.
        searched = max(len(self._rest) - 3, 0)
        self._rest += text
        self._split(_BLOCK_END.finditer(self._rest, searched))
        return len(self.events) - before

    def _split(self, ends: Iterable[re.Match[str]]) -> None:
        start = 0
        for end in ends:
            self.events.append(_parse_block(self._rest[start : end.start()]))
            start = end.end()
        self._rest = self._rest[start:]

    def finish(self) -> EventStream:
        """The whole stream, runs of deltas folded, whatever is incomplete kept as the tail."""
        self._split(_LAST_BLOCK_END.finditer(self._rest))
        return EventStream(fold_items(self.events), self._rest)


def _parse_block(block: str) -> Event | RawEvent:
    plain = _PLAIN_BLOCK.fullmatch(block)
    parsed = load_json(plain[2]) if plain else None
    return Event(plain[1], parsed.value) if plain and parsed else RawEvent(block)


def fold_items(items: Iterable[StreamItem]) -> tuple[StreamItem, ...]:
    """Fold runs of text-carrying deltas of one block into Deltas."""
    folded: list[StreamItem] = []
    pieces: list[str] = []
    run: tuple[int, str] | None = None
    for item in items:
        delta = _text_delta(item) if isinstance(item, Event) else None
        if delta is None or delta[:2] != run:
            if run is not None:
                folded.append(Deltas(*run, tuple(pieces)))
            run, pieces = None, []
        if delta is None:
            folded.append(item)
        else:
            run = delta[:2]
            pieces.append(delta[2])
    if run is not None:
        folded.append(Deltas(*run, tuple(pieces)))
    return tuple(folded)


def _text_delta(event: Event) -> tuple[int, str, str] | None:
    # Only events that encode_item rebuilds key by key are folded; anything unusual stays whole.
    data = event.data
    if event.name != "content_block_delta" or not isinstance(data, dict):
        return None
    if list(data) != ["type", "index", "delta"] or data["type"] != "content_block_delta":
        return None
    index, delta = data["index"], data["delta"]
    if type(index) is not int or not isinstance(delta, dict) or len(delta) != 2:
        return None
    for kind, field in _DELTA_FIELDS.items():
        if list(delta) == ["type", field] and delta["type"] == kind and isinstance(delta[field], str):
            return index, kind, delta[field]
    return None


def expand(items: Iterable[StreamItem]) -> Iterator[Event | RawEvent | Frame]:
    """The single events again, in order."""
    for item in items:
        if not isinstance(item, Deltas):
            yield item
            continue
        field = _DELTA_FIELDS[item.type]
        for piece in item.pieces:
            delta = {"type": item.type, field: piece}
            data = {"type": "content_block_delta", "index": item.index, "delta": delta}
            yield Event("content_block_delta", data)


def encode_item(item: StreamItem, batch: int = 1) -> Iterator[bytes]:
    """The bytes of the events of an item, of so many at a time."""
    if isinstance(item, Frame):
        return
    if isinstance(item, RawEvent):
        yield f"{item.text}\n\n".encode()
    elif isinstance(item, Event):
        head = "" if item.name is None else f"event: {item.name}\n"
        yield b"".join((head.encode(), b"data: ", dump_json(item.data), b"\n\n"))
    else:
        head = (
            'event: content_block_delta\ndata: {"type":"content_block_delta","index":'
            f'{item.index},"delta":{{"type":"{item.type}","{_DELTA_FIELDS[item.type]}":'
        )
        tail = "}}\n\n"
        pieces = iter(item.pieces)
        while together := tuple(islice(pieces, batch)):
            yield f"{head}{_write_pieces(together, tail + head)}{tail}".encode()


def _write_pieces(pieces: Sequence[str], between: str) -> str:
    """Texts as JSON, with `between` between them."""
    # A long answer is thousands of them: written as one, with a character between that texts do not hold, and that
    # JSON spells in a way of its own.
    text = _CUT.join(pieces)
    if _CUT_IN_JSON[1:] in text or text.count(_CUT) >= len(pieces):
        return between.join(map(format_json, pieces))
    return format_json(text).replace(_CUT_IN_JSON, f'"{between}"')
