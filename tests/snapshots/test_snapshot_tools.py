"""
What was sent, kept by syrupy and by inline-snapshot.

Both act as soon as they are installed, so they are not in the main environment: `.ci/run` runs these tests in
that of the group `neighbors`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from plugin_project import Project
from standin import ClaudeServer

pytest.importorskip("syrupy", reason="run by .ci/run, in the environment of the group `neighbors`")
pytest.importorskip("inline_snapshot", reason="run by .ci/run, in the environment of the group `neighbors`")

SENT = """
def test_one(claude_replay, snapshot):
    ask("Name three colors.")
    assert claude_replay.sent_snapshot() == snapshot
    assert claude_replay.sent_text == snapshot
"""
INLINE = """
from inline_snapshot import snapshot

def test_one(claude_replay):
    ask("Name three colors.")
    assert claude_replay.sent_snapshot() == snapshot()
    assert claude_replay.sent_text == snapshot()
"""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """inline-snapshot changes nothing where it takes the run for one in CI."""
    for name in list(os.environ):
        if name in ("CI", "BUILD_NUMBER", "GITHUB_ACTIONS") or name.startswith(("ANTHROPIC_", "CLAUDE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with ClaudeServer() as server:
        yield Project(pytester, server, monkeypatch)


def run(project: Project, *args: str) -> pytest.RunResult:
    """Run pytest in a process of its own, without the plugins that other tests need."""
    return project.run_apart("-p", "no:randomly", "-p", "no:xdist", *args)


def test_syrupy_keeps_what_was_sent(project: Project) -> None:
    """Written once, equal ever after, and different when something else is sent."""
    project.test(SENT)
    with project.environment(ANTHROPIC_API_KEY="stand-in"):
        run(project, "--claude-record=once", "--snapshot-update").assert_outcomes(passed=1)

    run(project).assert_outcomes(passed=1)

    kept = (project.path / "__snapshots__" / "test_it.ambr").read_text()
    assert "'content': 'Name three colors.'" in kept
    project.test(SENT.replace("Name three", "Name four"))
    with project.environment(ANTHROPIC_API_KEY="stand-in"):
        run(project, "--claude-record=rewrite").assert_outcomes(failed=1)


def test_inline_snapshot_writes_what_was_sent_into_the_test(project: Project) -> None:
    """The values it writes are equal in the next run."""
    path = project.test(INLINE)
    with project.environment(ANTHROPIC_API_KEY="stand-in"):
        run(project, "--claude-record=once", "--inline-snapshot=create")

    text = path.read_text()
    assert "'content': 'Name three colors.'" in text.replace('"', "'")
    assert "- operation: messages" in text
    run(project, "--inline-snapshot=disable").assert_outcomes(passed=1)
