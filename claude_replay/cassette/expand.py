"""
Requests that go on from exchanges above them, made whole again.

    continues: 6f1c0d9a4b7e2c11-5d41402a    # or [first, second]
    body:
      messages:
      - earlier: all                        # the messages of that request; or 3, or from 1 to 12
      - answer: all                         # what it was answered; or a run of its blocks, or text
      - role: user
        content: And then?
      tools: {earlier: all}                 # the field of the same name

Only under `continues` do these words mean anything. Beside `earlier` and `answer` may stand `of` (which of the
exchanges named by `continues`, from 1), `marked` and `unmarked` (cache marks put on or taken off), `keys` (the order
of fields in an answer).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from claude_replay.cassette.parts import (
    ALL,
    MESSAGES,
    TEXT,
    answer_blocks,
    arrange,
    cut,
    join_text,
    mark,
    mark_message,
    unmark,
    unmark_message,
)
from claude_replay.exchange import Request, Response

__all__ = ["ANSWER", "ANSWER_KEYS", "EARLIER", "EARLIER_KEYS", "Source", "expand", "is_reference"]

EARLIER, ANSWER = "earlier", "answer"
EARLIER_KEYS = (EARLIER, "of", "unmarked", "marked")
ANSWER_KEYS = (ANSWER, "of", "keys", "marked")

_Fields = Mapping[str, Any]


class Source(Protocol):
    """An exchange above the one that is read."""

    @property
    def request(self) -> Request: ...

    @property
    def answer(self) -> tuple[Response, object]: ...


def is_reference(value: object) -> bool:
    """Whether a field of a body, or an item of one, points at an exchange above."""
    return isinstance(value, dict) and (EARLIER in value or ANSWER in value)


def expand(body: object, sources: Sequence[Source]) -> dict[str, object]:
    """
    The body of a request with everything in it that it points at; parts are shared with `sources`.

    Raises ValueError that begins with the place of what points nowhere.
    """
    if not isinstance(body, dict):
        raise ValueError("request.body: a mapping was expected below 'continues'")
    return {name: _expand_field(name, value, sources) for name, value in body.items()}


def _expand_field(name: str, value: object, sources: Sequence[Source]) -> object:
    place = f"request.body.{name}"
    if is_reference(value):
        return _at(place, partial(_whole_field, name, value, sources))
    if not isinstance(value, list):
        return value
    items: list[object] = []
    for position, item in enumerate(value):
        if is_reference(item):
            items += _at(f"{place}[{position}]", partial(_find_items, name, item, sources))
        else:
            items.append(item)
    return items


def _at(place: str, find: Callable[[], Any]) -> Any:
    try:
        return find()
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _check_keys(value: object, known: Sequence[str]) -> _Fields:
    assert isinstance(value, dict)
    for key in value:
        if key not in known:
            raise ValueError(
                f"the key {key!r:.60} is not known beside {known[0]!r}; there are: {', '.join(known)}"
            )
    return value


def _choose(fields: _Fields, sources: Sequence[Source]) -> Source:
    number = fields.get("of", 1)
    if type(number) is not int or not 1 <= number <= len(sources):
        raise ValueError(
            f"'of': {number!r:.60} is none of the {len(sources)} exchanges that 'continues' names"
        )
    return sources[number - 1]


def _whole_field(name: str, value: object, sources: Sequence[Source]) -> object:
    fields = _check_keys(value, EARLIER_KEYS[:2])
    if fields.get(EARLIER) != ALL:
        raise ValueError(f"'earlier: all' was expected, not {fields.get(EARLIER)!r:.60}")
    return _field_of(_choose(fields, sources), name)


def _field_of(source: Source, name: str) -> object:
    body = source.request.json
    if not isinstance(body, dict) or name not in body:
        raise ValueError(f"the request that it continues has no {name!r}")
    return body[name]


def _find_items(name: str, item: object, sources: Sequence[Source]) -> list[object]:
    assert isinstance(item, dict)
    if ANSWER in item:
        return [_find_answer(_check_keys(item, ANSWER_KEYS), sources)]
    fields = _check_keys(item, EARLIER_KEYS)
    known = _field_of(_choose(fields, sources), name)
    if not isinstance(known, list):
        raise ValueError(f"{name!r} of the request that it continues is no list")
    found = cut(known, fields[EARLIER], f"{name!r} of the request that it continues has")
    is_message = name == MESSAGES
    unmarked = fields.get("unmarked")
    if unmarked not in (None, True, TEXT):
        raise ValueError(f"'unmarked': true or 'text' was expected, not {unmarked!r:.60}")
    if unmarked:
        found = [
            unmark_message(one, as_text=unmarked == TEXT) if is_message else unmark(one) for one in found
        ]
    if "marked" in fields and found:
        put = mark_message if is_message else mark
        found = [*found[:-1], put(found[-1], fields["marked"])]
    return list(found)


def _find_answer(fields: _Fields, sources: Sequence[Source]) -> object:
    blocks = answer_blocks(_choose(fields, sources).answer[0])
    if blocks is None:
        raise ValueError("the exchange that it continues was not answered with a message")
    run = fields[ANSWER]
    if run == TEXT:
        message: object = {"role": "assistant", "content": join_text(blocks)}
    else:
        chosen = cut(blocks, run, "the answer's blocks are")
        message = {"role": "assistant", "content": arrange(chosen, fields.get("keys"))}
    return mark_message(message, fields["marked"]) if "marked" in fields else message
