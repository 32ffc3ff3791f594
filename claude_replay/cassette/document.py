"""One exchange as the plain mapping that stands in a cassette, and back."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol, cast, get_args
from urllib.parse import urlsplit

from claude_replay.bodies import media_type
from claude_replay.cassette.contents import BODY_KEYS, Files, but, dump_body, load_body, text_of
from claude_replay.cassette.expand import Source, expand
from claude_replay.cassette.streams import dump_times, load_times
from claude_replay.exchange import (
    Ended,
    Exchange,
    Json,
    Meta,
    Request,
    Response,
)

__all__ = [
    "NOWHERE",
    "Files",
    "Surroundings",
    "dump_meta",
    "dump_request",
    "dump_response",
    "load_answer",
    "load_exchange",
    "load_request",
    "nearest_key",
]

_Keys = Mapping[str, None]
_EXCHANGE_KEYS: _Keys = dict.fromkeys(("id", "meta", "request", "response"))
_META_KEYS: _Keys = dict.fromkeys(("recorded_at", "duration", "sdk"))
_REQUEST_KEYS: _Keys = dict.fromkeys(
    ("continues", "method", "url", "headers", "media", *BODY_KEYS, "tail", "padding")
)
_RESPONSE_KEYS: _Keys = dict.fromkeys(
    ("status", "headers", "media", *BODY_KEYS, "tail", "padding", "times", "ended")
)


class Surroundings(Protocol):
    """What an exchange may point at, and what is known of its text."""

    @property
    def has_binary(self) -> bool:
        """Whether there may be !!binary values in it; False is certain."""

    def find_sources(self, labels: object) -> Sequence[Source]:
        """The exchanges above it that `continues` names; raises ValueError where one is not there."""

    def read_media(self, name: str, size: object) -> bytes:
        """The content of a side file; raises ValueError where it is missing or was changed."""


class _Nowhere:
    """Of an exchange that stands alone."""

    has_binary = True

    def find_sources(self, labels: object) -> Sequence[Source]:
        raise ValueError(f"request.continues: no exchange has the id {labels!r:.60}: this one stands alone")

    def read_media(self, name: str, size: object) -> bytes:
        raise ValueError(f"the side file {name:.60} cannot be looked for: this exchange is in no file")


NOWHERE = _Nowhere()


def dump_request(request: Request, files: Files | None = None) -> dict[str, object]:
    """The mapping under `request:`; large media go to `files`, and stay where that is None."""
    method: dict[str, object] = {} if request.method == "POST" else {"method": request.method}
    body = dump_body(request.body, media_type(request.headers), files)
    return {**method, "url": request.url, "headers": dict(request.headers), **body}


def dump_response(response: Response, meta: Meta, files: Files | None = None) -> dict[str, object]:
    """The mapping under `response:`; arrival times stand with the events they belong to."""
    fields: dict[str, object] = {}
    if response.status:
        fields.update({"status": response.status, "headers": dict(response.headers)})
    fields.update(dump_body(response.body, media_type(response.headers), files))
    if meta.times:
        fields["times"] = dump_times(meta.times)
    if response.ended != "complete":
        fields["ended"] = response.ended
    return fields


def dump_meta(meta: Meta) -> Mapping[str, object]:
    """The mapping under `meta:`, on one line."""
    known = {"recorded_at": meta.recorded_at, "duration": meta.duration, "sdk": meta.sdk}
    return {key: value for key, value in known.items() if value is not None}


def load_exchange(document: object, around: Surroundings = NOWHERE) -> Exchange:
    """
    The exchange of a mapping.

    Raises ValueError that names the place and what is wrong there, with the nearest valid key for a misspelt
    one.
    """
    return Exchange(load_request(document, around), *load_answer(document, around))


def load_request(document: object, around: Surroundings = NOWHERE) -> Request:
    """The request of a mapping that may lack all else; raises as `load_exchange` does."""
    fields = _mapping(document, "exchange", _EXCHANGE_KEYS)
    asked = _mapping(fields.get("request"), "request", _REQUEST_KEYS)
    body = load_body(asked, "request", around.read_media, has_binary=around.has_binary)
    if "continues" in asked:
        sources = around.find_sources(asked["continues"])
        body = Json(expand(body.value if isinstance(body, Json) else None, sources))
    return Request(
        text_of(asked.get("method", "POST"), "request.method").upper(),
        _url(asked.get("url"), "request.url"),
        _headers(asked.get("headers", {}), "request.headers"),
        body,
    )


def load_answer(document: object, around: Surroundings = NOWHERE) -> tuple[Response, Meta]:
    """Response and meta of a mapping that may lack its request; raises as `load_exchange` does."""
    fields = _mapping(document, "exchange", _EXCHANGE_KEYS)
    answered = _mapping(fields.get("response"), "response", _RESPONSE_KEYS)
    meta = _mapping(fields.get("meta", {}), "meta", _META_KEYS)
    headers = _headers(answered.get("headers", {}), "response.headers")
    body = load_body(answered, "response", around.read_media, has_binary=around.has_binary)
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
        raise ValueError("response.status: an HTTP status was expected" + but(status))
    return status


def _load_meta(meta: Mapping[str, object], answered: Mapping[str, object]) -> Meta:
    recorded_at, duration = meta.get("recorded_at"), meta.get("duration")
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, (int, float))):
        raise ValueError(f"meta.duration: seconds were expected, not {duration!r:.60}")
    try:
        times = load_times(answered.get("times", ""))
    except ValueError as error:
        raise ValueError(f"response.times: {error}") from None
    sdk = meta.get("sdk")
    return Meta(
        None if recorded_at is None else text_of(recorded_at, "meta.recorded_at"),
        duration,
        times,
        None if sdk is None else text_of(sdk, "meta.sdk"),
    )


def nearest_key(key: str, keys: Sequence[str]) -> str:
    """A hint that names the nearest valid key, or all of them."""
    near = difflib.get_close_matches(key, keys, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(keys)}"


def _mapping(value: object, place: str, keys: _Keys) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: a mapping was expected" + but(value))
    if not value.keys() <= keys.keys():
        key = next(key for key in value if key not in keys)
        raise ValueError(f"{place}: the key {key!r:.60} is not known; {nearest_key(key, tuple(keys))}")
    return value


def _headers(value: object, place: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: a mapping was expected" + but(value))
    return {
        name.lower(): item if type(item) is str else _spell(item, f"{place}.{name}")
        for name, item in value.items()
    }


def _spell(value: object, place: str) -> str:
    # Numbers written without quotes mean the same.
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise ValueError(f"{place}: text was expected" + but(value))
    return str(value)


def _url(value: object, place: str) -> str:
    url = text_of(value, place)
    try:
        _check_url(url)
    except ValueError as error:
        raise ValueError(f"{place}: {url!r:.60} is not a URL: {error}") from None
    return url


# Most requests go to the same few.
@lru_cache(maxsize=256)
def _check_url(url: str) -> None:
    urlsplit(url)
