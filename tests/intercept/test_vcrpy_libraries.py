"""Calls to Claude by other HTTP libraries than the SDK's are recorded and replayed like those of the SDK."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anthropic
import pytest

from claude_replay import CassetteMiss, LiveCallRefused, use_cassette
from claude_replay.intercept.guard import Guard, Mode
from claude_replay.intercept.outlets import add_guard, remove_guard
from http_ways import KEY, WAYS, Reply, make_body, make_headers
from standin import ClaudeServer

pytestmark = pytest.mark.usefixtures("no_proxies")

each_way = pytest.mark.parametrize("way", WAYS)
each_kind = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def ask(way: str, claude: ClaudeServer, text: str = "Hello é", **options: Any) -> Reply:
    """Ask with an HTTP library."""
    return WAYS[way](f"{claude.url}/v1/messages", make_body(text, **options), make_headers())


def ask_with_sdk(claude: ClaudeServer, *, stream: bool = False) -> str:
    """The text of the answer to the same request of the SDK."""
    body = make_body("Hello é", **as_stream(stream))
    with anthropic.Anthropic(base_url=claude.url, api_key=KEY, max_retries=0) as client:
        answer: Any = client.messages.create(**body)
        if not stream:
            return str(answer.content[0].text)
        return "".join(event.delta.text for event in answer if event.type == "content_block_delta")


def as_stream(stream: bool) -> dict[str, Any]:
    return {"stream": True} if stream else {}


@each_way
@each_kind
def test_an_answer_is_recorded_and_comes_back(
    claude: ClaudeServer, path: Path, way: str, stream: bool
) -> None:
    """Status, kept headers and body are those of the live answer, with no server left to ask."""
    with use_cassette(path, mode="once"):
        live = ask(way, claude, "Hello é [words 5]", **as_stream(stream))
    assert (live.status, claude.count) == (200, 1)
    claude.close()

    with use_cassette(path) as cassette:
        assert ask(way, claude, "Hello é [words 5]", **as_stream(stream)).answer == live.answer
    assert len(cassette.played) == 1


@each_way
@each_kind
def test_the_sdk_plays_what_a_library_recorded(
    claude: ClaudeServer, path: Path, way: str, stream: bool
) -> None:
    """It is one and the same exchange, whoever asks."""
    with use_cassette(path, mode="once"):
        live = ask(way, claude, **as_stream(stream))
    with use_cassette(path):
        assert ask_with_sdk(claude, stream=stream) == live.text
    assert claude.count == 1


@each_way
@each_kind
def test_a_library_plays_what_the_sdk_recorded(
    claude: ClaudeServer, path: Path, way: str, stream: bool
) -> None:
    """It is one and the same exchange, whoever asks."""
    with use_cassette(path, mode="once"):
        text = ask_with_sdk(claude, stream=stream)
    with use_cassette(path):
        replayed = ask(way, claude, **as_stream(stream))
    assert (replayed.status, replayed.text, claude.count) == (200, text, 1)


@each_way
def test_a_replay_over_https_asks_nobody(
    claude: ClaudeServer, path: Path, asked: list[str], way: str
) -> None:
    """Not even the name of the host is looked up before the answer is there."""
    with use_cassette(path, mode="once"):
        live = ask(way, claude)
    asked.clear()
    with use_cassette(path):
        url = "https://api.anthropic.com/v1/messages"
        assert WAYS[way](url, make_body("Hello é"), make_headers()).answer == live.answer
    assert asked == []


@each_way
def test_a_replay_leaves_proxies_alone(
    claude: ClaudeServer, path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy in the environment is for live calls."""
    with use_cassette(path, mode="once"):
        live = ask(way, claude)
    for name in ("http_proxy", "https_proxy"):
        # Nobody listens there.
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with use_cassette(path):
        url = "https://api.anthropic.com/v1/messages"
        assert WAYS[way](url, make_body("Hello é"), make_headers()).answer == live.answer
    with use_cassette(path):
        url = "http://gateway.example/v1/messages"
        assert WAYS[way](url, make_body("Hello é"), make_headers()).answer == live.answer


@each_way
def test_a_miss_comes_out_as_it_is(claude: ClaudeServer, path: Path, way: str) -> None:
    """No library wraps it, tries again, or reaches the server."""
    with use_cassette(path, mode="once"):
        ask(way, claude, "Hello and welcome to the tests")
    with pytest.raises(CassetteMiss, match="farewell") as caught, use_cassette(path) as cassette:
        ask(way, claude, "Hello and farewell to the tests")
    assert caught.value.reason == "differs"
    assert len(cassette.sent) == claude.count == 1


@each_way
def test_no_key_gets_into_the_cassette(claude: ClaudeServer, path: Path, way: str) -> None:
    """Neither from the headers that carry keys nor from where a request or an answer repeats one."""
    other = "sk-ant-" + "oat01-" + "y" * 24
    headers = make_headers(Authorization=f"Bearer {other}", Cookie="session=0123456789abcdef0")
    with use_cassette(path, mode="once"):
        WAYS[way](f"{claude.url}/v1/messages", make_body(f"[echo {KEY} {other}]"), headers)
    text = path.read_text(encoding="utf-8")
    assert claude.requests[0].headers["x-api-key"] == KEY
    for secret in (KEY, other, "0123456789abcdef0"):
        assert secret not in text
    with use_cassette(path):
        WAYS[way](f"{claude.url}/v1/messages", make_body(f"[echo {KEY} {other}]"), headers)


@each_way
def test_a_refused_request_is_refused_again(claude: ClaudeServer, path: Path, way: str) -> None:
    """Errors of the API are answers too."""
    with use_cassette(path, mode="once"):
        live = ask(way, claude, "[status 404]")
    with use_cassette(path):
        assert ask(way, claude, "[status 404]").answer == live.answer
    assert (live.status, claude.count) == (404, 1)


@each_way
def test_a_request_without_a_body(claude: ClaudeServer, path: Path, way: str) -> None:
    """Lists of models and the like are recorded as well."""
    url, headers = f"{claude.url}/v1/models", make_headers(**{"Content-Type": ""})
    with use_cassette(path, mode="once"):
        live = WAYS[way](url, None, headers)
    with use_cassette(path):
        assert WAYS[way](url, None, headers).answer == live.answer
    assert claude.count == 1


@each_way
def test_mode_off_counts_and_keeps_nothing(claude: ClaudeServer, path: Path, way: str) -> None:
    """Every call is live, and there is no cassette."""
    with use_cassette(path, mode="off") as cassette:
        replies = [ask(way, claude, stream=True) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 200]
    assert (claude.count, len(cassette.sent), path.exists()) == (2, 2, False)


@pytest.fixture
def guard_with_outlet(install_guard: Callable[[Mode], Guard]) -> Iterator[Guard]:
    """A guard that knows of wanted live calls, as the plugin's does."""
    guard = install_guard("claude")
    add_guard(guard)
    yield guard
    remove_guard(guard)


# httplib2 hands the name to the socket itself, where no test can lead it to this machine.
@pytest.mark.parametrize("way", [way for way in WAYS if way != "httplib2"])
@pytest.mark.usefixtures("asked", "guard_with_outlet")
def test_the_guard_opens_for_the_live_call_alone(
    claude: ClaudeServer, path: Path, way: str, refusals: list[str]
) -> None:
    """While it is sent and not afterwards, whether it was answered or not."""
    url = f"http://api.anthropic.com:{urlsplit(claude.url).port}/v1/messages"
    with use_cassette(path, mode="once"):
        assert WAYS[way](url, make_body("Hello"), make_headers()).status == 200
        claude.close()
        with pytest.raises(Exception, match=r"(?i)refused|connect call failed"):
            WAYS[way](url, make_body("Who is there?"), make_headers())
    assert refusals == []
    with pytest.raises(LiveCallRefused):
        socket.getaddrinfo("api.anthropic.com", 80)
    assert refusals == ["api.anthropic.com"]


@each_way
@each_kind
def test_an_answer_that_breaks_off_is_not_recorded(
    claude: ClaudeServer, path: Path, way: str, stream: bool, notes: list[str]
) -> None:
    """The library raises what it raises of its own accord, and a note says what happened."""
    claude.script("[cut-after 2]" if stream else "[cut-json]")
    with pytest.raises(Exception) as caught, use_cassette(path, mode="once"):  # noqa: PT011
        ask(way, claude, **as_stream(stream))
    assert type(caught.value).__module__.partition(".")[0] != "claude_replay"
    assert "not recorded" in notes[0]
    assert not path.exists()
