"""What the single libraries can do with a request to Claude: bodies, connections, proxies, bad endings."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import anthropic
import pytest
import requests
import urllib3

from claude_replay import CassetteMiss, RecordingEnded, use_cassette
from http_ways import KEY, WAYS, make_body, make_headers
from standin import ClaudeServer

pytestmark = pytest.mark.usefixtures("no_proxies")

HEADERS = make_headers()
each_way = pytest.mark.parametrize("way", WAYS)


# ------------------------------------------------------------------ bodies

BODY = make_body("Hello é")
TEXT = json.dumps(BODY)
PIECES = [TEXT[:20].encode(), TEXT[20:].encode()]


async def give_pieces() -> AsyncIterator[bytes]:
    for piece in PIECES:
        yield piece


def make_form() -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("file", b"the content", filename="a.txt")
    return form


def post_with_aiohttp(url: str, **options: Any) -> bytes:
    async def post() -> bytes:
        async with (
            aiohttp.ClientSession(headers=HEADERS) as session,
            session.post(url, **options) as response,
        ):
            return await response.read()

    return asyncio.run(post())


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"json": BODY},
        lambda: {"data": TEXT},
        lambda: {"data": TEXT.encode()},
        lambda: {"data": io.BytesIO(TEXT.encode())},
        lambda: {"data": give_pieces()},
    ],
    ids=["json", "text", "bytes", "file", "pieces"],
)
def test_any_body_of_aiohttp_is_understood(
    claude: ClaudeServer, path: Path, make: Callable[[], dict[str, Any]]
) -> None:
    """It arrives as the same bytes, and is the same request as with any other library."""
    url = f"{claude.url}/v1/messages"
    with use_cassette(path, mode="once"):
        live = post_with_aiohttp(url, **make())
    assert claude.requests[0].json == BODY
    with use_cassette(path):
        assert json.loads(post_with_aiohttp(url, **make())) == json.loads(live)
    with use_cassette(path):
        assert WAYS["requests"](url, BODY, HEADERS).text


@pytest.mark.parametrize(
    ("make", "content_type", "content"),
    [
        (make_form, "multipart/form-data; boundary=", b"the content"),
        (lambda: {"a": "b c"}, "application/x-www-form-urlencoded", b"a=b+c"),
    ],
    ids=["multipart", "fields"],
)
def test_forms_of_aiohttp_arrive_as_forms(
    claude: ClaudeServer, path: Path, make: Callable[[], Any], content_type: str, content: bytes
) -> None:
    """Also with a content type that only aiohttp can know."""

    async def post() -> None:
        headers = make_headers(**{"Content-Type": ""})
        async with aiohttp.ClientSession() as session:
            await session.post(f"{claude.url}/v1/files", data=make(), headers=headers)

    with use_cassette(path, mode="once"):
        asyncio.run(post())
    [received] = claude.requests
    assert received.headers["content-type"].startswith(content_type)
    assert content in received.body


@pytest.mark.parametrize(
    "body", [TEXT, iter(PIECES), io.BytesIO(TEXT.encode())], ids=["text", "pieces", "file"]
)
def test_any_body_of_requests_is_understood(claude: ClaudeServer, path: Path, body: Any) -> None:
    """Pieces would go out in chunks; as a whole they are the same request."""
    url = f"{claude.url}/v1/messages"
    with use_cassette(path, mode="once"):
        live = requests.post(url, data=body, headers=HEADERS, timeout=20)
    assert claude.requests[0].json == BODY
    with use_cassette(path):
        assert WAYS["requests"](url, BODY, HEADERS).content == live.content


def test_a_body_of_text_pieces_is_understood(claude: ClaudeServer, path: Path) -> None:
    """urllib3 takes those as well."""
    url = f"{claude.url}/v1/messages"
    pieces = [piece.decode() for piece in PIECES]
    with use_cassette(path, mode="once"), urllib3.PoolManager(headers=HEADERS) as pool:
        live = pool.request("POST", url, body=pieces)
    with use_cassette(path):
        assert WAYS["urllib3"](url, BODY, HEADERS).content == live.data


def test_a_compressed_answer_is_readable_in_the_cassette(claude: ClaudeServer, path: Path) -> None:
    """Whoever asks for gzip gets gzip when it is live, and what is in it on replay."""
    connection = open_connection(claude.url)
    asked = {**HEADERS, "Accept-Encoding": "gzip"}
    with use_cassette(path, mode="once"):
        connection.request("POST", "/v1/messages", TEXT, asked)
        response = connection.getresponse()
        live = gzip.decompress(response.read())
    assert response.getheader("content-encoding") == "gzip"
    with use_cassette(path):
        connection.request("POST", "/v1/messages", TEXT, asked)
        response = connection.getresponse()
        assert response.read() == live
    assert response.getheader("content-encoding") is None
    assert "You said: Hello é" in path.read_text(encoding="utf-8")
    connection.close()


def test_an_answer_that_aiohttp_leaves_compressed_is_readable_in_the_cassette(
    claude: ClaudeServer, path: Path
) -> None:
    """The library was told not to decode."""
    url = f"{claude.url}/v1/messages"
    with use_cassette(path, mode="once"):
        live = gzip.decompress(post_with_aiohttp(url, json=BODY, auto_decompress=False))
    with use_cassette(path):
        assert post_with_aiohttp(url, json=BODY) == live
    assert "You said: Hello é" in path.read_text(encoding="utf-8")


def test_events_can_be_read_as_a_stream(claude: ClaudeServer, path: Path) -> None:
    """All are there at once, but applications need not know."""
    url, body = f"{claude.url}/v1/messages", make_body("[words 4]", stream=True)

    def read_with_requests() -> list[bytes]:
        with requests.post(url, json=body, headers=HEADERS, stream=True, timeout=20) as response:
            return [line for line in response.iter_lines() if line.startswith(b"event")]

    def read_with_aiohttp() -> list[bytes]:
        async def read() -> list[bytes]:
            async with (
                aiohttp.ClientSession(headers=HEADERS) as session,
                session.post(url, json=body) as response,
            ):
                return [line.strip() async for line in response.content if line.startswith(b"event")]

        return asyncio.run(read())

    with use_cassette(path, mode="once"):
        live = read_with_requests()
    with use_cassette(path):
        assert read_with_aiohttp() == live
    path.unlink()
    with use_cassette(path, mode="once"):
        assert read_with_aiohttp() == live
    with use_cassette(path):
        assert read_with_requests() == live


# ------------------------------------------------------------------ connections


def open_connection(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)


def read_json(connection: http.client.HTTPConnection) -> Any:
    return json.loads(connection.getresponse().read())


def test_one_connection_serves_claude_and_others(claude: ClaudeServer, path: Path) -> None:
    """What is answered from the cassette leaves it as it was, and a miss leaves no answer behind."""
    connection = open_connection(claude.url)
    with use_cassette(path, mode="once"):
        connection.request("POST", "/v1/messages", TEXT, HEADERS)
        live = read_json(connection)
    with use_cassette(path):
        connection.request("GET", "/v1/models")
        assert read_json(connection)["data"]
        connection.request("POST", url="/v1/messages", body=TEXT, headers=HEADERS)
        assert read_json(connection) == live
    with pytest.raises(CassetteMiss), use_cassette(path):
        connection.request("POST", "/v1/messages", "{}", HEADERS)
    with pytest.raises(http.client.ResponseNotReady):
        connection.getresponse()
    assert claude.count == 2
    connection.close()


def test_an_answer_that_nobody_fetched_is_not_given_to_the_next(claude: ClaudeServer, path: Path) -> None:
    """The connection belongs to its last request."""
    connection = open_connection(claude.url)
    with use_cassette(path, mode="once"):
        connection.request("POST", "/v1/messages", TEXT, HEADERS)
        read_json(connection)
    with use_cassette(path):
        connection.request("POST", "/v1/messages", TEXT, HEADERS)
        connection.request("GET", "/v1/models")
        assert read_json(connection)["data"]
    connection.close()


def test_a_tunnel_is_not_dug_for_a_replay(claude: ClaudeServer, path: Path) -> None:
    """The request belongs to the host at its end."""
    with use_cassette(path, mode="once"):
        live = WAYS["http.client"](f"{claude.url}/v1/messages", BODY, HEADERS)
    connection = http.client.HTTPSConnection("127.0.0.1", 9)
    connection.set_tunnel("api.anthropic.com")
    with use_cassette(path) as cassette:
        connection.request("POST", "/v1/messages", TEXT, HEADERS)
        assert read_json(connection) == json.loads(live.content)
    assert cassette.sent[0].url == "https://api.anthropic.com/v1/messages"


def test_a_pool_keeps_its_own_connections(claude: ClaudeServer, path: Path) -> None:
    """Requests to others before and after use the same one; Claude's never enter it."""
    with urllib3.HTTPConnectionPool(urlsplit(claude.url).netloc, headers=HEADERS) as pool:
        pool.request("GET", "/v1/models", headers={})
        with use_cassette(path, mode="once"):
            live = pool.request("POST", "/v1/messages", body=TEXT).data
        with use_cassette(path):
            assert pool.urlopen("POST", "/v1/messages", TEXT, HEADERS).data == live
        pool.request("GET", "/v1/models", headers={})
        assert (pool.num_connections, pool.num_requests) == (1, 2)


@pytest.mark.parametrize(("record_errors", "attempts"), [(False, 1), (True, 2)])
def test_retries_of_urllib3_are_requests_of_their_own(
    claude: ClaudeServer, path: Path, record_errors: bool, attempts: int
) -> None:
    """A failure that was overcome is forgotten; with `record_errors` it comes back and is overcome again."""
    retries = urllib3.Retry(status_forcelist=[529], allowed_methods=None, respect_retry_after_header=False)

    def ask() -> bytes:
        with urllib3.PoolManager(headers=HEADERS) as pool:
            return pool.request("POST", f"{claude.url}/v1/messages", body=TEXT, retries=retries).data

    claude.script("[status 529]")
    with use_cassette(path, mode="once", record_errors=record_errors):
        live = ask()
    with use_cassette(path) as cassette:
        assert ask() == live
    assert (claude.count, len(cassette.sent)) == (2, attempts)


# ------------------------------------------------------------------ endings other than a whole answer


def test_a_cancelled_request_of_aiohttp_is_cancelled_again(claude: ClaudeServer, path: Path) -> None:
    """The replay waits, as Claude did, until the application has had enough."""

    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            body = make_body("[slow 60000]")
            request = asyncio.ensure_future(
                session.post(f"{claude.url}/v1/messages", json=body, headers=HEADERS)
            )
            while not arrived():
                await asyncio.sleep(0.01)
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request

    with use_cassette(path, mode="once") as cassette:
        arrived: Callable[[], object] = lambda: claude.count  # noqa: E731
        asyncio.run(ask())
    with use_cassette(path) as cassette:
        arrived = lambda: cassette.played  # noqa: E731
        asyncio.run(ask())
    assert claude.count == 1


@each_way
def test_a_stream_that_was_left_is_not_taken_for_a_whole_one(
    claude: ClaudeServer, path: Path, way: str
) -> None:
    """The SDK left it early, so what is recorded is known to be too little for these libraries."""
    body = make_body("[words 50] [slow 1]", stream=True)
    with (
        use_cassette(path, mode="once"),
        anthropic.Anthropic(base_url=claude.url, api_key=KEY) as client,
        client.messages.create(**body) as stream,
    ):
        next(iter(stream))
    with pytest.raises(RecordingEnded, match="stopped reading this answer here"), use_cassette(path):
        WAYS[way](f"{claude.url}/v1/messages", body, HEADERS)


class Mover(BaseHTTPRequestHandler):
    """Has moved everything to /there."""

    def do_GET(self) -> None:
        there = self.path == "/there"
        self.send_response(200 if there else 302)
        content = b'{"moved": true}' if there else b"{}"
        self.send_header("content-type", "application/json")
        self.send_header("location", "/there")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def mover(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("CI", raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Mover) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/here"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("way", ["requests", "urllib3", "urllib", "aiohttp"])
def test_a_redirect_is_followed_again(mover: str, path: Path, way: str) -> None:
    """The application gets what stands at the end of it."""
    with use_cassette(path, mode="once"):
        live = WAYS[way](mover, None, HEADERS)
    with use_cassette(path):
        assert WAYS[way](mover, None, HEADERS).answer == live.answer
    assert live.content == b'{"moved": true}'


def test_aiohttp_says_that_it_cannot_follow_a_recorded_redirect(mover: str, path: Path) -> None:
    """Its own recordings hold the end of a redirect alone; those of others hold every step."""
    with use_cassette(path, mode="once"):
        WAYS["requests"](mover, None, HEADERS)
    with pytest.raises(RecordingEnded, match=r"redirect to http://.*/there"), use_cassette(path):
        WAYS["aiohttp"](mover, None, HEADERS)
