"""A cassette that is open takes the requests to Claude, whoever makes them where, and no others."""

from __future__ import annotations

import asyncio
import http.client
import inspect
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import pytest
import requests
import urllib3

from claude_replay import use_cassette
from claude_replay.intercept.scope import enter, leave
from http_ways import KEY, WAYS, make_body, make_headers
from standin import ClaudeServer

pytestmark = pytest.mark.usefixtures("no_proxies")

HEADERS = make_headers()
each_way = pytest.mark.parametrize("way", WAYS)


# ------------------------------------------------------------------ requests to others


class Talker(BaseHTTPRequestHandler):
    """Says "one" at once, and "two" when it has been heard."""

    protocol_version = "HTTP/1.1"
    heard: threading.Event

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\r\none\r\n")
        self.heard.wait(20)
        self.wfile.write(b"3\r\ntwo\r\n0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def talker() -> Iterator[tuple[str, threading.Event]]:
    """The URL of a server that waits in the middle of its answer, and what it waits for."""
    handler: Any = type("Handler", (Talker,), {"heard": threading.Event()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", handler.heard
        server.shutdown()
        thread.join()


def listen_with_requests(url: str, heard: threading.Event) -> Iterator[bytes]:
    with requests.get(url, stream=True, timeout=20) as response:
        for piece in response.iter_content(3):
            yield piece
            heard.set()


def listen_with_urllib3(url: str, heard: threading.Event) -> Iterator[bytes]:
    with urllib3.PoolManager() as pool:
        response = pool.request("GET", url, preload_content=False, timeout=20)
        for piece in response.stream(3):
            yield piece
            heard.set()


def listen_with_urllib(url: str, heard: threading.Event) -> Iterator[bytes]:
    with urllib.request.urlopen(url, timeout=20) as response:
        while piece := response.read(3):
            yield piece
            heard.set()


def listen_with_aiohttp(url: str, heard: threading.Event) -> Iterator[bytes]:
    async def listen() -> list[bytes]:
        pieces = []
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            async for piece in response.content.iter_any():
                pieces.append(piece)
                heard.set()
        return pieces

    return iter(asyncio.run(listen()))


@pytest.mark.parametrize(
    "listen", [listen_with_requests, listen_with_urllib3, listen_with_urllib, listen_with_aiohttp]
)
@pytest.mark.parametrize("mode", ["none", "once"])
def test_others_are_heard_while_they_speak(
    listen: Callable[..., Iterator[bytes]], mode: str, talker: tuple[str, threading.Event], path: Path
) -> None:
    """An answer that is none of Claude's arrives piece by piece, as without a cassette."""
    with use_cassette(path, mode=mode) as cassette:
        assert list(listen(*talker)) == [b"one", b"two"]
    assert (cassette.sent, path.exists()) == ([], False)


@each_way
def test_a_hidden_cassette_is_left_alone(claude: ClaudeServer, path: Path, way: str) -> None:
    """Where no cassette is in force, as in fixtures that outlive the test, the request is not seen."""
    with use_cassette(path) as cassette:
        scope = enter(None)
        assert WAYS[way](f"{claude.url}/v1/messages", make_body("Hello"), HEADERS).status == 200
        leave(scope)
    assert (claude.count, cassette.sent) == (1, [])


def test_a_url_that_is_none_gets_the_librarys_own_error(path: Path) -> None:
    """Whatever cannot be a request to Claude is not ours to judge."""

    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            await session.get("http://[broken")

    with use_cassette(path):
        with pytest.raises(aiohttp.InvalidURL):
            asyncio.run(ask())
        with pytest.raises(ValueError, match="IPv6"):
            http.client.HTTPConnection("127.0.0.1", 9).request("GET", "http://[broken")


PROGRAM = """
import sys
from claude_replay import use_cassette
path, url, claude = sys.argv[1:]
with use_cassette(path) as cassette:
    import aiohttp, requests
    assert requests.get(url).text == "pong"
    assert "vcr" not in sys.modules
    answer = requests.post(f"{claude}/v1/messages", json=BODY, headers=HEADERS)
    assert "vcr" in sys.modules
assert "vcr.stubs.aiohttp_stubs" not in sys.modules
print(answer.json()["content"][0]["text"])
"""


def test_a_library_may_be_imported_within_the_cassette(claude: ClaudeServer, path: Path, url: str) -> None:
    """It is covered from its first request on; vcrpy itself is imported by the first request to Claude."""
    body = make_body("Hello")
    with use_cassette(path, mode="once"):
        live = WAYS["requests"](f"{claude.url}/v1/messages", body, HEADERS)
    claude.close()
    program = PROGRAM.replace("BODY", repr(body)).replace("HEADERS", repr(HEADERS))
    command = [sys.executable, "-c", program, str(path), url, claude.url]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.stdout.strip(), result.stderr) == (live.text, "")


PATCHED = {
    "requests": (urllib3.HTTPConnectionPool, "urlopen"),
    "urllib": (http.client.HTTPConnection, "request"),
    "aiohttp": (aiohttp.ClientSession, "_request"),
}


@pytest.mark.parametrize("way", PATCHED)
def test_a_library_that_somebody_has_restored_is_covered_again(
    claude: ClaudeServer, path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mock that was there before the first cassette puts the library's own method back at its end."""
    with use_cassette(path, mode="once"):
        live = WAYS[way](f"{claude.url}/v1/messages", make_body("Hello"), HEADERS)
    owner, name = PATCHED[way]
    monkeypatch.setattr(owner, name, inspect.unwrap(getattr(owner, name)))
    with use_cassette(path):
        assert WAYS[way](f"{claude.url}/v1/messages", make_body("Hello"), HEADERS).answer == live.answer
    assert claude.count == 1


# ------------------------------------------------------------------ threads and tasks


def test_threads_of_all_libraries_get_their_own_answers(claude: ClaudeServer, path: Path) -> None:
    """Also beside the SDK, and from threads that know nothing of the one that opened the cassette."""

    def ask(number: int) -> str:
        body = make_body(f"Question {number} [words 3] [ordinal]")
        names = [*WAYS, "sdk"]
        way = names[number % len(names)]
        if way != "sdk":
            return WAYS[way](f"{claude.url}/v1/messages", body, HEADERS).text
        with anthropic.Anthropic(base_url=claude.url, api_key=KEY) as client:
            message: Any = client.messages.create(**body)
            return str(message.content[0].text)

    def ask_all() -> list[str]:
        with ThreadPoolExecutor(6) as pool:
            return list(pool.map(ask, range(40)))

    with use_cassette(path, mode="once"):
        live = ask_all()
    assert (claude.count, len(set(live))) == (40, 40)
    claude.close()
    with use_cassette(path) as cassette:
        assert ask_all() == live
    assert len(cassette.played) == 40


@pytest.mark.asyncio
async def test_tasks_with_cassettes_of_their_own(claude: ClaudeServer, tmp_path: Path) -> None:
    """Each task's requests go to the cassette that it has opened."""

    async def ask(number: int, mode: str) -> tuple[str, int]:
        with use_cassette(tmp_path / f"{number}.yaml", mode=mode) as cassette:
            async with aiohttp.ClientSession(base_url=claude.url, headers=HEADERS) as session:
                await asyncio.sleep(0)
                async with session.post("/v1/messages", json=make_body(f"Question {number}")) as response:
                    return (await response.json())["content"][0]["text"], len(cassette.sent)

    live = await asyncio.gather(*[ask(number, "once") for number in range(3)])
    assert [count for _, count in live] == [1, 1, 1]
    assert await asyncio.gather(*[ask(number, "none") for number in range(3)]) == live
    assert claude.count == 3


def test_the_sdk_over_aiohttp_is_recorded_once(claude: ClaudeServer, path: Path) -> None:
    """What the SDK's transport has seen is not seen again in the library below it."""

    async def ask() -> str:
        client = anthropic.AsyncAnthropic(
            base_url=claude.url, api_key=KEY, http_client=anthropic.DefaultAioHttpClient()
        )
        async with client:
            message: Any = await client.messages.create(**make_body("Hello"))
            return str(message.content[0].text)

    with use_cassette(path, mode="once") as cassette:
        live = asyncio.run(ask())
    assert (claude.count, len(cassette.sent)) == (1, 1)
    with use_cassette(path):
        assert asyncio.run(ask()) == live
