"""What the SDK's middleware is given, as the cache sees it."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from claude_replay.api import Endpoint, describe_endpoint
from claude_replay.cache.control import CONTROL_HEADER
from claude_replay.cache.keys import Sender, Sent
from claude_replay.cache.sdk import expects_response_class, find_client, provider_of

__all__ = ["Call", "hash_credential", "read_call", "without_control"]

# Its streams come in frames of AWS, and its client reads nothing else.
_FRAMING = "AnthropicBedrock"
_CREDENTIALS = ("x-api-key", "authorization", "api-key", "x-goog-api-key")


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the Messages API, the client that makes it, and what it says to the cache."""

    request: Any
    client: Any
    sent: Sent
    control: str | None

    @property
    def wants_stream(self) -> bool:
        """Whether the body asks for an event stream."""
        return isinstance(self.sent.body, dict) and self.sent.body.get("stream") is True

    @property
    def is_first(self) -> bool:
        """Whether this is not a retry."""
        return not self.request.retries_taken


def read_call(request: Any, call_next: Callable[..., Any], *, per_credential: bool) -> Call | str | None:
    """The call of an `APIRequest`; None where it is not for the cache, a word where it cannot be told who asks."""
    if request.method.lower() != "post":
        return None
    endpoint = _endpoint(request.url)
    if endpoint.operation != "messages":
        return None
    client = find_client(call_next)
    if client is None:
        return "client_unknown"
    if expects_response_class(request.cast_to) or request.options.files:
        return "response_class"
    sender = _sender(client, per_credential)
    if sender.provider == _FRAMING and request.stream:
        return "framed_stream"
    headers = _lower(request.headers)
    control = headers.pop(CONTROL_HEADER, None)
    sent = Sent(sender, _with_query(endpoint, request.query_params), headers, request.json)
    return Call(request if control is None else without_control(request), client, sent, control)


def without_control(request: Any) -> Any:
    """The request as it is to be sent: what it says to the cache is nobody else's business."""
    kept = {name: value for name, value in request.headers.items() if name.lower() != CONTROL_HEADER}
    return request if len(kept) == len(request.headers) else request.copy(headers=kept)


@lru_cache(maxsize=64)
def _endpoint(url: str) -> Endpoint:
    return describe_endpoint("POST", url)


def _with_query(endpoint: Endpoint, params: Mapping[str, object]) -> Endpoint:
    pairs = [(str(name), str(value)) for name, value in params.items() if (name, value) != ("beta", "true")]
    return (
        Endpoint(endpoint.operation, (*endpoint.query, *sorted(pairs)), takes_messages=True)
        if pairs
        else endpoint
    )


def _lower(headers: Mapping[str, object]) -> dict[str, str]:
    """Headers with names in lower case; what takes a default away is there without a value."""
    return {name.lower(): value if isinstance(value, str) else "" for name, value in headers.items()}


# Clients do not change, but for what they sign in with, and where they send to.
_senders: weakref.WeakKeyDictionary[Any, tuple[object, Sender]] = weakref.WeakKeyDictionary()


def _sender(client: Any, per_credential: bool) -> Sender:
    base_url = client.base_url
    known = _senders.get(client)
    if known is not None and known[0] is base_url and not per_credential:
        return known[1]
    headers = _lower(client.default_headers)
    query = tuple(sorted((str(name), str(value)) for name, value in client.default_query.items()))
    if per_credential:
        return Sender(provider_of(client), str(base_url), headers, query, hash_credential(headers))
    sender = Sender(provider_of(client), str(base_url), headers, query)
    _senders[client] = base_url, sender
    return sender


def hash_credential(headers: Mapping[str, str]) -> str:
    """A hash of the credentials in headers, from which they cannot be guessed back within reason."""
    text = "\n".join(f"{name}: {headers[name]}" for name in _CREDENTIALS if headers.get(name))
    return hashlib.sha256(text.encode()).hexdigest() if text else ""
