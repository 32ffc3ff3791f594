"""Every HTTP library and event loop is stopped on its way to Claude, and left alone on its way elsewhere."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
import urllib.request
from collections.abc import Awaitable, Callable
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

import aiohttp
import anyio
import httpx
import httpx2
import pytest
import requests
import trio

from claude_replay.errors import LiveCallRefused
from claude_replay.intercept.guard import Guard, Mode

pytestmark = pytest.mark.usefixtures("no_proxies", "bare_httpx")

CLAUDE = "api.anthropic.com"
CLAUDE_URL = f"https://{CLAUDE}/v1/messages"
# Reserved for documentation: nobody is there.
ELSEWHERE = "192.0.2.1"

# Clients: each gets a URL, and a proxy's URL or None, and returns the body.


def fetch_with_http_client(url: str, proxy: str | None) -> bytes:
    parts = urlsplit(url)
    assert parts.hostname is not None
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    if proxy is None:
        connection = kind(parts.hostname, parts.port, timeout=10)
    else:
        connection = kind(str(urlsplit(proxy).hostname), urlsplit(proxy).port, timeout=10)
        connection.set_tunnel(parts.hostname, parts.port)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().read()
    finally:
        connection.close()


def fetch_with_urllib(url: str, proxy: str | None) -> bytes:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({} if proxy is None else {"https": proxy})
    )
    with opener.open(url, timeout=10) as response:
        body: bytes = response.read()
    return body


def fetch_with_requests(url: str, proxy: str | None) -> bytes:
    with requests.Session() as session:
        return session.get(url, proxies=None if proxy is None else {"https": proxy}, timeout=10).content


def fetch_with_httpx(url: str, proxy: str | None) -> bytes:
    with httpx.Client(proxy=proxy) as client:
        return client.get(url).content


def fetch_with_httpx2(url: str, proxy: str | None) -> bytes:
    with httpx2.Client(proxy=proxy) as client:
        return client.get(url).content


async def afetch_with_httpx(url: str, proxy: str | None) -> bytes:
    async with httpx.AsyncClient(proxy=proxy) as client:
        return (await client.get(url)).content


async def afetch_with_httpx2(url: str, proxy: str | None) -> bytes:
    async with httpx2.AsyncClient(proxy=proxy) as client:
        return (await client.get(url)).content


async def afetch_with_aiohttp(url: str, proxy: str | None) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url, proxy=proxy) as response:
        return await response.read()


def fetch_with_sockets(url: str, proxy: str | None) -> bytes:
    """Straight through `socket` and `ssl`, as a small client would."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 443), timeout=10) as connection:
        stream = connection
        if parts.scheme == "https":
            stream = ssl.create_default_context().wrap_socket(connection, server_hostname=parts.hostname)
        stream.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with stream.makefile("rb") as lines:
            return lines.read().partition(b"\r\n\r\n")[2]


async def afetch_with_asyncio(url: str, proxy: str | None) -> bytes:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or 443, ssl=parts.scheme == "https" or None
    )
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    await writer.wait_closed()
    return body


async def afetch_with_trio(url: str, proxy: str | None) -> bytes:
    parts = urlsplit(url)
    opener = trio.open_ssl_over_tcp_stream if parts.scheme == "https" else trio.open_tcp_stream
    async with await opener(str(parts.hostname), parts.port or 443) as stream:
        await stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
        received = b"".join([chunk async for chunk in stream])
    return received.partition(b"\r\n\r\n")[2]


async def afetch_with_anyio(url: str, proxy: str | None) -> bytes:
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or 443
    secure = parts.scheme == "https"
    connect = anyio.connect_tcp(host, port, tls=True) if secure else anyio.connect_tcp(host, port)
    async with await connect as stream:
        await stream.send(b"GET / HTTP/1.0\r\n\r\n")
        received = b"".join([chunk async for chunk in stream])
    return received.partition(b"\r\n\r\n")[2]


Fetch = Callable[[str, str | None], bytes]


def on_asyncio(fetch: Callable[[str, str | None], Awaitable[bytes]]) -> Fetch:
    async def run(url: str, proxy: str | None) -> bytes:
        return await fetch(url, proxy)

    return lambda url, proxy: asyncio.run(run(url, proxy))


def on_trio(fetch: Callable[[str, str | None], Awaitable[bytes]]) -> Fetch:
    return lambda url, proxy: trio.run(fetch, url, proxy)


WITH_PROXY: dict[str, Fetch] = {
    "http.client": fetch_with_http_client,
    "urllib": fetch_with_urllib,
    "requests": fetch_with_requests,
    "httpx": fetch_with_httpx,
    "httpx2": fetch_with_httpx2,
    "httpx-asyncio": on_asyncio(afetch_with_httpx),
    "httpx-trio": on_trio(afetch_with_httpx),
    "httpx2-asyncio": on_asyncio(afetch_with_httpx2),
    "httpx2-trio": on_trio(afetch_with_httpx2),
    "aiohttp": on_asyncio(afetch_with_aiohttp),
}
CLIENTS: dict[str, Fetch] = {
    **WITH_PROXY,
    "socket": fetch_with_sockets,
    "asyncio": on_asyncio(afetch_with_asyncio),
    "trio": on_trio(afetch_with_trio),
    "anyio-asyncio": on_asyncio(afetch_with_anyio),
    "anyio-trio": on_trio(afetch_with_anyio),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_is_refused(client: str, guard: Guard, refusals: list[str]) -> None:
    """A request to Claude raises our error, unwrapped, out of any library and event loop."""
    with pytest.raises(LiveCallRefused, match=f"^refused: {CLAUDE}$"):
        CLIENTS[client](CLAUDE_URL, None)
    assert refusals == [CLAUDE]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("mode", ["claude", "all", "off"])
def test_every_client_reaches_a_loopback_server(
    client: str, mode: Mode, guard: Guard, refusals: list[str], url: str
) -> None:
    """This machine is never blocked."""
    guard.mode = mode
    assert CLIENTS[client](url, None) == b"pong"
    assert CLIENTS[client](url.replace("127.0.0.1", "localhost"), None) == b"pong"
    assert refusals == []


@pytest.mark.parametrize("client", WITH_PROXY)
def test_every_client_is_refused_behind_a_proxy(
    client: str, guard: Guard, refusals: list[str], server: ThreadingHTTPServer, url: str
) -> None:
    """A proxy resolves the name for its clients, so they are stopped before they speak TLS through it."""
    with pytest.raises(LiveCallRefused, match=f"^refused: {CLAUDE}$"):
        WITH_PROXY[client](CLAUDE_URL, url)
    assert refusals == [CLAUDE]
    assert server.RequestHandlerClass.connects == [f"{CLAUDE}:443"]  # type: ignore[attr-defined]


def find_causes(error: BaseException) -> list[BaseException]:
    """What a group of errors, however nested, consists of."""
    if isinstance(error, BaseExceptionGroup):
        return [cause for inner in error.exceptions for cause in find_causes(inner)]
    return [error]


@pytest.mark.parametrize("client", [name for name in CLIENTS if name != "socket"])
def test_all_refuses_other_hosts_to_every_client(client: str, guard: Guard, refusals: list[str]) -> None:
    """A numeric address needs no lookup, so it is the connection itself that is refused."""
    guard.mode = "all"
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        CLIENTS[client](f"http://{ELSEWHERE}:80/", None)
    # Task groups of trio and anyio put it in a group.
    assert [type(cause) for cause in find_causes(caught.value)] == [LiveCallRefused]
    assert refusals == [ELSEWHERE]


@pytest.mark.parametrize("mode", ["claude", "all"])
@pytest.mark.parametrize("client", CLIENTS)
def test_allowed_live_call_passes_in_every_client(
    client: str,
    mode: Mode,
    asked: list[str],
    install_guard: Callable[[Mode], Guard],
    refusals: list[str],
    url: str,
) -> None:
    """Inside `allow` Claude is reached, also from resolver threads; after it, it is not."""
    guard = install_guard(mode)
    live = url.replace("127.0.0.1", CLAUDE)
    with guard.allow():
        assert CLIENTS[client](live, None) == b"pong"
    assert set(asked) <= {CLAUDE, CLAUDE.encode(), "127.0.0.1"}
    assert refusals == []
    with pytest.raises(LiveCallRefused):
        CLIENTS[client](live, None)


def test_other_hosts_are_untouched(asked: list[str], guard: Guard, refusals: list[str], url: str) -> None:
    """By default only Claude is guarded."""
    assert CLIENTS["requests"](url.replace("127.0.0.1", "example.org"), None) == b"pong"
    assert asked == ["example.org"]
    assert refusals == []
