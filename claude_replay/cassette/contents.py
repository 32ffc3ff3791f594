"""Bodies as the plain mapping that stands in a cassette, and back."""

from __future__ import annotations

from collections.abc import Mapping

from claude_replay.bodies import describe_part, part_headers
from claude_replay.cassette.streams import dump_cuts, dump_items, load_cuts, load_items
from claude_replay.exchange import Binary, Body, EventStream, Json, JsonLines, Multipart, Part, Text

__all__ = ["BODY_KEYS", "but", "dump_body", "load_body", "text_of"]

BODY_KEYS = ("body", "lines", "text", "binary", "parts", "events")
"""Under which a body stands, by its kind."""

_PLAIN_KEYS = ("body", "text", "binary")
_PART_KEYS = ("name", "filename", "type", "headers", *_PLAIN_KEYS)


def dump_body(body: Body) -> dict[str, object]:
    """The entry for a body, and for an event stream what belongs to it; nothing for no body."""
    if body is None:
        return {}
    if isinstance(body, Json):
        return {"body": body.value}
    if isinstance(body, JsonLines):
        return {"lines": list(body.values)}
    if isinstance(body, Text):
        return {"text": body.text}
    if isinstance(body, Binary):
        return {"binary": body.data}
    if isinstance(body, Multipart):
        return {"parts": [{**describe_part(part.headers), **dump_body(part.body)} for part in body.parts]}
    fields: dict[str, object] = {"events": dump_items(body)}
    if body.tail:
        fields["tail"] = body.tail
    if body.padding is not None:
        fields["padding"] = dump_cuts(body.padding)
    return fields


def load_body(fields: Mapping[str, object], place: str) -> Body:
    """The body of a mapping at `place`; raises ValueError with what is wrong and where."""
    kind = _find_kind(fields, BODY_KEYS, place)
    if kind is None or kind in _PLAIN_KEYS:
        return _load_plain(kind, fields, place)
    value = fields[kind]
    if kind == "parts":
        return _load_parts(value, place)
    _refuse_bytes(value, f"{place}.{kind}")
    if kind == "lines":
        if not isinstance(value, list):
            raise ValueError(f"{place}.lines: a list of values was expected" + but(value))
        return JsonLines(tuple(value))
    tail = text_of(fields.get("tail", ""), f"{place}.tail")
    try:
        return EventStream(load_items(value), tail, _load_padding(fields.get("padding")))
    except ValueError as error:
        raise ValueError(f"{place}.{error}") from None


def _find_kind(fields: Mapping[str, object], kinds: tuple[str, ...], place: str) -> str | None:
    present = [key for key in kinds if key in fields]
    if len(present) > 1:
        raise ValueError(f"{place}: has {' and '.join(present)}; one body was expected")
    return present[0] if present else None


def _load_plain(kind: str | None, fields: Mapping[str, object], place: str) -> Json | Text | Binary | None:
    if kind is None:
        return None
    value = fields[kind]
    if kind == "body":
        _refuse_bytes(value, f"{place}.body")
        return Json(value)
    if kind == "text":
        return Text(text_of(value, f"{place}.text"))
    if not isinstance(value, bytes):
        raise ValueError(f"{place}.binary: base64 under the tag !!binary was expected")
    return Binary(value)


def _load_parts(value: object, place: str) -> Multipart:
    if not isinstance(value, list):
        raise ValueError(f"{place}.parts: a list of parts was expected" + but(value))
    return Multipart(tuple(_load_part(item, f"{place}.parts[{at}]") for at, item in enumerate(value)))


def _load_part(fields: object, place: str) -> Part:
    if not isinstance(fields, dict) or not set(fields) <= set(_PART_KEYS):
        raise ValueError(f"{place}: a part has {', '.join(_PART_KEYS)}" + but(fields))
    try:
        headers = part_headers(fields)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    return Part(headers, _load_plain(_find_kind(fields, _PLAIN_KEYS, place), fields, place))


def _load_padding(padding: object) -> tuple[int, ...] | None:
    try:
        # No padding at all may have been written as null by hand, and one frame's as a number.
        return None if padding is None else tuple(load_cuts(padding))
    except ValueError as error:
        raise ValueError(f"padding: {error}") from None


def _refuse_bytes(value: object, place: str) -> None:
    # JSON knows no bytes, and a file edited by hand may hold them anywhere. Only containers wait to be looked
    # at: this runs for every answer that is played.
    waiting: list[dict[str, object] | list[object]] = [[value]]
    while waiting:
        container = waiting.pop()
        for item in container.values() if isinstance(container, dict) else container:
            if isinstance(item, (dict, list)):
                waiting.append(item)
            elif isinstance(item, bytes):
                raise ValueError(f"{place}: only 'binary' can hold a !!binary value")


def text_of(value: object, place: str) -> str:
    """The text that stands at `place`; raises ValueError where something else does."""
    if not isinstance(value, str):
        raise ValueError(f"{place}: text was expected" + but(value))
    return value


def but(value: object) -> str:
    """The end of a message that says what was found."""
    return ", it is missing" if value is None else f", not {value!r:.60}"
