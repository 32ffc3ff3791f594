"""Which requests are Claude's, and what they ask for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from claude_replay.api.providers import Place, find_place, is_provider_host, is_provider_path

__all__ = ["Endpoint", "describe_endpoint", "identify", "is_claude_host", "is_loopback"]

# Base URLs of the clients in anthropic 2.12 (_client.py; aws, bedrock, foundry, google_cloud, vertex in lib).
_HOSTS = ("anthropic.com", "claude.com", "claude.googleapis.com")
_REGIONAL_HOSTS = (("aws-external-anthropic.", ".api.aws"), ("bedrock-mantle.", ".api.aws"))

# Names for what everybody calls by name; anything else is named by its method and path.
_OPERATIONS = {
    "/v1/messages": "messages",
    "/v1/messages/count_tokens": "messages.count_tokens",
    "/v1/complete": "complete",
}
# How the SDK's clients begin their user-agent.
_CLIENTS = ("Anthropic", "AsyncAnthropic")
_MESSAGES_PATHS = ("/v1/messages", "/v1/messages/count_tokens")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    What a request asks for.

    `operation` is "messages", "messages.count_tokens", "complete", or method and path ("GET /v1/models");
    `query` holds the query parameters that carry meaning, sorted; `takes_messages` says that the body is that
    of the Messages API, which Bedrock and Vertex take under paths of their own: `place` is what these say.
    `authority` is the host where it is not Claude's.
    """

    operation: str
    query: tuple[tuple[str, str], ...] = ()
    takes_messages: bool = False
    place: Place | None = None
    authority: str = ""


def is_claude_host(host: str) -> bool:
    """Whether this host name serves Claude and nothing else."""
    host = host.lower().rstrip(".")
    if any(host == name or host.endswith("." + name) for name in _HOSTS):
        return True
    return any(host.startswith(start) and host.endswith(end) for start, end in _REGIONAL_HOSTS)


def is_loopback(host: str) -> bool:
    """Whether this host name or address is this machine."""
    host = host.lower().strip("[]").rstrip(".")
    if host in ("localhost", "") or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def identify(method: str, url: str, headers: Mapping[str, str]) -> Endpoint | None:
    """
    The endpoint a request is for, or None where it is not Claude's.

    A request is Claude's when its host serves Claude, when Bedrock, Vertex or Foundry (or this machine in
    their place) serve it on a Claude path, or when its headers say so wherever it goes (to gateways and
    stand-ins): `anthropic-version`, or the name of one of the SDK's clients, of which those for Bedrock and
    Vertex send no version.
    """
    if "anthropic-version" in headers or headers.get("user-agent", "").startswith(_CLIENTS):
        return describe_endpoint(method, url)
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_claude_host(host) or _is_provider(host, parts.path):
        return describe_endpoint(method, url)
    return None


# A run asks the same few endpoints again and again.
@lru_cache(maxsize=256)
def describe_endpoint(method: str, url: str) -> Endpoint:
    """The endpoint of a request that is known to be Claude's."""
    parts = urlsplit(url)
    path, place = _strip_prefix(parts.path or "/")
    method = method.upper()
    operation = _OPERATIONS.get(path) if method == "POST" else None
    # `?beta=true` is how older SDKs asked for the same endpoint; dropping it keeps their recordings valid.
    pairs = parse_qsl(parts.query, keep_blank_values=True) if parts.query else ()
    query = tuple(sorted(pair for pair in pairs if pair != ("beta", "true")))
    takes_messages = place.operation is not None if place is not None else path in _MESSAGES_PATHS
    return Endpoint(operation or f"{method} {path}", query, takes_messages, place)


def _strip_prefix(path: str) -> tuple[str, Place | None]:
    """The path below gateways and projects, and what it says if it is one of Bedrock or Vertex."""
    if path in _MESSAGES_PATHS:
        return path, None
    place = find_place(path)
    if place is not None:
        return place.path, place
    start = path.rfind("/v1/")
    return (path[start:].rstrip("/") if start >= 0 else path), None


def _is_provider(host: str, path: str) -> bool:
    host = host.rstrip(".")
    if is_provider_path(path):
        return is_provider_host(host) or is_loopback(host)
    return host.endswith(".services.ai.azure.com") and path.startswith("/anthropic")
