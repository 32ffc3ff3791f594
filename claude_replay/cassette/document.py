"""One exchange as the plain mapping that stands in a cassette, and back."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import cast, get_args
from urllib.parse import urlsplit

from claude_replay.cassette.streams import (
    dump_cuts,
    dump_items,
    dump_times,
    load_cuts,
    load_items,
    load_times,
)
from claude_replay.exchange import (
    Binary,
    Body,
    Ended,
    EventStream,
    Exchange,
    Json,
    Meta,
    Request,
    Response,
    Text,
)

__all__ = [
    "dump_meta",
    "dump_request",
    "dump_response",
    "load_answer",
    "load_exchange",
    "load_request",
    "nearest_key",
]

_EXCHANGE_KEYS = ("id", "meta", "request", "response")
_META_KEYS = ("recorded_at", "duration")
_BODY_KEYS = ("body", "text", "binary", "events")
_REQUEST_KEYS = ("method", "url", "headers", *_BODY_KEYS, "tail", "padding")
_RESPONSE_KEYS = ("status", "headers", *_BODY_KEYS, "tail", "padding", "times", "ended")


def dump_request(request: Request) -> dict[str, object]:
    """The mapping under `request:`."""
    method: dict[str, object] = {} if request.method == "POST" else {"method": request.method}
    return {**method, "url": request.url, "headers": dict(request.headers), **_dump_body(request.body)}


def dump_response(response: Response, meta: Meta) -> dict[str, object]:
    """The mapping under `response:`; arrival times stand with the events they belong to."""
    fields: dict[str, object] = {}
    if response.status:
        fields.update({"status": response.status, "headers": dict(response.headers)})
    fields.update(_dump_body(response.body))
    if meta.times:
        fields["times"] = dump_times(meta.times)
    if response.ended != "complete":
        fields["ended"] = response.ended
    return fields


def dump_meta(meta: Meta) -> Mapping[str, object]:
    """The mapping under `meta:`, on one line."""
    known = {"recorded_at": meta.recorded_at, "duration": meta.duration}
    return {key: value for key, value in known.items() if value is not None}


def _dump_body(body: Body) -> dict[str, object]:
    if body is None:
        return {}
    if isinstance(body, Json):
        return {"body": body.value}
    if isinstance(body, Text):
        return {"text": body.text}
    if isinstance(body, Binary):
        return {"binary": body.data}
    fields: dict[str, object] = {"events": dump_items(body)}
    if body.tail:
        fields["tail"] = body.tail
    if body.padding is not None:
        fields["padding"] = dump_cuts(body.padding)
    return fields


def load_exchange(document: object) -> Exchange:
    """
    The exchange of a mapping.

    Raises ValueError that names the place and what is wrong there, with the nearest valid key for a misspelt
    one.
    """
    return Exchange(load_request(document), *load_answer(document))


def load_request(document: object) -> Request:
    """The request of a mapping that may lack all else; raises as `load_exchange` does."""
    fields = _mapping(document, "exchange", _EXCHANGE_KEYS)
    asked = _mapping(fields.get("request"), "request", _REQUEST_KEYS)
    return Request(
        _text(asked.get("method", "POST"), "request.method").upper(),
        _url(asked.get("url"), "request.url"),
        _headers(asked.get("headers", {}), "request.headers"),
        _load_body(asked, "request"),
    )


def load_answer(document: object) -> tuple[Response, Meta]:
    """Response and meta of a mapping that may lack its request; raises as `load_exchange` does."""
    fields = _mapping(document, "exchange", _EXCHANGE_KEYS)
    answered = _mapping(fields.get("response"), "response", _RESPONSE_KEYS)
    meta = _mapping(fields.get("meta", {}), "meta", _META_KEYS)
    headers = _headers(answered.get("headers", {}), "response.headers")
    body = _load_body(answered, "response")
    ended = _load_ended(answered.get("ended", "complete"))
    came_nothing = ended == "cancelled" and not headers and body is None
    status = 0 if came_nothing and "status" not in answered else _load_status(answered.get("status"))
    return Response(status, headers, body, ended), _load_meta(meta, answered)


def _load_ended(ended: object) -> Ended:
    for known in get_args(Ended):
        if ended == known:
            return cast("Ended", known)
    expected = ", ".join(map(repr, get_args(Ended)))
    raise ValueError(f"response.ended: one of {expected} was expected, not {ended!r:.60}")


def _load_status(status: object) -> int:
    if type(status) is not int or not 100 <= status <= 599:
        raise ValueError("response.status: an HTTP status was expected" + _but(status))
    return status


def _load_meta(meta: Mapping[str, object], answered: Mapping[str, object]) -> Meta:
    recorded_at, duration = meta.get("recorded_at"), meta.get("duration")
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, (int, float))):
        raise ValueError(f"meta.duration: seconds were expected, not {duration!r:.60}")
    try:
        times = load_times(answered.get("times", ""))
    except ValueError as error:
        raise ValueError(f"response.times: {error}") from None
    return Meta(None if recorded_at is None else _text(recorded_at, "meta.recorded_at"), duration, times)


def _load_body(fields: Mapping[str, object], place: str) -> Body:
    present = [key for key in _BODY_KEYS if key in fields]
    if not present:
        return None
    if len(present) > 1:
        raise ValueError(f"{place}: has {' and '.join(present)}; one body was expected")
    kind, value = present[0], fields[present[0]]
    if kind == "body":
        _refuse_bytes(value, f"{place}.body")
        return Json(value)
    if kind == "text":
        return Text(_text(value, f"{place}.text"))
    if kind == "binary":
        if not isinstance(value, bytes):
            raise ValueError(f"{place}.binary: base64 under the tag !!binary was expected")
        return Binary(value)
    _refuse_bytes(value, f"{place}.events")
    tail = _text(fields.get("tail", ""), f"{place}.tail")
    try:
        return EventStream(load_items(value), tail, _load_padding(fields.get("padding")))
    except ValueError as error:
        raise ValueError(f"{place}.{error}") from None


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


def nearest_key(key: str, keys: Sequence[str]) -> str:
    """A hint that names the nearest valid key, or all of them."""
    near = difflib.get_close_matches(key, keys, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(keys)}"


def _mapping(value: object, place: str, keys: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: a mapping was expected" + _but(value))
    for key in value:
        if key not in keys:
            raise ValueError(f"{place}: the key {key!r:.60} is not known; {nearest_key(key, keys)}")
    return value


def _headers(value: object, place: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: a mapping was expected" + _but(value))
    for name, item in value.items():
        # Numbers written without quotes mean the same.
        if not isinstance(item, (str, int, float)) or isinstance(item, bool):
            raise ValueError(f"{place}.{name}: text was expected" + _but(item))
    return {name.lower(): str(item) for name, item in value.items()}


def _url(value: object, place: str) -> str:
    url = _text(value, place)
    try:
        urlsplit(url)
    except ValueError as error:
        raise ValueError(f"{place}: {url!r:.60} is not a URL: {error}") from None
    return url


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{place}: text was expected" + _but(value))
    return value


def _but(value: object) -> str:
    return ", it is missing" if value is None else f", not {value!r:.60}"
