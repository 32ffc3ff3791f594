"""Hosts that are not Claude's: untouched, unless the settings name them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anthropic
import httpx
import httpx2
import pytest
import requests

from claude_replay import CassetteMiss, use_cassette
from http_ways import KEY, WAYS, Reply, Way
from standin import ClaudeServer

HOSTS = ["127.0.0.1"]
TOKEN = "tok-" + "9f8e7d6c" * 4
PASSWORD = "hunter2-" + "hunter2"


class Tools(BaseHTTPRequestHandler):
    """An API that an agent's tools call: says what it was asked, and for the how manieth time."""

    count: list[str]

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self.count.append(self.path)
        answer = {"path": self.path, "sent": self.rfile.read(length).decode(), "visit": len(self.count)}
        content = json.dumps(answer).encode()
        self.send_response(404 if self.path.startswith("/missing") else 200)
        for name, value in (
            ("content-type", "application/json"),
            ("set-cookie", f"session={TOKEN}; Path=/"),
            ("content-length", str(len(content))),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def tools() -> Iterator[Any]:
    handler: Any = type("Handler", (Tools,), {"count": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        handler.url = f"http://127.0.0.1:{server.server_port}"
        yield handler
        server.shutdown()
        thread.join()


def _reply(response: Any) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content)


def ask_with_httpx(library: Any) -> Way:
    def ask(url: str, body: Any, headers: dict[str, str]) -> Reply:
        with library.Client(timeout=20) as client:
            return _reply(client.request("GET" if body is None else "POST", url, json=body, headers=headers))

    return ask


def ask_with_async_httpx(library: Any) -> Way:
    def ask(url: str, body: Any, headers: dict[str, str]) -> Reply:
        async def work() -> Reply:
            async with library.AsyncClient(timeout=20) as client:
                method = "GET" if body is None else "POST"
                return _reply(await client.request(method, url, json=body, headers=headers))

        return asyncio.run(work())

    return ask


ALL_WAYS: dict[str, Way] = {
    **WAYS,
    "httpx": ask_with_httpx(httpx),
    "httpx2": ask_with_httpx(httpx2),
    "async httpx": ask_with_async_httpx(httpx),
    "async httpx2": ask_with_async_httpx(httpx2),
}


@pytest.mark.parametrize("way", ALL_WAYS.values(), ids=ALL_WAYS)
def test_hosts_nobody_named_are_untouched(way: Way, tools: Any, path: Path) -> None:
    """They are called live in every mode, and leave nothing in the cassette."""
    with use_cassette(path, mode="once", record_hosts=["*.example.com"]):
        way(f"{tools.url}/a", None, {})
    with use_cassette(path):
        assert json.loads(way(f"{tools.url}/a", None, {}).content)["visit"] == 2
    assert not path.exists() or "/a" not in path.read_text()


@pytest.mark.parametrize("way", ALL_WAYS.values(), ids=ALL_WAYS)
def test_a_named_host_is_recorded_and_replayed(way: Way, tools: Any, path: Path) -> None:
    """By every library, in the cassette beside Claude's exchanges; equal requests in sequence."""

    def ask() -> list[Any]:
        replies = [
            way(f"{tools.url}/search?q=a&page=1", None, {"X-Api-Key": KEY}),
            way(f"{tools.url}/search?q=a&page=1", None, {}),
            way(f"{tools.url}/items", {"name": "b", "n": 1}, {"Authorization": f"Bearer {TOKEN}"}),
            way(f"{tools.url}/missing", None, {}),
        ]
        return [(reply.status, json.loads(reply.content)) for reply in replies]

    with use_cassette(path, mode="once", record_hosts=HOSTS):
        live = ask()
    assert [answer["visit"] for _, answer in live] == [1, 2, 3, 4]
    text = path.read_text(encoding="utf-8")
    assert KEY not in text
    assert TOKEN not in text

    with use_cassette(path, record_hosts=HOSTS):
        assert ask() == live
    assert len(tools.count) == 4


@pytest.mark.parametrize("way", ALL_WAYS.values(), ids=ALL_WAYS)
def test_a_named_host_that_is_not_recorded_is_a_miss(way: Way, tools: Any, path: Path) -> None:
    """In our words, through whatever the library does with errors, and nobody is called."""
    with use_cassette(path, mode="once", record_hosts=HOSTS):
        way(f"{tools.url}/search?q=a", None, {})
    with use_cassette(path, record_hosts=HOSTS, unplayed="ignore") as handle:
        with pytest.raises(CassetteMiss, match=r"asked     GET 127\.0\.0\.1/find"):
            way(f"{tools.url}/find", None, {})
        handle.misses.clear()
    assert len(tools.count) == 1


@pytest.mark.parametrize(
    ("mode", "visits"), [("none", 1), ("once", 1), ("new_episodes", 1), ("all", 2), ("rewrite", 2)]
)
def test_the_record_modes_hold(mode: str, visits: int, tools: Any, path: Path) -> None:
    """As for Claude."""
    for each in ("once", mode):
        with use_cassette(path, mode=each, record_hosts=HOSTS):
            requests.get(f"{tools.url}/a", timeout=20)
    assert len(tools.count) == visits
    assert path.read_text().count("- id:") == 1


def test_beside_claude_in_one_cassette(tools: Any, server: ClaudeServer, path: Path) -> None:
    """An agent asks Claude, its tool the web, and Claude again: in order, each found by its own rules."""

    def work() -> list[Any]:
        with anthropic.Anthropic(base_url=server.url, api_key=KEY, max_retries=0) as client:
            texts = []
            for prompt in ("Hello", "Again"):
                messages: Any = [{"role": "user", "content": prompt}]
                client.messages.create(model="claude-sonnet-5", max_tokens=9, messages=messages)
                texts.append(requests.get(f"{tools.url}/weather", timeout=20).json())
            return texts

    with use_cassette(path, mode="once", record_hosts=HOSTS):
        live = work()
    server.close()
    with use_cassette(path, record_hosts=HOSTS) as handle:
        assert work() == live
    assert [exchange.request.url.rpartition("/")[2] for exchange in handle.played] == [
        "messages",
        "weather",
        "messages",
        "weather",
    ]
    assert len(handle.messages) == 2
    assert ":authority" in path.read_text()


def test_another_host_with_the_same_path_is_another_request(path: Path) -> None:
    """Of Claude's, the host is not compared; of others it is."""
    answers: dict[str, Callable[[Any], Any]] = {}
    path.write_text(
        """version: 1
exchanges:
- request: {method: GET, url: 'https://a.example.com/v1/messages', headers: {':authority': a.example.com}}
  response: {status: 200, headers: {content-type: application/json}, body: {from: a}}
- request: {method: GET, url: 'https://b.example.com:8443/x?beta=true', headers: {':authority': 'b.example.com:8443'}}
  response: {status: 200, headers: {content-type: application/json}, body: {from: b}}
...
""",
        encoding="utf-8",
    )
    assert answers == {}
    with use_cassette(path, record_hosts=["*.example.com"]) as handle:
        for url in (
            "https://b.example.com/x?beta=true",
            "https://b.example.com:8443/x",
            "https://c.example.com/v1/messages",
        ):
            with pytest.raises(CassetteMiss):
                httpx.get(url)
        handle.misses.clear()
        assert httpx.get("https://a.example.com/v1/messages").json() == {"from": "a"}
        assert httpx.get("https://b.example.com:8443/x?beta=true").json() == {"from": "b"}


@pytest.mark.parametrize(
    "send",
    [
        lambda url: requests.post(f"{url}/login", data={"user": "me", "password": PASSWORD}, timeout=20),
        lambda url: requests.post(f"{url}/login", json={"a": [{"password": PASSWORD, "n": 1}]}, timeout=20),
        lambda url: requests.post(f"{url}/login", files=[("token", (None, PASSWORD))], timeout=20),
        lambda url: requests.get(f"{url}/a?token={PASSWORD}&key={TOKEN}", timeout=20),
        lambda url: requests.get(f"{url}/a", auth=("me", PASSWORD), timeout=20),
        lambda url: requests.get(f"{url}/a", cookies={"session": f"{PASSWORD}-0123456789"}, timeout=20),
    ],
    ids=["form", "JSON", "upload", "query", "basic", "cookie"],
)
def test_credentials_stay_out(send: Callable[[str], Any], tools: Any, path: Path) -> None:
    """Whatever way they are sent, on both sides of matching; also where the answer gives them back."""
    with use_cassette(path, mode="once", record_hosts=HOSTS):
        send(tools.url)
    text = path.read_text(encoding="utf-8")
    assert [secret for secret in (PASSWORD, TOKEN) if secret in text.partition("response:")[0]] == []
    with use_cassette(path, record_hosts=HOSTS) as handle:
        send(tools.url)
    assert len(tools.count) == 1
    assert PASSWORD not in f"{handle.sent}"


def test_what_is_asked_of_claude_may_speak_of_passwords(server: ClaudeServer, path: Path) -> None:
    """There the word is part of a conversation."""
    tools: Any = [{"name": "login", "input_schema": {"type": "object", "password": "a text"}}]
    with use_cassette(path, mode="once"), anthropic.Anthropic(base_url=server.url, api_key=KEY) as client:
        client.messages.create(
            model="claude-sonnet-5", max_tokens=9, messages=[{"role": "user", "content": "Hi"}], tools=tools
        )
    assert "password: a text" in path.read_text()


@pytest.mark.parametrize(
    "hosts", [["https://a.example"], ["a.example:80"], ["*a.example"], ["a.example/x"], [""]]
)
def test_what_is_no_host_is_refused(hosts: list[str], path: Path) -> None:
    """With what to write instead."""
    from claude_replay import SettingsError

    with (
        pytest.raises(SettingsError, match="is not a host: write example"),
        use_cassette(path, record_hosts=hosts),
    ):
        pass


def test_names_of_hosts(path: Path) -> None:
    """Case, brackets and a trailing dot make no difference; `*` is everybody, `*.x` only what is below x."""
    from claude_replay.api import is_named

    assert is_named("API.Example.com.", ["api.example.com"])
    assert is_named("a.b.example.com", ["*.example.com"])
    assert not is_named("example.com", ["*.example.com"])
    assert not is_named("notexample.com", ["*.example.com", "example.com"])
    assert is_named("[::1]", ["::1"])
    assert is_named("anything", ["*"])
    with use_cassette(path, record_hosts=["[::1]", "LOCALHOST", "*", "*.Example.com"]):
        pass
