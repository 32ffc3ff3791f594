"""Bodies as the plain mapping that stands in a cassette, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from claude_replay.bodies import describe_part, media_type, part_headers
from claude_replay.cassette.media import put_back, read_bytes, take_out, take_out_bytes
from claude_replay.cassette.streams import dump_cuts, dump_items, load_cuts, load_items
from claude_replay.exchange import Binary, Body, EventStream, Json, JsonLines, Multipart, Part, Text

__all__ = ["BODY_KEYS", "Files", "but", "dump_body", "load_body", "text_of"]

BODY_KEYS = ("body", "lines", "text", "binary", "parts", "events")
"""Under which a body stands, by its kind."""

_PLAIN_KEYS = ("body", "text", "binary")
_PART_KEYS = ("name", "filename", "type", "headers", "media", *_PLAIN_KEYS)

Files = dict[str, bytes]
"""Side files, by name."""
_Read = Callable[[str, object], bytes]


def dump_body(body: Body, kind: str = "", files: Files | None = None) -> dict[str, object]:
    """
    The entry for a body of the media type `kind`, and what belongs to it; nothing for no body.

    Large media go to `files`, and stay where they are if that is None.
    """
    if body is None:
        return {}
    if isinstance(body, Json):
        return {"body": body.value} if files is None else _dump_json(body.value, files)
    if isinstance(body, JsonLines):
        return {"lines": list(body.values)}
    if isinstance(body, Text):
        return {"text": body.text}
    if isinstance(body, Binary):
        return {"binary": body.data if files is None else take_out_bytes(body.data, kind, files)}
    if isinstance(body, Multipart):
        return {"parts": [_dump_part(part, files) for part in body.parts]}
    fields: dict[str, object] = {"events": dump_items(body)}
    if body.tail:
        fields["tail"] = body.tail
    if body.padding is not None:
        fields["padding"] = dump_cuts(body.padding)
    return fields


def _dump_json(value: object, files: Files) -> dict[str, object]:
    taken = Files()
    value = take_out(value, taken)
    files.update(taken)
    return {"media": list(taken), "body": value} if taken else {"body": value}


def _dump_part(part: Part, files: Files | None) -> dict[str, object]:
    return {**describe_part(part.headers), **dump_body(part.body, media_type(part.headers), files)}


def load_body(fields: Mapping[str, object], place: str, read: _Read, *, has_binary: bool = True) -> Body:
    """
    The body of a mapping at `place`; raises ValueError with what is wrong and where.

    `read` gives the content of a side file from its name and size. Without `has_binary` it is known that no value is
    !!binary.
    """
    kind = _find_kind(fields, BODY_KEYS, place)
    if has_binary and kind in ("body", "lines", "events"):
        # JSON knows no bytes, and a file edited by hand may hold them anywhere.
        _refuse_bytes(fields[kind], f"{place}.{kind}")
    if kind is None or kind in _PLAIN_KEYS:
        return _load_plain(kind, fields, place, read)
    value = fields[kind]
    if kind == "parts":
        return _load_parts(value, place, read)
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


def _load_plain(
    kind: str | None, fields: Mapping[str, object], place: str, read: _Read
) -> Json | Text | Binary | None:
    if kind is None:
        return None
    value = fields[kind]
    if kind == "body":
        return Json(put_back(value, read, f"{place}.body") if fields.get("media") else value)
    if kind == "text":
        return Text(text_of(value, f"{place}.text"))
    return Binary(_load_binary(value, f"{place}.binary", read))


def _load_binary(value: object, place: str, read: _Read) -> bytes:
    try:
        data = read_bytes(value, read)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    if data is None:
        raise ValueError(f"{place}: base64 under the tag !!binary was expected")
    return data


def _load_parts(value: object, place: str, read: _Read) -> Multipart:
    if not isinstance(value, list):
        raise ValueError(f"{place}.parts: a list of parts was expected" + but(value))
    return Multipart(tuple(_load_part(item, f"{place}.parts[{at}]", read) for at, item in enumerate(value)))


def _load_part(fields: object, place: str, read: _Read) -> Part:
    if not isinstance(fields, dict) or not set(fields) <= set(_PART_KEYS):
        raise ValueError(f"{place}: a part has {', '.join(_PART_KEYS)}" + but(fields))
    try:
        headers = part_headers(fields)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    kind = _find_kind(fields, _PLAIN_KEYS, place)
    if kind == "body":
        _refuse_bytes(fields["body"], f"{place}.body")
    return Part(headers, _load_plain(kind, fields, place, read))


def _load_padding(padding: object) -> tuple[int, ...] | None:
    try:
        # No padding at all may have been written as null by hand, and one frame's as a number.
        return None if padding is None else tuple(load_cuts(padding))
    except ValueError as error:
        raise ValueError(f"padding: {error}") from None


def _refuse_bytes(value: object, place: str) -> None:
    # Only containers wait to be looked at.
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
