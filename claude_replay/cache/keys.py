"""From a request to its key, or to the reason why there is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from claude_replay.api import Endpoint
from claude_replay.cache.bypass import find_reason
from claude_replay.cache.lineage import Lineage, marks_of
from claude_replay.normalize import CACHING, Rules, canonical_betas, canonical_body

__all__ = ["KEY_VERSION", "Bypass", "Question", "Sender", "Sent", "ask"]

KEY_VERSION = 1
"""Raised with every change that gives some request another key, or another meaning to an equal key."""

HEADERS_LEFT_OUT = frozenset(
    (
        "accept",
        "accept-encoding",
        "accept-language",
        "anthropic-beta",  # compared as a set
        "anthropic-dangerous-direct-browser-access",
        "api-key",
        "authorization",
        "baggage",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "idempotency-key",
        "proxy-authorization",
        "sentry-trace",
        "traceparent",
        "tracestate",
        "user-agent",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-api-key",
        "x-client-request-id",
        "x-correlation-id",
        "x-goog-api-key",
        "x-request-id",
    )
)
"""Request headers that cannot change an answer, or are credentials; those of `x-stainless-` neither."""

_PREFIX_LEFT_OUT = "x-stainless-"
# ASCII: several times faster than UTF-8 for texts that are not ASCII, and takes lone surrogates.
_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False).encode


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Sender:
    """
    Who asks, as far as it can change the answer.

    `provider` names the kind of client, `base_url` where it sends to, `headers` (lower-case names) what it sends
    with every request, `credential` a hash of its key where answers are not to be shared between keys.
    """

    provider: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()
    credential: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """
    A request on its way, without what belongs to the wire.

    `endpoint` is what it asks for, `headers` (lower-case names) those of this call on top of the sender's, `body`
    plain objects; what else a client was given (iterators, models) the SDK has made plain by then.
    """

    sender: Sender
    endpoint: Endpoint
    headers: Mapping[str, str]
    body: object


@dataclass(frozen=True, slots=True)
class Question:
    """
    What is looked up.

    `space` is the digest of the namespace, which all marks begin with. What only a miss needs is worked out
    when it is asked for.
    """

    key: str
    model: str
    wants_stream: bool
    space: str
    parts: Parts

    @property
    def lineage(self) -> Lineage:
        """What the request is made of."""
        return self.parts.lineage()

    @property
    def marks(self) -> tuple[str, ...]:
        """By what an entry of this request is found again."""
        return marks_of(self.lineage, self.space)


@dataclass(frozen=True, slots=True)
class Parts:
    """A canonical request in pieces: plain objects, `scope` a JSON text."""

    scope: str
    model: str
    system: object
    tools: object
    params: Mapping[str, object]
    messages: Sequence[object]

    def lineage(self) -> Lineage:
        """Their digests."""
        chain, link = [], ""
        for message in self.messages:
            link = _hash(f"{link}{_dumps(message)}")
            chain.append(link)
        params = {name: _hash(_dumps(value)) for name, value in sorted(self.params.items())}
        return Lineage(
            _hash(self.scope),
            _hash(self.model),
            _hash(_dumps(self.system)),
            _hash(_dumps(self.tools)),
            params,
            tuple(chain),
        )


@dataclass(frozen=True, slots=True)
class Bypass:
    """Why a request has no key, as one word."""

    reason: str


def ask(
    sent: Sent,
    *,
    namespace: str = "",
    version: str = "",
    epoch: int = 0,
    sample: int = 0,
    rules: Rules = CACHING,
    headers_left_out: frozenset[str] = frozenset(),
) -> Question | Bypass:
    """
    The key of a request, or why it is not to be cached; never raises for what a request holds.

    Everything in the request is part of the key but what `rules` and HEADERS_LEFT_OUT name.
    """
    body = sent.body
    if not isinstance(body, dict) or type(body.get("stream", False)) is not bool:
        return Bypass("uncanonical")
    try:
        content = canonical_body(body, True, rules)
        called = tuple(sorted(_keep(sent.headers, headers_left_out).items()))
        betas = sent.headers.get("anthropic-beta", sent.sender.headers.get("anthropic-beta", ""))
        space = _hash_name(namespace)
        scope = _scope(
            sent.sender, sent.endpoint, called, betas, headers_left_out, space, version, epoch, sample
        )
        return _find_key(content, space, scope, bool(body.get("stream")))
    except (TypeError, ValueError, RecursionError, AttributeError):
        # What JSON cannot hold, keys that cannot be sorted, nesting without end: the live call will tell.
        return Bypass("uncanonical")


def _find_key(body: object, space: str, scope: str, wants_stream: bool) -> Question | Bypass:
    assert isinstance(body, dict)
    messages, model = body.pop("messages", None), body.pop("model", None)
    if not isinstance(messages, list) or not messages or not isinstance(model, str):
        return Bypass("uncanonical")
    system, tools = body.pop("system", None), body.pop("tools", None)
    text = _dumps([model, system, tools, body, messages])
    reason = find_reason(body, tools, messages, system)
    if reason is not None:
        return Bypass(reason)
    # JSON says itself where it ends, so no part can pass for the end of another.
    digest = hashlib.sha256(scope.encode())
    digest.update(text.encode())
    parts = Parts(scope, model, system, tools, body, messages)
    return Question(digest.hexdigest(), model, wants_stream, space, parts)


@lru_cache(maxsize=256)
def _scope(
    sender: Sender,
    endpoint: Endpoint,
    called: tuple[tuple[str, str], ...],
    betas: str,
    left_out: frozenset[str],
    *others: str | int,
) -> str:
    """All beside the body as JSON, which is nearly always the same as before."""
    headers = {**_keep(sender.headers, left_out), **dict(called)}
    return _dumps(
        [
            KEY_VERSION,
            [sender.provider, sender.base_url, sender.credential, headers, sender.query],
            [endpoint.operation, endpoint.query, canonical_betas(betas)],
            others,
        ]
    )


def _keep(headers: Mapping[str, str], left_out: frozenset[str]) -> dict[str, str]:
    """The headers that may change an answer."""
    return {
        name: value
        for name, value in headers.items()
        if name not in HEADERS_LEFT_OUT and name not in left_out and not name.startswith(_PREFIX_LEFT_OUT)
    }


@lru_cache(maxsize=64)
def _hash_name(text: str) -> str:
    return _hash(text)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
