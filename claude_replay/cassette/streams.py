"""Event streams as people read them: answers as text, not one map for each token."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate, chain, pairwise, repeat

from claude_replay.bodies import delta_field
from claude_replay.exchange import (
    CutText,
    Deltas,
    Event,
    EventStream,
    Frame,
    Json,
    RawEvent,
    StreamItem,
    Text,
)

__all__ = ["dump_cuts", "dump_items", "dump_times", "load_cuts", "load_items", "load_times"]


def dump_items(stream: EventStream) -> list[object]:
    """The events as the list that stands under `events:`."""
    return [_dump_item(item) for item in stream.items]


def _dump_item(item: StreamItem) -> dict[str, object]:
    if isinstance(item, RawEvent):
        return {"raw": item.text}
    if isinstance(item, Frame):
        return {"frame": dict(item.headers), **_dump_frame_body(item)}
    if isinstance(item, Deltas):
        fields: dict[str, object] = {"index": item.index, str(delta_field(item.type)): item.text}
        if len(item.pieces) != 1:
            fields["cuts"] = dump_cuts(len(piece) for piece in item.pieces)
        return {item.type: fields}
    name, data = item.name, item.data
    if (
        name is not None
        and _is_plain(name)
        and isinstance(data, dict)
        and next(iter(data.items()), None) == ("type", name)
    ):
        return {name: {key: value for key, value in data.items() if key != "type"}}
    return {"event": name, "data": data}


def _is_plain(name: str) -> bool:
    return name not in ("event", "raw", "data", "frame") and delta_field(name) is None


def _dump_frame_body(frame: Frame) -> dict[str, object]:
    if isinstance(frame.body, Json):
        return {"data": frame.body.value}
    return {} if frame.body is None else {"text": frame.body.text}


def load_items(items: object) -> tuple[StreamItem, ...]:
    """The events from the list under `events:`; raises ValueError with the place and what is wrong there."""
    if not isinstance(items, list):
        raise ValueError("events: a list of events was expected")
    return tuple(_load_item(item, f"events[{position}]") for position, item in enumerate(items))


def _load_item(item: object, place: str) -> StreamItem:
    if not isinstance(item, dict) or not item:
        raise ValueError(f"{place}: an event is a mapping from its name to its data")
    if "event" in item and set(item) == {"event", "data"} and isinstance(item["event"], (str, type(None))):
        return Event(item["event"], item["data"])
    if "frame" in item:
        return _load_frame(item, place)
    if len(item) != 1:
        raise ValueError(f"{place}: an event has one name, this one has {', '.join(map(repr, item))}")
    name, data = next(iter(item.items()))
    if name == "raw" and isinstance(data, str):
        return RawEvent(data)
    if not isinstance(data, dict):
        raise ValueError(f"{place}: the data of {name!r} is a mapping")
    field = delta_field(name)
    return Event(name, {"type": name, **data}) if field is None else _load_deltas(name, field, data, place)


def _load_frame(item: dict[str, object], place: str) -> Frame:
    headers, text = item["frame"], item.get("text", "")
    if (
        not isinstance(headers, dict)
        or not all(isinstance(value, str) for value in headers.values())
        or not isinstance(text, str)
        or not set(item) <= {"frame", "data", "text"}
        or len(item) > 2
    ):
        raise ValueError(f"{place}: a frame has headers, all of them text, and beside it data or text")
    if "data" in item:
        return Frame(headers, Json(item["data"]))
    return Frame(headers, Text(text) if text else None)


def _load_deltas(name: str, field: str, data: dict[str, object], place: str) -> Deltas:
    index, text, cuts = data.get("index"), data.get(field), data.get("cuts")
    if type(index) is not int or not isinstance(text, str) or not set(data) <= {"index", field, "cuts"}:
        raise ValueError(f"{place}: {name!r} holds index, {field} and cuts")
    if cuts is None:
        return Deltas(index, name, (text,))
    try:
        lengths = load_cuts(cuts)
    except ValueError as error:
        raise ValueError(f"{place}.cuts: {error}") from None
    # A text edited by hand no longer has the recorded length.
    return Deltas(index, name, CutText(text, lengths) if lengths else ())


def dump_cuts(lengths: Iterable[int]) -> str:
    """Numbers on one line; a number standing n times in a row is written `number*n`."""
    words: list[str] = []
    last, count = -1, 0
    for length in (*lengths, -1):
        if length == last:
            count += 1
            continue
        if count:
            words.append(str(last) if count == 1 else f"{last}*{count}")
        last, count = length, 1
    return " ".join(words)


_MAX_NUMBERS = 5_000_000  # a hostile `1*999999999999` must not fill the memory
_MOST_REPEATED, _MOST_WORDS = 100, 4096
_NUMBERS = re.compile(r"([0-9]{1,9})(?:\*([0-9]{1,9}))?")


def load_cuts(text: object) -> list[int]:
    """The numbers of `dump_cuts`; raises ValueError where the text is something else."""
    words = str(text).split()
    try:
        return list(chain.from_iterable(map(_known_words.__getitem__, words)))
    except LookupError:
        pass
    numbers: list[int] = []
    for number, count in map(_read_word, words):
        if len(numbers) + count > _MAX_NUMBERS:
            raise ValueError(f"more than {_MAX_NUMBERS:,} numbers")
        numbers += repeat(number, count)
    return numbers


def _read_word(word: str) -> tuple[int, int]:
    found = _NUMBERS.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r:.60} is neither a number nor number*times")
    return int(found[1]), int(found[2] or 1)


class _Words(dict[str, tuple[int, ...]]):
    """The numbers that words stand for: a stream has thousands of words, and few that differ."""

    def __missing__(self, word: str) -> tuple[int, ...]:
        number, count = _read_word(word)
        if count > _MOST_REPEATED:
            raise LookupError(word)
        if len(self) >= _MOST_WORDS:
            self.clear()
        numbers = self[word] = (number,) * count
        return numbers


_known_words = _Words()


def dump_times(times: tuple[int, ...]) -> str:
    """Arrival times in milliseconds as the steps between them; a clock that ran backwards stood still."""
    forward = [0, *accumulate(times, max)]
    return dump_cuts(later - earlier for earlier, later in pairwise(forward))


def load_times(text: object) -> tuple[int, ...]:
    """The arrival times again."""
    return tuple(accumulate(load_cuts(text)))
