"""One exchange as the plain mapping that stands in a cassette, and back."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import cast, get_args

from claude_replay.cassette.streams import dump_items, dump_times, load_items, load_times
from claude_replay.exchange import Binary, Body, Ended, EventStream, Exchange, Json, Meta, Request, Response, Text

__all__ = ["dump_meta", "dump_request", "dump_response", "load_answer", "load_exchange"]

_EXCHANGE_KEYS = ("id", "meta", "request", "response")
_META_KEYS = ("recorded_at", "duration")
_BODY_KEYS = ("body", "text", "binary", "events")
_REQUEST_KEYS = ("method", "url", "headers", *_BODY_KEYS, "tail")
_RESPONSE_KEYS = ("status", "headers", *_BODY_KEYS, "tail", "times", "ended")


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
    return {"events": dump_items(body), **({"tail": body.tail} if body.tail else {})}


def load_exchange(document: object) -> Exchange:
    """
    The exchange of a mapping.

    Raises ValueError that names the place and what is wrong there, with the nearest valid key for a misspelt one.
    """
    fields = _mapping(document, "exchange", _EXCHANGE_KEYS)
    asked = _mapping(fields.get("request"), "request", _REQUEST_KEYS)
    request = Request(
        _text(asked.get("method", "POST"), "request.method").upper(),
        _text(asked.get("url"), "request.url"),
        _headers(asked.get("headers", {}), "request.headers"),
        _load_body(asked, "request"),
    )
    return Exchange(request, *load_answer(document))


def load_answer(document: object) -> tuple[Response, Meta]:
    """Response and meta of a mapping that may lack its request; raises as `load_exchange` does."""
    fields = _mapping(document, "exchange", _EXCHANGE_KEYS)
    answered = _mapping(fields.get("response"), "response", _RESPONSE_KEYS)
    meta = _mapping(fields.get("meta", {}), "meta", _META_KEYS)
    headers = _headers(answered.get("headers", {}), "response.headers")
    ended = _load_ended(answered.get("ended", "complete"))
    status = _load_status(answered.get("status"), ended)
    return Response(status, headers, _load_body(answered, "response"), ended), _load_meta(meta, answered)


def _load_ended(ended: object) -> Ended:
    for known in get_args(Ended):
        if ended == known:
            return cast("Ended", known)
    raise ValueError(f"response.ended: {', '.join(map(repr, get_args(Ended)))} was expected, not {ended!r}")


def _load_status(status: object, ended: Ended) -> int:
    if status is None and ended == "cancelled":
        return 0
    if type(status) is not int or not 100 <= status <= 599:
        raise ValueError(f"response.status: an HTTP status was expected, not {status!r}")
    return status


def _load_meta(meta: Mapping[str, object], answered: Mapping[str, object]) -> Meta:
    recorded_at, duration = meta.get("recorded_at"), meta.get("duration")
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, (int, float))):
        raise ValueError(f"meta.duration: seconds were expected, not {duration!r}")
    try:
        times = load_times(answered.get("times", ""))
    except ValueError as error:
        raise ValueError(f"response.times: {error}") from None
    return Meta(None if recorded_at is None else str(recorded_at), duration, times)


def _load_body(fields: Mapping[str, object], place: str) -> Body:
    present = [key for key in _BODY_KEYS if key in fields]
    if not present:
        return None
    if len(present) > 1:
        raise ValueError(f"{place}: has {' and '.join(present)}; one body was expected")
    kind, value = present[0], fields[present[0]]
    if kind == "body":
        return Json(value)
    if kind == "text":
        return Text(_text(value, f"{place}.text"))
    if kind == "binary":
        if not isinstance(value, bytes):
            raise ValueError(f"{place}.binary: base64 under the tag !!binary was expected")
        return Binary(value)
    try:
        return EventStream(load_items(value), _text(fields.get("tail", ""), f"{place}.tail"))
    except ValueError as error:
        raise ValueError(f"{place}.{error}") from None


def _mapping(value: object, place: str, keys: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: a mapping was expected" + ("" if value is None else f", not {value!r:.60}"))
    for key in value:
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(keys)}"
            raise ValueError(f"{place}: the key {key!r} is not known; {hint}")
    return value


def _headers(value: object, place: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: a mapping was expected")
    return {str(name).lower(): str(item) for name, item in value.items()}


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{place}: text was expected" + (", it is missing" if value is None else f", not {value!r:.60}"))
    return value
