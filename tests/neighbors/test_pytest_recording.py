"""
Side by side with pytest-recording, each plugin serves its own mark.

pytest-recording is in the dependency group `neighbors`; `.ci/run` runs these tests in an environment with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin_project import KEY, Project, read_summary
from standin import ClaudeServer

pytest.importorskip("pytest_recording", reason="dependency group neighbors")

BOTH = """
    @pytest.mark.vcr
    def test_theirs():
        assert "one" in ask("one")

    @pytest.mark.claude_replay
    def test_ours():
        assert "two" in ask("two")
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with ClaudeServer() as server:
        project = Project(pytester, server, monkeypatch)
        project.write("conftest.py", VCR_CONFIG)
        yield project


FAKE_NAMES = """
import socket

socket.getaddrinfo = lambda *args, **options: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", PORT))]
"""
VCR_CONFIG = """
import pytest

@pytest.fixture(scope="module")
def vcr_config():
    return {"filter_headers": ["x-api-key"], "decode_compressed_response": True}
"""


def files(project: Project) -> list[str]:
    return sorted(path.relative_to(project.path).as_posix() for path in project.path.rglob("*.yaml"))


def test_each_records_and_replays_its_own_mark(project: Project) -> None:
    """Their file is vcrpy's, ours is ours; neither takes the other's requests."""
    project.test(BOTH, name="tests/test_it.py")
    with project.environment(ANTHROPIC_API_KEY=KEY):
        recorded = project.run_apart("--record-mode=once", "--claude-record=once")
    recorded.assert_outcomes(passed=2)
    assert project.server.count == 2
    theirs, ours = "tests/cassettes/test_it/test_theirs.yaml", "cassettes/tests/test_it/test_ours.yaml"
    assert files(project) == sorted([theirs, ours])
    assert "interactions:" in (project.path / theirs).read_text(encoding="utf-8")
    assert "# claude_replay cassette" in (project.path / ours).read_text(encoding="utf-8")

    with project.environment(ANTHROPIC_API_KEY=KEY):
        replayed = project.run_apart()
    replayed.assert_outcomes(passed=2)
    assert project.server.count == 2
    assert read_summary(replayed)[0].startswith("1 replayed · 0 recorded · 0 live")


def test_what_their_plugin_records_is_not_refused(project: Project) -> None:
    """Somebody asked for it; without `--record-mode` nothing gets out, whichever plugin stops it."""
    # The name leads to the stand-in: nothing here may look it up in earnest.
    port = project.server.url.rpartition(":")[2]
    project.write("conftest.py", f"{VCR_CONFIG}\n{FAKE_NAMES}".replace("PORT", port))
    project.test(f"""
        @pytest.mark.vcr
        def test_theirs():
            ask("one", client=make_client(base_url="http://api.anthropic.com:{port}"))

        def test_nobody_s():
            ask("one", client=make_client(base_url="http://api.anthropic.com:{port}"))
    """)
    with project.environment(ANTHROPIC_API_KEY=KEY):
        result = project.run_apart("--record-mode=once")
    result.assert_outcomes(passed=1, failed=1)
    assert "a request to Claude was stopped: no cassette covers it" in result.stdout.str()
    assert project.server.count == 1


def test_with_their_plugin_left_out_ours_serves_the_marks(project: Project) -> None:
    """Their cassettes, our ini line; with both, the run is refused with the way out."""
    project.test(BOTH, name="tests/test_it.py")
    with project.environment(ANTHROPIC_API_KEY=KEY):
        project.run_apart("--record-mode=once", "--claude-record=once").assert_outcomes(passed=2)
    project.ini("claude_replay_serve_vcr_marks = true\n")
    refused = project.run_apart()
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    assert "addopts = -p no:recording" in refused.stderr.str()
    served = project.run_apart("-p", "no:recording")
    served.assert_outcomes(passed=2)
    assert read_summary(served)[0].startswith("2 replayed · 0 recorded · 0 live")
    assert Path(project.path, "tests/cassettes/test_it/test_theirs.yaml").exists()
