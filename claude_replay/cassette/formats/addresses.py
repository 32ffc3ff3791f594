"""Whose a recorded request was, when filters have taken parts of its address away."""

from __future__ import annotations

import re
from collections.abc import Mapping

from claude_replay.api import identify, model_of
from claude_replay.cassette.formats.recorded import is_masked
from claude_replay.exchange import Body, Json

__all__ = ["find_address", "find_host"]

_BASE = "https://api.anthropic.com"
# Not urlsplit: it refuses hosts such as [REDACTED].
_URL = re.compile(r"(?s)(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?P<host>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)")
_PATH = re.compile(r"/v1/(?:messages(?:/.*)?|complete)/?\Z", re.DOTALL)


def find_host(url: str) -> str:
    """The host of an address as it was recorded, without credentials; empty where there is none."""
    found = _URL.match(url)
    return found["host"].rpartition("@")[2] if found else ""


def find_address(method: str, url: str, headers: Mapping[str, str], body: Body) -> str | None:
    """
    The address of a Claude request, None where the request is not Claude's.

    It is the recorded one where that says what was asked. Where the host is masked, or neither host nor
    headers say that it was Claude's but path and body do, api.anthropic.com is put in its place.
    """
    found = _URL.match(url)
    assert found is not None
    path = _PATH.search(found["path"])
    if is_masked(found["host"]):
        if path:
            return f"{_BASE}{path.group()}{found['rest']}"
        if not found["path"].strip("/") and "://" not in url:
            return f"{_BASE}/v1/messages" if method == "POST" and _asks_for_message(body) else None
    if _is_claude(method, url, headers):
        return url
    if path and "claude" in (model_of(body) or "").lower():
        return f"{_BASE}{path.group()}{found['rest']}"
    return None


def _is_claude(method: str, url: str, headers: Mapping[str, str]) -> bool:
    try:
        return identify(method, url, headers) is not None
    except ValueError:
        return False


def _asks_for_message(body: Body) -> bool:
    # `max_tokens` tells it from a request to count tokens, and from most of what other vendors' APIs take.
    if not isinstance(body, Json) or not isinstance(body.value, dict):
        return False
    return "claude" in (model_of(body) or "").lower() and {"messages", "max_tokens"} <= body.value.keys()
