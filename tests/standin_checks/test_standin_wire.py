"""The stand-in server keeps the protocol on the wire, and starts and ends as promised."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anthropic
import pytest
from anthropic import Anthropic

from standin import ClaudeServer, answer_to
from standin.clients import (
    KEY,
    Client,
    SyncClient,
    make_request,
    send_raw,
    text_of,
)


def test_json_is_compressed_for_those_who_accept_it(server: ClaudeServer) -> None:
    """A JSON answer is gzip if the client accepts it, plain otherwise, and the same inside."""
    path, body = "/v1/messages", make_request("hello", {})
    plain = send_raw(server, "POST", path, body, headers={"accept-encoding": "identity"})
    with ClaudeServer() as other:
        packed = send_raw(other, "POST", path, body, headers={"accept-encoding": "gzip, deflate"})
    assert ("content-encoding", "gzip") in packed[1]
    assert gzip.decompress(packed[2]) == plain[2]


def test_headers_are_those_of_the_api(server: ClaudeServer) -> None:
    """Answers carry the API's headers: ids, limits, cookies, and what its proxies add."""
    headers = send_raw(server, "POST", "/v1/messages", make_request("hello", {}))[1]
    names = [name for name, _ in headers]
    limits = {"anthropic-ratelimit-requests-limit", "anthropic-ratelimit-tokens-remaining"}
    assert {"request-id", "anthropic-organization-id", *limits} <= set(names)
    assert {"date", "server", "via", "cf-ray", "strict-transport-security", "vary"} <= set(names)
    assert names.count("set-cookie") == 2


def test_each_event_is_one_chunk_with_padding(server: ClaudeServer) -> None:
    """A stream has one chunk per event, in the API's order, some with spaces before the last brace."""
    body = json.dumps(make_request("hello", {"stream": True})).encode()
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as connection:
        head = b"POST /v1/messages HTTP/1.1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        connection.sendall(head % len(body) + body)
        _, _, rest = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    events = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        events.append(rest[: int(size, 16)].decode())
        rest = rest[int(size, 16) + 2 :]
    assert events.pop() == ""
    names = [event.splitlines()[0].removeprefix("event: ") for event in events]
    start, deltas = ["message_start", "content_block_start", "ping"], ["content_block_delta"] * 3
    assert names == [*start, *deltas, "content_block_stop", "message_delta", "message_stop"]
    assert all(event.endswith("}\n\n") for event in events)
    assert any(" }\n\n" in event for event in events)


def test_one_connection_serves_several_requests(server: ClaudeServer) -> None:
    """Connections are kept alive after JSON, streams and errors."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    sockets = []
    for prompt in ("a", "b", "[status 500]"):
        connection.request(
            "POST", "/v1/messages", json.dumps(make_request(prompt, {"stream": prompt == "a"}))
        )
        connection.getresponse().read()
        sockets.append(connection.sock)
    connection.close()
    assert sockets[0] is not None
    assert sockets[0] is sockets[1] is sockets[2]


def test_what_was_received_can_be_read(server: ClaudeServer, client: Client) -> None:
    """`requests` holds method, path, lower-case headers, bytes and JSON of each; `count` is their number."""
    client.create("hello", extra_query={"beta": "true"})
    (received,) = server.requests
    assert (received.method, received.path, received.route) == (
        "POST",
        "/v1/messages?beta=true",
        "/v1/messages",
    )
    assert received.headers["content-type"] == "application/json"
    assert KEY in (received.headers.get("authorization", "") + received.headers.get("x-api-key", ""))
    assert received.json == json.loads(received.body) == make_request("hello", {})
    assert server.count == 1


def test_chunked_requests_and_repeated_headers_are_read(server: ClaudeServer) -> None:
    """A request body may come in chunks; headers of one name are joined."""
    data = json.dumps(make_request("hello", {})).encode()
    options = {
        "headers": {"transfer-encoding": "chunked", "X-One": "a", "x-one": "b"},
        "encode_chunked": True,
    }
    status, _, _ = send_raw(server, "POST", "/v1/messages", [data[:9], data[9:]], **options)
    assert (status, server.requests[0].body, server.requests[0].headers["x-one"]) == (200, data, "a, b")


def test_concurrent_requests_get_their_own_answers(server: ClaudeServer) -> None:
    """Requests from many threads at once are all answered, each with its own text."""
    prompts = [f"question {index}" for index in range(40)]
    with Anthropic(base_url=server.url, api_key=KEY) as sdk, ThreadPoolExecutor(16) as pool:
        messages = pool.map(lambda prompt: sdk.messages.create(**make_request(prompt, {})), prompts)
        assert [text_of(message) for message in messages] == [answer_to(prompt) for prompt in prompts]
    assert server.count == 40


def test_a_closed_server_answers_no_more(server: ClaudeServer, client: Client) -> None:
    """After `close` connections are refused; closing again does nothing; what was received stays."""
    client.create("hello")
    server.close()
    server.close()
    with pytest.raises(anthropic.APIConnectionError):
        client.create("hello")
    assert server.count == 1


def test_a_fault_of_the_server_itself_is_reported(
    server: ClaudeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception in the server closes the connection and shows on stderr, instead of passing for a cut."""
    with pytest.raises(http.client.RemoteDisconnected):
        send_raw(server, "GET", "/v1/models?limit=x", None)
    server.close()
    assert "ValueError: invalid literal for int()" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_runs_as_a_process_until_it_is_killed(number: signal.Signals) -> None:
    """`python -m standin` prints its URL first and serves; all but a hard kill end it in good order."""
    command = [sys.executable, "-m", "standin", "--port", "0"]
    folder = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        client = SyncClient(process.stdout.readline().strip())
        answer = text_of(client.create("hello"))
        process.send_signal(number)
        code = process.wait()
        with pytest.raises(anthropic.APIConnectionError):
            client.create("hello")
    assert (answer, code) == ("You said: hello", -number if number == signal.SIGKILL else 0)
