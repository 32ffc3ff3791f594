"""What comes in place of a good answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from claude_replay.bodies import expand, fold_items
from claude_replay.exchange import Body, Event, EventStream, Json, Meta, Response, StreamItem
from claude_replay.faults.fault import Fault

__all__ = ["Breaks", "Spoiled", "find_misfit", "spoil"]

Breaks = Literal["connect", "timeout", "cut"]

# `type` and `message` of an error as Claude words them (docs: API reference, Errors).
_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("invalid_request_error", "The request body is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "The requested resource could not be found."),
    413: ("request_too_large", "Request exceeds the maximum allowed number of bytes."),
    429: ("rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
    504: ("timeout_error", "The request timed out while processing."),
    529: ("overloaded_error", "Overloaded"),
}
_OTHER_ERRORS = (
    ("invalid_request_error", "The request is not valid."),
    ("api_error", "Internal server error"),
)
_REQUEST_ID = "req_injected_by_claude_replay"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """
    An answer with a fault in it.

    `response` is what comes of it, None for nothing at all; `breaks` says how the connection ends after that,
    None for as it should. `wait` are the seconds before it, `is_slept` whether anybody really waits for them.
    """

    response: Response | None
    meta: Meta = field(default_factory=Meta)
    breaks: Breaks | None = None
    wait: float = 0.0
    is_slept: bool = False


def find_misfit(fault: Fault, response: Response) -> str:
    """Why a fault cannot happen to an answer; empty where it can."""
    if response.status != 200:
        return f"answer {fault.answer} is an error itself"
    body = response.body
    if isinstance(body, EventStream):
        count = sum(1 for _ in expand(body.items))
        if fault.kind in ("cut", "error_event") and fault.after >= count:
            return f"answer {fault.answer} has only {count} events"
    elif fault.kind == "error_event":
        return f"answer {fault.answer} is no stream"
    return ""


def spoil(fault: Fault, good: tuple[Response, Meta] | None = None) -> Spoiled:
    """What `fault` makes of a good answer, or gives in place of one."""
    if fault.status:
        return Spoiled(_make_error(fault), is_slept=fault.sleep)
    if fault.kind == "connection_error":
        return Spoiled(None, breaks="connect", is_slept=fault.sleep)
    if fault.kind == "timeout" or good is None:
        return Spoiled(None, breaks="timeout", wait=fault.seconds, is_slept=fault.sleep)
    response, meta = good
    if fault.kind == "slow":
        return Spoiled(response, meta, wait=fault.seconds, is_slept=fault.sleep)
    if fault.kind == "error_event":
        response = replace(response, body=_break_off(response.body, fault.after, _make_error_event()))
        return Spoiled(response, meta, is_slept=fault.sleep)
    return Spoiled(replace(response, body=_break_off(response.body, fault.after)), meta, "cut")


def _make_error(fault: Fault) -> Response:
    kind, message = _ERRORS.get(fault.status, _OTHER_ERRORS[fault.status >= 500])
    headers = {"content-type": "application/json", "request-id": _REQUEST_ID}
    if fault.status in (408, 409, 429) or fault.status >= 500:
        headers["x-should-retry"] = "true"
    if fault.retry_after is not None:
        headers["retry-after"] = f"{fault.retry_after:g}"
    error = {"type": kind, "message": message}
    return Response(fault.status, headers, Json({"type": "error", "error": error, "request_id": _REQUEST_ID}))


def _make_error_event() -> Event:
    kind, message = _ERRORS[529]
    return Event("error", {"type": "error", "error": {"type": kind, "message": message}})


def _break_off(body: Body, after: int, *more: StreamItem) -> Body:
    """The first events of a stream, and one more; the whole of any other body, of which half will come."""
    if not isinstance(body, EventStream):
        return body
    return EventStream(fold_items([*islice(expand(body.items), after), *more]))
