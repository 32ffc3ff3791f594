"""The ways to ask Claude without its SDK: one for each HTTP library that is covered, if it is installed."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import importlib.util
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import requests
import urllib3

KEY = "sk-ant-" + "api03-" + "x" * 24
MODEL = "claude-sonnet-5"


@dataclass(frozen=True)
class Reply:
    """What an application gets to see; header names in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The text Claude said, streamed or not."""
        if not self.headers["content-type"].startswith("text/event-stream"):
            return "".join(block["text"] for block in json.loads(self.content)["content"])
        deltas = [event["delta"] for event in self.events if event["type"] == "content_block_delta"]
        return "".join(delta["text"] for delta in deltas)

    @property
    def events(self) -> list[Any]:
        """The events of a stream."""
        lines = self.content.decode().splitlines()
        return [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]

    @property
    def answer(self) -> Any:
        """Everything in it that does not depend on how the body was transferred."""
        kept = {name: self.headers.get(name) for name in ("content-type", "request-id", "retry-after")}
        return self.status, kept, self.events or json.loads(self.content)


Way = Callable[..., Reply]
"""Posts a body to a URL with these headers; `None` for a body gets instead."""


def make_body(text: str, **options: Any) -> dict[str, Any]:
    """The body of a messages request with one user text."""
    return {
        "model": MODEL,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": text}],
        **options,
    }


def make_headers(**more: str) -> dict[str, str]:
    """The headers of such a request as applications write them; a value of "" takes one away."""
    headers = {"X-Api-Key": KEY, "Anthropic-Version": "2023-06-01", "Content-Type": "application/json"}
    return {name: value for name, value in {**headers, **more}.items() if value}


def _encode(body: Any) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def _make_reply(status: int, headers: Any, content: bytes) -> Reply:
    return Reply(status, {name.lower(): value for name, value in headers}, content)


def ask_with_requests(url: str, body: Any, headers: dict[str, str]) -> Reply:
    with requests.Session() as session:
        method = "GET" if body is None else "POST"
        response = session.request(method, url, json=body, headers=headers, timeout=20)
        return _make_reply(response.status_code, response.headers.items(), response.content)


def ask_with_urllib3(url: str, body: Any, headers: dict[str, str]) -> Reply:
    with urllib3.PoolManager(retries=urllib3.Retry(connect=0, read=0, redirect=2)) as pool:
        method = "GET" if body is None else "POST"
        response = pool.request(method, url, body=_encode(body), headers=headers, timeout=20)
        return _make_reply(response.status, response.headers.items(), response.data)


def ask_with_http_client(url: str, body: Any, headers: dict[str, str]) -> Reply:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=20)
    try:
        connection.request("GET" if body is None else "POST", parts.path, _encode(body), headers)
        response = connection.getresponse()
        return _make_reply(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


def ask_with_urllib(url: str, body: Any, headers: dict[str, str]) -> Reply:
    request = urllib.request.Request(url, _encode(body), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return _make_reply(response.status, response.headers.items(), response.read())
    except urllib.error.HTTPError as error:
        with error:
            return _make_reply(error.code, error.headers.items(), error.read())


def ask_with_aiohttp(url: str, body: Any, headers: dict[str, str]) -> Reply:
    async def ask() -> Reply:
        method = "GET" if body is None else "POST"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=body, headers=headers) as response,
        ):
            return _make_reply(response.status, response.headers.items(), await response.read())

    return asyncio.run(ask())


def ask_with_httplib2(url: str, body: Any, headers: dict[str, str]) -> Reply:
    httplib2: Any = importlib.import_module("httplib2")
    client = httplib2.Http(timeout=20)
    try:
        response, content = client.request(url, "GET" if body is None else "POST", _encode(body), headers)
        return _make_reply(response.status, response.items(), content)
    finally:
        client.close()


def ask_with_tornado(url: str, body: Any, headers: dict[str, str]) -> Reply:
    httpclient: Any = importlib.import_module("tornado.httpclient")

    async def ask() -> Reply:
        method = "GET" if body is None else "POST"
        client = httpclient.AsyncHTTPClient(force_instance=True)
        try:
            response = await client.fetch(
                url, method=method, body=_encode(body), headers=headers, raise_error=False
            )
            if response.code == 599:
                response.rethrow()
            return _make_reply(response.code, response.headers.items(), response.body)
        finally:
            client.close()

    return asyncio.run(ask())


_OPTIONAL = {"httplib2": ask_with_httplib2, "tornado": ask_with_tornado}
WAYS: dict[str, Way] = {
    "requests": ask_with_requests,
    "urllib3": ask_with_urllib3,
    "http.client": ask_with_http_client,
    "urllib": ask_with_urllib,
    "aiohttp": ask_with_aiohttp,
    **{name: way for name, way in _OPTIONAL.items() if importlib.util.find_spec(name)},
}
"""By the name of the library."""
