"""What is seen of the transports of httpx and httpx2 below any SDK, and what becomes of odd traffic."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

from claude_replay import RecordingEnded, use_cassette
from claude_replay.errors import LiveCallRefused
from claude_replay.intercept.ambient import Ambient, pop_ambient, push_ambient
from claude_replay.intercept.transports import TRANSPORTS
from claude_replay.session import Tally

LIBRARIES = [httpx, httpx2]
MESSAGE = {"type": "message", "model": "m", "content": [{"type": "text", "text": "Hi"}]}
EVENTS = b'event: ping\ndata: {"type": "ping"}\n\nevent: message_stop\ndata: {"type": "message_stop"}\n\n'

Reply = Callable[[Any, bytes], None]


class Odd(BaseHTTPRequestHandler):
    """Answers each POST as the test says."""

    protocol_version = "HTTP/1.1"
    reply: Reply
    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.bodies.append(body)
        type(self).reply(self, body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class Server:
    """A server whose answers a test makes up byte by byte; `bodies` is what it was sent."""

    def __init__(self, url: str, handler: type[Odd]) -> None:
        self.url = url
        self.bodies = handler.bodies
        self._handler = handler

    def answers(self, reply: Reply) -> None:
        self._handler.reply = reply

    def sends(self, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        """Answer with this body from now on."""

        def reply(handler: Any, _: bytes) -> None:
            handler.send_response(200)
            for name, value in {"content_type": content_type, **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.answers(reply)


@pytest.fixture
def odd() -> Iterator[Server]:
    handler = type("Handler", (Odd,), {"bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        made = Server(f"http://127.0.0.1:{server.server_port}", handler)
        made.sends(json.dumps(MESSAGE).encode())
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def tallies() -> Iterator[list[Tally]]:
    tallies: list[Tally] = []
    ambient = Ambient(closed=lambda session: tallies.append(session.tally))
    push_ambient(ambient)
    yield tallies
    pop_ambient(ambient)


@pytest.fixture
def path(tmp_path: Path, tallies: list[Tally], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cassette is, away from the account and the settings of this run of the tests."""
    monkeypatch.delenv("CI", raising=False)
    return tmp_path / "cassette.yaml"


def post(library: Any, url: str, content: bytes | None = None, **headers: str) -> Any:
    """Ask as Claude is asked, without any SDK."""
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    with library.Client() as client:
        return client.post(
            url + "/v1/messages",
            content=json.dumps(body).encode() if content is None else content,
            headers={"anthropic-version": "2023-06-01", "content-type": "application/json", **headers},
        )


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
def test_whoever_uses_the_library_is_seen(odd: Server, path: Path, library: Any) -> None:
    """Requests to Claude are recorded and replayed without any SDK as well."""
    with use_cassette(path, mode="once"):
        recorded = post(library, odd.url)
    with use_cassette(path, mode="none"):
        replayed = post(library, odd.url)
    assert recorded.json() == replayed.json() == MESSAGE
    assert (replayed.status_code, replayed.headers["content-type"]) == (200, "application/json")
    assert len(odd.bodies) == 1


def test_a_compressed_request_is_compared_by_what_it_says(odd: Server, path: Path) -> None:
    """The same request with and without compression gets the same answer, and the server what was sent."""
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": []}).encode()
    packed = gzip.compress(body)
    with use_cassette(path, mode="once"):
        post(httpx2, odd.url, packed, **{"content-encoding": "gzip"})
    assert odd.bodies == [packed]
    with use_cassette(path, mode="none"):
        assert post(httpx2, odd.url, body).json() == MESSAGE


@pytest.mark.parametrize("encoding", ["gzip", "unheard-of"])
def test_a_request_that_cannot_be_unpacked_is_compared_as_it_is(
    odd: Server, path: Path, encoding: str
) -> None:
    """It is not for a recorder to refuse what the server may understand."""
    content = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + b"\xff" * 20
    for mode in ("once", "none"):
        with use_cassette(path, mode=mode):
            assert post(httpx2, odd.url, content, **{"content-encoding": encoding}).json() == MESSAGE
    assert odd.bodies == [content]


def test_equal_headers_are_joined(odd: Server, path: Path) -> None:
    """A header given twice is one header with two values, as HTTP has it."""
    body = b'{"model": "m", "messages": []}'
    headers = [("anthropic-version", "1"), ("anthropic-beta", "one"), ("anthropic-beta", "two")]
    with use_cassette(path, mode="once") as handle, httpx2.Client() as client:
        client.post(odd.url + "/v1/messages", content=body, headers=headers)
    assert handle.sent[0].headers["anthropic-beta"] == "one, two"


@pytest.mark.parametrize(
    ("damage", "reason"), [(b"\xff" * 8, "the compressed body is damaged"), (b"", "ends too early")]
)
def test_an_answer_that_cannot_be_unpacked_is_not_recorded(
    odd: Server, path: Path, tallies: list[Tally], damage: bytes, reason: str
) -> None:
    """The application gets what the library makes of it, and the account says why nothing was recorded."""
    odd.sends(gzip.compress(b"{}" * 500)[:-8] + damage, content_encoding="gzip")
    with use_cassette(path, mode="once"), suppress(httpx2.DecodingError):
        post(httpx2, odd.url)
    assert not path.exists()
    assert reason in tallies[0].notes[0]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_an_event_stream_may_arrive_in_any_pieces(odd: Server, path: Path, size: int) -> None:
    """Also in the middle of a character, and compressed."""
    text = 'event: ping\ndata: {"type": "ping", "text": "é\U0001f600"}\n\n'.encode() + EVENTS
    packed = gzip.compress(text)

    def reply(handler: Any, _: bytes) -> None:
        handler.send_response(200)
        for name, value in (
            ("content-type", "text/event-stream"),
            ("content-encoding", "gzip"),
            ("transfer-encoding", "chunked"),
        ):
            handler.send_header(name, value)
        handler.end_headers()
        for start in range(0, len(packed), size):
            piece = packed[start : start + size]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    odd.answers(reply)
    answers = []
    for mode in ("once", "none"):
        with use_cassette(path, mode=mode):
            answers.append(post(httpx2, odd.url).text)
    assert [json.loads(line[6:]) for line in answers[1].splitlines() if line.startswith("data: ")] == [
        json.loads(line[6:]) for line in answers[0].splitlines() if line.startswith("data: ")
    ]


def test_a_call_without_an_answer_when_the_cassette_closes_is_noted(
    odd: Server, path: Path, tallies: list[Tally]
) -> None:
    """A thread that is still waiting then gets its answer, but the cassette does not."""
    asked, closed = threading.Event(), threading.Event()
    answers: list[Any] = []

    def reply(handler: Any, _: bytes) -> None:
        asked.set()
        closed.wait(10)
        handler.send_response(200)
        handler.send_header("content-length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    odd.answers(reply)
    thread = threading.Thread(target=lambda: answers.append(post(httpx2, odd.url).text))
    with use_cassette(path, mode="once"):
        thread.start()
        assert asked.wait(10)
    closed.set()
    thread.join()
    assert (answers, path.exists()) == (["{}"], False)
    assert [note.partition(": ")[2] for note in tallies[0].notes] == [
        "it was not answered before the cassette was closed; not recorded"
    ]


@pytest.mark.parametrize("is_cut", [False, True])
def test_an_answer_that_is_still_coming_when_the_cassette_closes_ends_there(
    odd: Server, path: Path, is_cut: bool
) -> None:
    """What had arrived until then is recorded; how it goes on is between the application and the server."""
    closed = threading.Event()

    def reply(handler: Any, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("content-length", str(2 * len(EVENTS)))
        handler.end_headers()
        handler.wfile.write(EVENTS[:40])
        closed.wait(10)
        handler.wfile.write(EVENTS[40:] if is_cut else EVENTS[40:] + EVENTS)
        handler.close_connection = True

    odd.answers(reply)
    url, headers = odd.url + "/v1/messages", {"anthropic-version": "1"}
    with httpx2.Client() as client:
        with use_cassette(path, mode="once"):
            request = client.build_request(
                "POST", odd.url + "/v1/messages", json={"stream": True}, headers=headers
            )
            response = client.send(request, stream=True)
            pieces = response.iter_raw()
            first = next(pieces)
        closed.set()
        if is_cut:
            with pytest.raises(httpx2.RemoteProtocolError):
                list(pieces)
        else:
            assert first + b"".join(pieces) == 2 * EVENTS
    with httpx2.Client() as client, pytest.raises(RecordingEnded), use_cassette(path, mode="none"):
        client.post(url, json={"stream": True}, headers=headers)


def test_a_library_of_the_same_name_without_transports_can_be_imported(tmp_path: Path) -> None:
    """Some other httpx is not made to fail."""
    (tmp_path / "httpx.py").write_text("answer = 42\n", encoding="utf-8")
    script = (
        "from claude_replay.intercept.transports import TRANSPORTS; TRANSPORTS.install()\n"
        "import httpx; print(httpx.answer)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert found.stdout == "42\n"


def test_a_request_that_comes_too_late_is_told_to_whoever_runs(tmp_path: Path) -> None:
    """Its cassette was closed between the look for it and the decision; the error may be swallowed."""
    content = json.dumps({"model": "m", "messages": []}).encode()
    headers = {"anthropic-version": "2023-06-01", "content-type": "application/json"}
    request = httpx2.Request(
        "POST", "https://api.anthropic.com/v1/messages", content=content, headers=headers
    )
    with use_cassette(tmp_path / "empty.yaml", mode="none"):
        call = TRANSPORTS._find_call(request)
    assert call is not None
    late: list[LiveCallRefused] = []
    ambient = Ambient(refused=late.append)
    push_ambient(ambient)
    with pytest.raises(LiveCallRefused, match="was closed while this request was on its way") as caught:
        call.begin(content)
    pop_ambient(ambient)
    assert late == [caught.value]
