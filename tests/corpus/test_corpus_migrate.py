"""
`claude-replay migrate` counts what it makes of the corpus; fewer equal exchanges fail here.

The corpus is not part of this repository: name its folder in the environment as CLAUDE_REPLAY_CORPUS.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from claude_replay.cli import main

CORPUS = os.environ.get("CLAUDE_REPLAY_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS names no folder")

FILES, EXCHANGES, EQUAL = 982, 1377, 1376
TOOLS = {"VCR": 320, "ddapm-test-agent": 4, "go-vcr": 50, "httpmock": 341, "httprr": 4, "vcrpy": 263}
REFUSED = [
    (
        "tidyverse__ellmer/tests/testthat/_vcr/anthropic-upload-file.yml",
        "request.body: only the names of the form's fields were recorded, not the bytes that were sent",
    )
]
# Files that hold exchanges with other services besides, and how many of those.
HELD_BACK = {"activeagents__activeagent": 2, "crmne__ruby_llm": 6, "posit-dev__chatlas": 2}
OTHERS = 14
# Files with tokens of MCP servers, and with the names of projects and accounts in addresses of cloud providers.
REDACTED = {
    "activeagents__activeagent": 10,
    "charmbracelet__fantasy": 8,
    "langchain-ai__langchain": 1,
    "traceloop__openllmetry": 3,
}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """What the command line below prints."""
    from contextlib import redirect_stdout
    from io import StringIO

    output = StringIO()
    with redirect_stdout(output):
        status = main(["migrate", "--dry-run", "--json", CORPUS])
    assert status == 1
    found: dict[str, Any] = json.loads(output.getvalue())
    return found


def project(path: str) -> str:
    return Path(path).relative_to(CORPUS).parts[0]


def test_every_exchange_is_equal_or_refused_with_its_reason(report: dict[str, Any]) -> None:
    """Equal: written as ours, read again, replayed, and the same answer."""
    counted = {name: report[name] for name in ("files", "exchanges", "equal", "tools", "written")}
    assert counted == {"files": FILES, "exchanges": EXCHANGES, "equal": EQUAL, "tools": TOOLS, "written": 0}
    refused = [
        (Path(item["path"]).relative_to(CORPUS).as_posix(), item["reason"]) for item in report["refused"]
    ]
    assert refused == REFUSED


def test_what_is_not_claude_s_is_named(report: dict[str, Any]) -> None:
    """Exchanges with other services, and the files that hold them."""
    assert Counter(map(project, report["held_back"])) == HELD_BACK
    assert sum(map(len, report["others"].values())) == OTHERS


def test_what_redaction_changes_is_named(report: dict[str, Any]) -> None:
    """Hardly anything: real traffic is not mistaken for secrets."""
    assert Counter(map(project, report["redacted"])) == REDACTED
    places = {place.rpartition(".")[2] for found in report["redacted"].values() for place in found}
    assert places == {"authorization_token", "url"}
