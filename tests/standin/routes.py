"""From a request to the reply to it, without any I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from standin.answers import build_answer
from standin.conversation import count_input_tokens, find_problem, read_user_text
from standin.dialects import DIRECT, Dialect, encode_error, encode_message, translate
from standin.directives import DirectiveError, Directives, parse_directives
from standin.errors import build_error, is_retryable
from standin.headers import Headers, build_headers, make_request_id
from standin.models import find_model, list_models
from standin.received import Received, Visit
from standin.resources import find_resource
from standin.stream import Stream, build_stream

_REQUIRED = {
    "/v1/messages": ("model", "max_tokens", "messages"),
    "/v1/messages/count_tokens": ("model", "messages"),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: a stream, or a body of JSON; `directives` say how it is delivered."""

    status: int
    headers: Headers
    body: bytes
    stream: Stream | None
    directives: Directives
    dialect: Dialect = DIRECT


def route_request(received: Received, visit: Visit) -> Reply:
    """Find the reply to a request."""
    received, dialect = translate(received)
    reply = _route(received, visit, dialect)
    if reply.stream is not None or reply.status < 400 or not dialect.is_framed:
        return replace(reply, dialect=dialect)
    body, headers = encode_error(json.loads(reply.body), reply.status, dialect)
    return replace(reply, body=body, headers=[*reply.headers, *headers])


def _route(received: Received, visit: Visit, dialect: Dialect) -> Reply:
    if visit.is_rejected:
        return _fail(401, visit, visit.scripted)
    if dialect.problem is not None:
        return _fail(400, visit, visit.scripted, dialect.problem)
    if received.route not in _REQUIRED:
        return _check_status(visit, visit.scripted) or _reply_about_models(received, visit)
    if received.method != "POST":
        return _fail(405, visit, visit.scripted)
    problem = find_problem(received.json, _REQUIRED[received.route])
    if problem is not None:
        return _fail(400, visit, visit.scripted, problem)
    try:
        directives = parse_directives(read_user_text(received.json)).overlay(visit.scripted)
        return _check_status(visit, directives) or _reply_about_messages(received, visit, directives, dialect)
    except DirectiveError as error:
        return _fail(400, visit, visit.scripted, str(error))


def _check_status(visit: Visit, directives: Directives) -> Reply | None:
    """Give the error that the directives ask for, if any."""
    if directives.status is not None:
        return _fail(directives.status, visit, directives)
    if directives.once is not None and visit.earlier < directives.once[1]:
        return _fail(directives.once[0], visit, directives, retry_after=directives.retry_after or "1")
    return None


def _reply_about_messages(
    received: Received, visit: Visit, directives: Directives, dialect: Dialect
) -> Reply:
    body = received.json
    if received.route.endswith("/count_tokens"):
        return _reply({"input_tokens": count_input_tokens(body)}, visit, directives)
    answer = build_answer(body, directives, visit)
    if not body.get("stream"):
        message = encode_message(answer.to_message(), dialect)
        return _reply(message, visit, directives, limits=True, more=_name_request(visit, dialect))
    kind = "application/vnd.amazon.eventstream" if dialect.is_framed else "text/event-stream; charset=utf-8"
    headers = [("content-type", kind), ("cache-control", "no-cache"), *_name_request(visit, dialect)]
    stream = build_stream(answer, directives, make_request_id(visit))
    return Reply(200, headers + build_headers(visit, limits=True), b"", stream, directives)


def _name_request(visit: Visit, dialect: Dialect) -> Headers:
    return [("x-amzn-requestid", make_request_id(visit))] if dialect.is_framed else []


def _reply_about_models(received: Received, visit: Visit) -> Reply:
    if not received.route.startswith("/v1/") or received.route == "/v1/complete":
        return _fail(404, visit, visit.scripted)
    if not received.route.startswith("/v1/models"):
        return _reply_about_resources(received, visit)
    if received.method != "GET":
        return _fail(405, visit, visit.scripted)
    if received.route == "/v1/models":
        return _reply(list_models(received.path.partition("?")[2]), visit, visit.scripted)
    prefix, _, model_id = received.route.rpartition("/")
    model = find_model(model_id) if prefix == "/v1/models" else None
    if model is None:
        message = f"model: {model_id}" if prefix == "/v1/models" else None
        return _fail(404, visit, visit.scripted, message)
    return _reply(model, visit, visit.scripted)


def _reply_about_resources(received: Received, visit: Visit) -> Reply:
    found = find_resource(received, visit)
    headers = [("content-type", found.content_type), *build_headers(visit, limits=False)]
    if found.filename is not None:
        headers.append(("content-disposition", f'attachment; filename="{found.filename}"'))
    if found.retry_after is not None:
        headers.append(("retry-after", found.retry_after))
    return Reply(200, headers, found.body, None, visit.scripted)


def _fail(
    status: int,
    visit: Visit,
    directives: Directives,
    message: str | None = None,
    *,
    retry_after: str | None = None,
) -> Reply:
    headers = [("x-should-retry", "true" if is_retryable(status) else "false")]
    retry_after = retry_after or directives.retry_after
    if retry_after is not None:
        headers.append(("retry-after", retry_after))
    error = build_error(status, message, make_request_id(visit))
    return _reply(error, visit, directives, status=status, limits=status == 429, more=headers)


def _reply(
    payload: Any,
    visit: Visit,
    directives: Directives,
    *,
    status: int = 200,
    limits: bool = False,
    more: Headers | None = None,
) -> Reply:
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    headers = [("content-type", "application/json"), *(more or []), *build_headers(visit, limits=limits)]
    return Reply(status, headers, body, None, directives)
