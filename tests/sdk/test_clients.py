"""Clients of all kinds: made before, copied, several at once, with an HTTP client of the user's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anthropic
import pytest

from claude_replay import use_cassette
from sdk_ways import ASYNCIO, KEY, LIBRARY, SYNC, WAYS, Tape, Way, ask, attempt, describe, settle
from standin import ClaudeServer


def test_a_client_made_before_the_cassette_is_seen(tape: Tape) -> None:
    """It is the transports that are watched, not the making of clients."""
    client = anthropic.Anthropic(base_url=tape.server.url, api_key=KEY)
    client.messages.create(**ask("before"))
    with use_cassette(tape.path, mode="once"):
        recorded = describe(client.messages.create(**ask("inside")))
    client.messages.create(**ask("after"))
    tape.server.close()
    with use_cassette(tape.path, mode="none") as handle:
        assert describe(client.messages.create(**ask("inside"))) == recorded
    assert [sent.json["messages"][0]["content"] for sent in handle.sent] == ["inside"]
    client.close()


def test_an_async_client_made_before_the_cassette_is_seen(tape: Tape) -> None:
    """The same for async clients with connections already open."""

    async def work() -> None:
        client = anthropic.AsyncAnthropic(base_url=tape.server.url, api_key=KEY)
        await client.messages.create(**ask("before"))
        async with use_cassette(tape.path, mode="once"):
            recorded = describe(await client.messages.create(**ask("inside")))
        tape.server.close()
        async with use_cassette(tape.path, mode="none"):
            assert describe(await client.messages.create(**ask("inside"))) == recorded
        await client.close()

    asyncio.run(work())


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_copies_with_other_options_are_seen(tape: Tape, way: Way) -> None:
    """`with_options` and `copy` share the recordings of the client they came from."""

    async def work(client: Any) -> Any:
        patient = client.with_options(timeout=30, max_retries=5)
        named = client.copy(default_headers={"x-team": "blue"})
        return [
            describe(await settle(one.messages.create(**ask("Hello")))) for one in (client, patient, named)
        ]

    tape.round_trip(work, way)


@pytest.mark.parametrize("way", [SYNC, ASYNCIO], ids=str)
def test_several_clients_for_several_addresses(tape: Tape, way: Way) -> None:
    """Different clients in one cassette; the address is no part of what is compared."""
    with ClaudeServer() as second:

        async def work(client: Any) -> Any:
            clients = (client, client.copy(base_url=second.url), client)
            texts = ("one", "two [ordinal]", "three [ordinal]")
            return [
                describe(await settle(one.messages.create(**ask(text))))
                for one, text in zip(clients, texts, strict=True)
            ]

        tape.round_trip(work, way)
        assert (tape.server.count, second.count) == (2, 1)


def test_an_http_client_of_the_users_is_seen(tape: Tape) -> None:
    """Own pools, limits, hooks and subclassed transports make no difference."""

    class Counting(LIBRARY.HTTPTransport):  # type: ignore[misc]
        count = 0

        def handle_request(self, request: Any) -> Any:
            Counting.count += 1
            return super().handle_request(request)

    async def work(client: Any) -> Any:
        with LIBRARY.Client(transport=Counting(retries=1), event_hooks={"response": []}) as http_client:
            return describe(client.copy(http_client=http_client).messages.create(**ask("Hello")))

    tape.round_trip(work)
    assert Counting.count == 2


def test_a_mocked_transport_is_left_alone(tape: Tape) -> None:
    """What the user answers in the test itself neither gets into a cassette nor needs one."""
    answer = {
        "type": "message",
        "id": "msg_mock",
        "content": [],
        "model": "m",
        "role": "assistant",
        "usage": {},
    }
    transport = LIBRARY.MockTransport(lambda request: LIBRARY.Response(200, json=answer))

    async def work(client: Any) -> Any:
        with LIBRARY.Client(transport=transport) as http_client:
            return describe(client.copy(http_client=http_client).messages.create(**ask("Hello")))

    assert tape.run(work, mode="none")["id"] == "msg_mock"
    assert tape.attempts == 0


class Elsewhere(BaseHTTPRequestHandler):
    """Redirects what is posted to `target`, and answers GET with "pong"."""

    target: str
    gets: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(307)
        self.send_header("location", self.target + self.path)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.gets.append(self.path)
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"pong")

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def elsewhere(server: ClaudeServer) -> Iterator[Any]:
    """A server that is not Claude's: its URL and what it was asked for."""
    handler = type("Handler", (Elsewhere,), {"target": server.url, "gets": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{other.server_port}", handler
        other.shutdown()
        thread.join()


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_redirects_are_followed_again(tape: Tape, way: Way, elsewhere: Any) -> None:
    """The redirect and the answer at its end are two exchanges, and both are replayed."""
    url, _ = elsewhere

    async def work(client: Any) -> Any:
        return await attempt(lambda: client.copy(base_url=url).messages.create(**ask("Hello")))

    assert tape.round_trip(work, way)["content"]
    assert tape.attempts == 2


@pytest.mark.parametrize("mode", ["once", "none"])
def test_other_hosts_are_left_alone(tape: Tape, elsewhere: Any, mode: str) -> None:
    """Requests that are not Claude's go where they went, and into no cassette."""
    url, other = elsewhere

    async def work(client: Any) -> Any:
        async def fetch() -> str:
            async with LIBRARY.AsyncClient() as http_client:
                return str((await http_client.get(f"{url}/two")).text)

        with LIBRARY.Client() as http_client:
            return http_client.get(f"{url}/one").text, asyncio.run(fetch())

    assert tape.run(work, mode=mode) == ("pong", "pong")
    assert (other.gets, tape.attempts, tape.path.exists()) == (["/one", "/two"], 0, False)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_mode_off_calls_live_and_keeps_nothing(tape: Tape, way: Way) -> None:
    """With `off` the cassette is there in name only."""

    async def work(client: Any) -> Any:
        stream = await settle(client.messages.create(**ask("Hello", stream=True)))
        await settle(stream.close())
        return describe(await settle(client.messages.create(**ask("Hello"))))

    assert tape.run(work, way, mode="off")["content"]
    assert (tape.server.count, tape.path.exists()) == (2, False)


@pytest.mark.parametrize("way", [SYNC, ASYNCIO], ids=str)
@pytest.mark.needs("credentials")
def test_a_recording_made_with_a_login_serves_whoever_has_none(tape: Tape, way: Way) -> None:
    """A client that has signed in marks its requests as a beta; that is no part of what is compared."""
    from anthropic.lib.credentials import AccessToken

    async def work(client: Any) -> Any:
        return describe(await settle(client.messages.create(**ask("Hello"))))

    with use_cassette(tape.path, mode="once"):
        token = AccessToken("t" * 30)
        recorded = way.run(work, tape.server.url, credentials=lambda *, force_refresh=False: token)
    assert "oauth" in tape.server.requests[0].headers["anthropic-beta"]
    tape.server.close()
    assert tape.replay(work, way) == recorded
    assert token.token not in tape.path.read_text(encoding="utf-8")


def test_signing_in_is_no_part_of_a_recording(tape: Tape) -> None:
    """Tokens that a client fetches for itself go past the cassette, and replay does without them."""

    async def work(client: Any) -> Any:
        await attempt(
            lambda: client.post("/v1/oauth/token", cast_to=object, body={"refresh_token": "r" * 30})
        )
        return describe(client.messages.create(**ask("Hello")))

    recorded = tape.record(work)
    assert [request.path for request in tape.server.requests] == ["/v1/oauth/token", "/v1/messages"]

    async def without_token(client: Any) -> Any:
        return describe(client.messages.create(**ask("Hello")))

    assert "oauth" not in tape.path.read_text(encoding="utf-8")
    assert tape.replay(without_token) == recorded
    assert tape.tallies[-1].unplayed == []
