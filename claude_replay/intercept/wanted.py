"""Which requests a cassette is to see: Claude's, and those to the hosts its settings name."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from claude_replay.api import Endpoint, describe_other, identify, is_named
from claude_replay.session import Session

__all__ = ["find_endpoint", "is_recorded_host"]


def find_endpoint(session: Session, method: str, url: str, headers: Mapping[str, str]) -> Endpoint | None:
    """What a request asks for; None where it is to pass untouched. Names of headers are in lower case."""
    endpoint = identify(method, url, headers)
    if endpoint is None and is_recorded_host(session, url):
        return describe_other(method, url)
    return endpoint


def is_recorded_host(session: Session, url: str) -> bool:
    """Whether settings name the host of this URL."""
    hosts = session.settings.record_hosts
    return bool(hosts) and is_named(urlsplit(url).hostname or "", hosts)
