"""The README's section on pytest-recording, done literally on a sample project."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import anthropic
import pytest
import vcr

from standin import ClaudeServer
from standin.clients import KEY

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## Coming from pytest-recording / vcrpy\n")[2].partition("\n## ")[0]

CONFTEST = """
import pytest


@pytest.fixture(scope="module")
def vcr_config():
    return {"filter_headers": ["x-api-key"], "decode_compressed_response": True, "match_on": ["method", "uri"]}
"""
TESTS = """
import anthropic
import pytest

ASK = {"model": "claude-sonnet-5", "max_tokens": 100}


@pytest.mark.vcr
def test_hello():
    message = anthropic.Anthropic().messages.create(**ASK, messages=[{"role": "user", "content": "Hello"}])
    assert message.content


class TestStreams:
    @pytest.mark.vcr()
    def test_stream(self):
        with anthropic.Anthropic().messages.stream(**ASK, messages=[{"role": "user", "content": "Go"}]) as stream:
            assert "".join(stream.text_stream)
"""


def fenced(language: str) -> str:
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    return str(block)


def record(path: Path, server: ClaudeServer) -> None:
    """What pytest-recording left behind: vcrpy's cassettes."""
    ask = {"model": "claude-sonnet-5", "max_tokens": 100}
    player = vcr.VCR(filter_headers=["x-api-key"], decode_compressed_response=True)
    with anthropic.Anthropic(api_key=KEY, base_url=server.url) as client:
        with player.use_cassette(str(path / "test_hello.yaml")):
            client.messages.create(**ask, messages=[{"role": "user", "content": "Hello"}])  # type: ignore[call-overload]
        with (
            player.use_cassette(str(path / "TestStreams.test_stream.yaml")),
            client.messages.stream(**ask, messages=[{"role": "user", "content": "Go"}]) as stream,  # type: ignore[arg-type]
        ):
            stream.until_done()


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with tests of pytest-recording below `tests/`, and no key."""
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CI"):
        monkeypatch.delenv(name, raising=False)
    # The console block calls claude-replay by its name.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    pytester.mkdir("tests")
    (pytester.path / "tests" / "conftest.py").write_text(CONFTEST)
    (pytester.path / "tests" / "test_chat.py").write_text(TESTS)
    with ClaudeServer() as server:
        record(pytester.path / "tests" / "cassettes" / "test_chat", server)
    return pytester.path


def test_the_steps_of_the_section_move_a_suite(suite: Path, pytester: pytest.Pytester) -> None:
    """One line in the ini file; then, when it suits, the commands of the section: all green, nothing sent."""
    (suite / "pytest.ini").write_text(fenced("ini"))
    served = pytester.runpytest_subprocess()
    served.assert_outcomes(passed=2)
    served.stdout.fnmatch_lines(
        ["2 replayed · 0 recorded · 0 live*", "*@pytest.mark.vcr: match_on is not used: *"]
    )

    for line in fenced("console").splitlines():
        command = line.removeprefix("$ ")
        done = subprocess.run(command, shell=True, cwd=suite, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + done.stdout
        if "migrate" in command:
            assert "2 equal when replayed" in done.stdout
            pytester.runpytest_subprocess().assert_outcomes(passed=2)

    assert not (suite / "tests" / "cassettes").exists()
    assert "pytest.mark.vcr" not in (suite / "tests" / "test_chat.py").read_text()
    (suite / "pytest.ini").unlink()
    moved = pytester.runpytest_subprocess("--rootdir", str(suite))
    moved.assert_outcomes(passed=2)
    moved.stdout.fnmatch_lines(["2 replayed · 0 recorded · 0 live*"])
