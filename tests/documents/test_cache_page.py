"""The examples of docs/cache.md run: those of each section as one script."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from claude_replay import ResponseCache
from redis_server import RedisServer
from standin import ClaudeServer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cache.md").read_text(encoding="utf-8")
ADDRESS = "redis://127.0.0.1:6379/0"
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHAPTER = re.search(r"^## The response cache\n(.*?)^## ", README, re.MULTILINE | re.DOTALL)
SECTIONS = {
    title: "\n".join(_BLOCK.findall(text))
    for title, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    if _BLOCK.search(text)
}


def run(script: str, folder: Path, server: ClaudeServer) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANTHROPIC_", "CLAUDE_REPLAY_"))
    }
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**kept, "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "stand-in"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("title", SECTIONS)
def test_examples_of_a_section_run(title: str, tmp_path: Path) -> None:
    """Against the stand-in, and a real server where they name one."""
    script = SECTIONS[title]
    with ClaudeServer() as server:
        if ADDRESS in script:
            with RedisServer(tmp_path) as redis:
                done = run(script.replace(ADDRESS, redis.url), tmp_path, server)
        else:
            done = run(script, tmp_path, server)
    assert done.returncode == 0, done.stderr


def test_the_chapter_in_the_readme_is_true(tmp_path: Path) -> None:
    """Asked twice, one call; the lines added are two."""
    assert CHAPTER is not None
    (script,) = _BLOCK.findall(CHAPTER[1])
    with ClaudeServer() as server:
        done = run(script, tmp_path, server)
        assert done.returncode == 0, done.stderr
        assert server.count == 1
    assert len([line for line in script.splitlines() if "# the " in line]) == 2
    with ResponseCache(tmp_path / "answers.db") as cache:
        # Written when the script had ended, though it closes nothing.
        assert cache.store.stats().counters["hits"] == 1


def test_a_question_in_other_words_is_answered(tmp_path: Path) -> None:
    """The page's example shows what it says."""
    with ClaudeServer() as server:
        done = run(SECTIONS["Answers that are near"], tmp_path, server)
        assert "similarity=0.9" in done.stdout, done.stderr
        assert "prompt='How do I reset my password?'" in done.stdout
        assert server.count == 2


def test_commands_of_the_page_exist() -> None:
    """Each with the options it is shown with."""
    from claude_replay.cli import main

    for command in set(re.findall(r"claude-replay cache (\w+)", PAGE)):
        assert main(["cache", command, "--help"]) == 0
