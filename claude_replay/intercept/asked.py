"""
What the HTTP libraries beside the httpx family are about to ask, read from the arguments of their seams.

Light, because a run of pytest without any cassette reads requests, too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from claude_replay.api.endpoints import Endpoint, identify

__all__ = [
    "Asked",
    "find_claude",
    "find_vcr_cassette",
    "host_of",
    "read_aiohttp",
    "read_connection",
    "read_httplib2",
    "read_line",
    "read_pool",
    "read_tornado",
    "unwrap",
]


class Asked(NamedTuple):
    """The method, the whole URL, and the headers or at least their names; None where there are none."""

    method: str
    url: str
    headers: Iterable[Any] | None


def find_claude(asked: Asked) -> Endpoint | None:
    """The endpoint that is asked, None where it is not Claude's; raises ValueError for what is no URL."""
    return identify(asked.method, asked.url, dict.fromkeys(map(_to_lower, asked.headers or ()), ""))


def host_of(asked: Asked) -> str:
    """The host that is asked, without its port."""
    return urlsplit(asked.url).hostname or ""


def read_connection(connection: Any, method: str, url: str, *args: Any, **options: Any) -> Asked:
    """What `HTTPConnection.request` of `http.client` is called with."""
    real = unwrap(connection)
    host, scheme = real._tunnel_host or real.host, "https" if real.default_port == 443 else "http"
    # A proxy that needs no tunnel is asked for whole URLs.
    return Asked(method, url if "://" in url else f"{scheme}://{host}{url}", _headers_in(args, options))


def read_line(connection: Any, method: str, url: str, *args: Any, **options: Any) -> Asked:
    """What `HTTPConnection.putrequest` of `http.client` is called with; headers come later."""
    return read_connection(connection, method, url)


def read_pool(pool: Any, method: str, url: str, *args: Any, **options: Any) -> Asked:
    """What `HTTPConnectionPool.urlopen` of urllib3 is called with."""
    headers = _headers_in(args, options)
    target = url if "://" in url else f"{pool.scheme}://{pool.host}{url}"
    return Asked(method, target, pool.headers if headers is None else headers)


def read_httplib2(client: Any, connection: Any, url: str, method: str, body: Any, headers: Any) -> Asked:
    """What `Http._conn_request` of httplib2 is called with."""
    return read_connection(connection, method, url, headers=headers)


def read_aiohttp(client: Any, method: str, url: Any, **options: Any) -> Asked | None:
    """What `ClientSession._request` of aiohttp is called with; None for what is no request."""
    try:
        return Asked(method, str(client._build_url(url)), client._prepare_headers(options.get("headers")))
    except (TypeError, ValueError):
        # aiohttp says in its own way what is wrong.
        return None


def read_tornado(client: Any, request: Any, callback: Any) -> Asked:
    """What `fetch_impl` of tornado's clients is called with."""
    return Asked(request.method, request.url, request.headers)


def unwrap(connection: Any) -> Any:
    """The real connection below the stubs of a cassette that is vcr's own."""
    while "real_connection" in vars(connection):
        connection = vars(connection)["real_connection"]
    return connection


def find_vcr_cassette() -> object:
    """The innermost open cassette of vcr's own, by the class it puts into `http.client`."""
    module = sys.modules.get("http.client")
    return getattr(getattr(module, "HTTPConnection", None), "cassette", None)


def _headers_in(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The headers among the arguments after method and URL: the second of them, or by name."""
    return args[1] if len(args) > 1 else options.get("headers")


def _to_lower(name: Any) -> str:
    return (name.decode("latin-1") if isinstance(name, bytes) else str(name)).lower()
