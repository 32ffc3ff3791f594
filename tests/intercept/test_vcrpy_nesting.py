"""Cassettes of vcrpy's own and ours, in each other: the inner one answers, the outer one gets the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import vcr

from claude_replay import CassetteMiss, use_cassette
from http_ways import KEY, WAYS, Reply, make_body, make_headers
from standin import ClaudeServer

pytestmark = pytest.mark.usefixtures("no_proxies")

each_way = pytest.mark.parametrize("way", WAYS)


def ask(way: str, claude: ClaudeServer, text: str = "Hello") -> Reply:
    return WAYS[way](f"{claude.url}/v1/messages", make_body(text), make_headers())


def ask_other(way: str, url: str) -> bytes:
    """Ask somebody who is not Claude."""
    return WAYS[way](url, None, {}).content


@pytest.fixture
def theirs(tmp_path: Path) -> str:
    """Where vcrpy has its cassette."""
    return str(tmp_path / "theirs.yaml")


def open_theirs(theirs: str, mode: str) -> Any:
    return vcr.use_cassette(theirs, record_mode=mode)


@each_way
def test_ours_inside_theirs(claude: ClaudeServer, url: str, path: Path, theirs: str, way: str) -> None:
    """We answer for Claude, vcrpy for the others, and nothing is recorded twice."""
    with open_theirs(theirs, "once"):
        before = ask_other(way, url)
        with use_cassette(path, mode="once"):
            live = ask(way, claude)
            assert ask_other(way, f"{url}/inside") == before == b"pong"
    assert claude.count == 1
    recorded = Path(theirs).read_text(encoding="utf-8")
    assert "/inside" in recorded
    assert "v1/messages" not in recorded
    assert KEY not in recorded

    with open_theirs(theirs, "none") as cassette, use_cassette(path):
        assert ask(way, claude).answer == live.answer
        assert ask_other(way, f"{url}/inside") == b"pong"
    assert (claude.count, cassette.play_count) == (1, 1)


@each_way
def test_a_miss_of_ours_is_not_answered_by_theirs(
    claude: ClaudeServer, path: Path, theirs: str, way: str
) -> None:
    """The outer cassette is not asked for what belongs to the inner one."""
    with open_theirs(theirs, "once"):
        ask(way, claude)
    with open_theirs(theirs, "none"), pytest.raises(CassetteMiss), use_cassette(path):
        ask(way, claude)


@each_way
def test_theirs_inside_ours(claude: ClaudeServer, path: Path, theirs: str, way: str) -> None:
    """What vcrpy records and plays is its own; when it is closed, we answer again."""
    with use_cassette(path, mode="once"):
        outer = ask(way, claude)
        with open_theirs(theirs, "once"):
            inner = ask(way, claude)
    assert outer.headers["request-id"] != inner.headers["request-id"]
    assert claude.count == 2
    claude.close()

    with use_cassette(path) as ours:
        with open_theirs(theirs, "none") as cassette:
            assert ask(way, claude).headers["request-id"] == inner.headers["request-id"]
        assert ask(way, claude).answer == outer.answer
    assert (len(ours.sent), cassette.play_count) == (1, 1)


@each_way
def test_ours_inside_theirs_inside_ours(
    claude: ClaudeServer, tmp_path: Path, path: Path, theirs: str, way: str
) -> None:
    """The innermost is in force, whatever lies around it, and none of them loses what it had."""
    innermost = tmp_path / "innermost.yaml"
    with use_cassette(innermost, mode="once"):
        deepest = ask(way, claude)
    with use_cassette(path, mode="once"):
        outer = ask(way, claude)
    with use_cassette(path), open_theirs(theirs, "none"), use_cassette(innermost):
        assert ask(way, claude).answer == deepest.answer
    with use_cassette(path):
        with open_theirs(theirs, "none"), use_cassette(innermost):
            pass
        assert ask(way, claude).answer == outer.answer
    assert claude.count == 2


@each_way
def test_theirs_alone_is_as_ever(claude: ClaudeServer, theirs: str, way: str) -> None:
    """After cassettes of ours were in use, vcrpy records and plays by itself."""
    with open_theirs(theirs, "once"):
        live = ask(way, claude)
    with open_theirs(theirs, "none") as cassette:
        assert ask(way, claude).answer == live.answer
    assert (claude.count, cassette.play_count) == (1, 1)


PROGRAM = """
import sys, vcr
from http_ways import WAYS, make_body, make_headers
from claude_replay import use_cassette
path, theirs, url = sys.argv[1:]
def ask():
    for way in WAYS.values():
        assert way(url, make_body("Hello"), make_headers()).text == "You said: Hello"
with vcr.use_cassette(theirs), use_cassette(path, repeat=True):
    ask()
with use_cassette(path, repeat=True) as cassette:
    ask()
assert len(cassette.played) == len(WAYS)
"""


def test_the_first_cassette_of_a_process_may_be_inside_theirs(
    claude: ClaudeServer, path: Path, theirs: str
) -> None:
    """When theirs puts back what it had found, ours is in its place again for the next one."""
    with use_cassette(path, mode="once"):
        ask("requests", claude)
    claude.close()
    command = [sys.executable, "-c", PROGRAM, str(path), theirs, f"{claude.url}/v1/messages"]
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent
    )
    assert (result.stdout, result.stderr) == ("", "")
