"""Secrets in event streams, where one may be spread over many events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from claude_replay.bodies import delta_field
from claude_replay.exchange import Deltas, Event, EventStream, Frame, RawEvent, StreamItem
from claude_replay.redact.frames import clean_frame, find_in_frame
from claude_replay.redact.scanner import Scanner
from claude_replay.redact.trees import clean_value, find_in_value

__all__ = ["clean_stream", "find_in_stream"]

_FIELDS = ("text", "partial_json", "thinking", "signature")
_RAW_PIECE = re.compile(
    r'"(?P<field>text|partial_json|thinking|signature|completion)"\s*:\s*"(?P<text>(?:[^"\\]|\\.)*)',
    re.DOTALL,
)
_RAW_INDEX = re.compile(r'"index"\s*:\s*(\d+)')
# Where an event keeps what it adds to a block: Messages, converse-stream, legacy completions.
_TEXT_PATHS = (
    *((holder, field) for holder in ("delta", "content_block") for field in _FIELDS),
    ("delta", "toolUse", "input"),
    ("delta", "reasoningContent", "text"),
    ("completion",),
)
_Thread = tuple[int, str]


@dataclass(frozen=True, slots=True)
class _Piece:
    """
    One piece of a block's text: the item it is in, and where in there.

    `at` counts the pieces of an item, `keys` leads to it in the data of an Event.
    """

    item: int
    at: int
    text: str
    keys: tuple[str, ...] = ()


def clean_stream(stream: EventStream, scanner: Scanner) -> EventStream:
    """
    The stream with a placeholder for each secret; the same object where there is none.

    Pieces that belong together (of one block and type) are searched as one text, whatever stands in between.
    Items and pieces stay as many as they were, so that times recorded for them stay true.
    """
    items: list[StreamItem] = [*stream.items, RawEvent(stream.tail)]
    for pieces in _collect_threads(items):
        texts = scanner.clean_pieces([piece.text for piece in pieces])
        if texts is not None:
            _replace_pieces(items, pieces, texts)
    items = [_clean_item(item, scanner) for item in items]
    tail = items.pop()
    assert isinstance(tail, RawEvent)
    if tail.text == stream.tail and all(new is old for new, old in zip(items, stream.items, strict=True)):
        return stream
    return EventStream(tuple(items), tail.text, stream.padding)


def find_in_stream(stream: EventStream, scanner: Scanner, path: str) -> str | None:
    """The path of the first secret, that of the piece it begins in where it is spread; None without one."""
    items: list[StreamItem] = [*stream.items, RawEvent(stream.tail)]
    found: list[tuple[int, int, str]] = []
    for pieces in _collect_threads(items):
        spans = scanner.piece_spans([piece.text for piece in pieces])
        if spans:
            ends = accumulate(len(piece.text) for piece in pieces)
            first = next(piece for piece, end in zip(pieces, ends, strict=True) if spans[0][0] < end)
            found.append((first.item, first.at, _piece_path(items, first, path)))
    for number, item in enumerate(items):
        place = _find_in_item(item, scanner, _item_path(items, number, path))
        if place is not None:
            found.append((number, 0, place))
            break
    return min(found)[2] if found else None


def _collect_threads(items: Sequence[StreamItem]) -> list[list[_Piece]]:
    threads: dict[_Thread, list[_Piece]] = {}
    for number, item in enumerate(items):
        if isinstance(item, Deltas):
            thread = threads.setdefault((item.index, delta_field(item.type) or item.type), [])
            thread += [_Piece(number, at, text) for at, text in enumerate(item.pieces)]
        elif isinstance(item, Event):
            for at, (index, keys, text) in enumerate(_event_texts(item.data)):
                threads.setdefault((index, keys[-1]), []).append(_Piece(number, at, text, keys))
        elif isinstance(item, RawEvent):
            found = _RAW_INDEX.search(item.text)
            index = int(found[1]) if found else 0
            for at, raw in enumerate(_RAW_PIECE.finditer(item.text)):
                threads.setdefault((index, raw["field"]), []).append(_Piece(number, at, raw["text"]))
    return list(threads.values())


def _event_texts(data: object) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """Block index, keys and text of what an unfolded event adds to a block."""
    if not isinstance(data, dict):
        return
    # Bedrock's converse-stream has names of its own.
    index = data.get("index", data.get("contentBlockIndex"))
    for path in _TEXT_PATHS:
        text: object = data
        for key in path:
            text = text.get(key) if isinstance(text, dict) else None
        if isinstance(text, str):
            yield index if isinstance(index, int) else 0, path, text


def _replace_pieces(items: list[StreamItem], pieces: Sequence[_Piece], texts: Sequence[str]) -> None:
    runs: dict[int, list[str]] = {}
    for piece, text in zip(pieces, texts, strict=True):
        item = items[piece.item]
        if isinstance(item, Deltas):
            runs.setdefault(piece.item, list(item.pieces))[piece.at] = text
        elif text == piece.text:
            continue
        elif isinstance(item, Event):
            items[piece.item] = Event(item.name, _with_text(item.data, piece.keys, text))
        else:
            assert isinstance(item, RawEvent)  # frames have no pieces
            place = list(_RAW_PIECE.finditer(item.text))[piece.at]
            start, end = place.span("text")
            items[piece.item] = RawEvent(item.text[:start] + text + item.text[end:])
    for number, run in runs.items():
        item = items[number]
        if isinstance(item, Deltas) and item.pieces != tuple(run):
            items[number] = Deltas(item.index, item.type, tuple(run))


def _with_text(data: object, keys: Sequence[str], text: str) -> object:
    if not keys:
        return text
    assert isinstance(data, dict)
    return {**data, keys[0]: _with_text(data[keys[0]], keys[1:], text)}


def _clean_item(item: StreamItem, scanner: Scanner) -> StreamItem:
    if isinstance(item, Deltas):
        return item
    if isinstance(item, RawEvent):
        text = scanner.clean(item.text)
        return item if text is item.text else RawEvent(text)
    if isinstance(item, Frame):
        return clean_frame(item, scanner)
    name = None if item.name is None else scanner.clean(item.name)
    data = clean_value(item.data, scanner)
    return item if name is item.name and data is item.data else Event(name, data)


def _find_in_item(item: StreamItem, scanner: Scanner, path: str) -> str | None:
    if isinstance(item, Deltas):
        return None
    if isinstance(item, RawEvent):
        return path if scanner.spans(item.text) else None
    if isinstance(item, Frame):
        return find_in_frame(item, scanner, path)
    if item.name is not None and scanner.spans(item.name):
        return f"{path}.name"
    return find_in_value(item.data, scanner, f"{path}.data")


def _item_path(items: Sequence[StreamItem], number: int, path: str) -> str:
    # The tail was put behind the items.
    if number == len(items) - 1:
        return f"{path}.tail"
    item = items[number]
    return f"{path}.items[{number}]" + (".text" if isinstance(item, RawEvent) else "")


def _piece_path(items: Sequence[StreamItem], piece: _Piece, path: str) -> str:
    below = _item_path(items, piece.item, path)
    item = items[piece.item]
    if isinstance(item, Deltas):
        return f"{below}.pieces[{piece.at}]"
    return ".".join((f"{below}.data", *piece.keys)) if isinstance(item, Event) else below
