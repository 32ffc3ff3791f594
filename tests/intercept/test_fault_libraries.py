"""Faults that are injected reach the users of other HTTP libraries as what those raise in life."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
import requests
import urllib3

from claude_replay import UnusedFault, inject, use_cassette
from http_ways import WAYS, Reply, make_body, make_headers
from standin import ClaudeServer

pytestmark = pytest.mark.usefixtures("no_proxies")

each_way = pytest.mark.parametrize("way", WAYS)
# What an application catches there when a connection breaks, or takes too long.
BROKEN = (OSError, requests.ConnectionError, urllib3.exceptions.HTTPError, aiohttp.ClientError)


def ask(way: str, claude: ClaudeServer, *, stream: bool = False) -> Reply:
    """Ask with an HTTP library."""
    body = make_body("Hello", **({"stream": True} if stream else {}))
    return WAYS[way](f"{claude.url}/v1/messages", body, make_headers())


def record(way: str, claude: ClaudeServer, path: Path, *, stream: bool = False) -> Reply:
    """Record an answer; the server is gone afterwards."""
    with use_cassette(path, mode="once"):
        reply = ask(way, claude, stream=stream)
    claude.close()
    return reply


@each_way
def test_an_error_is_answered_before_the_good_answer(claude: ClaudeServer, path: Path, way: str) -> None:
    """With status, headers and body."""
    good = record(way, claude, path)

    with use_cassette(path, inject=inject("rate_limit", retry_after=7)) as cassette:
        bad = ask(way, claude)
        assert ask(way, claude).answer == good.answer
    assert (bad.status, bad.headers["retry-after"]) == (429, "7")
    assert bad.answer[2]["error"]["type"] == "rate_limit_error"
    cassette.assert_all_played()


@each_way
@pytest.mark.parametrize("fault", ["timeout", "connection_error", "cut"])
def test_a_connection_breaks(claude: ClaudeServer, path: Path, way: str, fault: str) -> None:
    """By an error of the library or of Python; the next request gets the good answer."""
    good = record(way, claude, path)

    with use_cassette(path, inject=fault):
        with pytest.raises(BROKEN):
            ask(way, claude)
        assert ask(way, claude).answer == good.answer


@each_way
def test_an_error_event_ends_a_stream(claude: ClaudeServer, path: Path, way: str) -> None:
    """After the events that came before it."""
    good = record(way, claude, path, stream=True)

    with use_cassette(path, inject=inject("error_event", after=2)):
        bad = ask(way, claude, stream=True)
        assert ask(way, claude, stream=True).answer == good.answer
    assert [event["type"] for event in bad.events] == ["message_start", "content_block_start", "error"]


def test_a_live_answer_is_not_spoiled_here(claude: ClaudeServer, path: Path) -> None:
    """Whole answers are handed over; the fault says that it did not happen."""
    with pytest.raises(UnusedFault), use_cassette(path, mode="once", inject="cut"):
        ask("requests", claude)
