"""README and docs say what is so: their examples run, and the tables name every setting and mode."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from claude_replay.settings import FIELDS, RECORD_MODES, Settings
from standin import ClaudeServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [README, *(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))]


def blocks(language: str, *, pages: Sequence[str] = (README,)) -> list[str]:
    fenced = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [block for page in pages for block in fenced.findall(page)]


TESTS = [block for block in blocks("python", pages=PAGES) if "def test_" in block]
CONFTESTS = [block for block in blocks("python") if "def claude_replay_config" in block]
FUNCTIONS = [block for block in blocks("python", pages=PAGES) if "def ask(" in block]


def run_twice(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Record from the stand-in, then replay with neither server nor key."""
    with ClaudeServer() as server:
        signed_in = {
            "ANTHROPIC_BASE_URL": server.url,
            "ANTHROPIC_API_KEY": "stand-in",
            "ANTHROPIC_BEDROCK_BASE_URL": server.url,
            "ANTHROPIC_VERTEX_BASE_URL": f"{server.url}/v1",
            "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer stand-in",
            "ANTHROPIC_VERTEX_PROJECT_ID": "stand-in",
            "AWS_BEARER_TOKEN_BEDROCK": "stand-in",
            "AWS_REGION": "us-east-1",
            "CLOUD_ML_REGION": "global",
        }
        for name, value in signed_in.items():
            monkeypatch.setenv(name, value)
        recorded = pytester.runpytest_subprocess("--claude-record=once")
        asked = server.count
    recorded.assert_outcomes(passed=count)
    assert asked >= 1

    for name in signed_in:
        monkeypatch.delenv(name)
    replayed = pytester.runpytest_subprocess()
    replayed.assert_outcomes(passed=count)
    (line,) = [line for line in replayed.outlines if " replayed · 0 recorded · 0 live" in line]
    # An example may have servers of its own besides.
    assert int(line.split()[0]) >= asked


@pytest.mark.parametrize("block", TESTS)
def test_examples_of_tests_record_and_replay(
    block: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test copied from the README is recorded once and replayed from then on."""
    pytester.makepyfile(test_example=block)
    run_twice(pytester, monkeypatch, block.count("def test_"))


@pytest.mark.parametrize("block", FUNCTIONS)
def test_examples_of_functions_record_and_replay(
    block: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function copied from the README does what the text around it says."""
    test = '\n\ndef test_ask():\n    assert "colors" in ask("Name three colors.")\n'
    pytester.makepyfile(test_example=block + test)
    run_twice(pytester, monkeypatch, 1)


@pytest.mark.parametrize("block", CONFTESTS)
def test_examples_of_settings_are_valid(
    block: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fixture and the ini file from the README are accepted, and take effect."""
    (toml,) = [block for block in blocks("toml") if "claude_replay_" in block]
    pytester.makepyprojecttoml(toml)
    pytester.makeconftest(block)
    pytester.makepyfile(test_example=TESTS[0])
    run_twice(pytester, monkeypatch, 1)

    assert [path.name for path in (pytester.path / "tests" / "cassettes").rglob("*.yaml")]


def test_there_are_examples_of_each_kind() -> None:
    """A change of the README cannot leave this file without anything to run."""
    assert len(TESTS) >= 3
    assert len(FUNCTIONS) >= 1
    assert len(CONFTESTS) == 1


def test_every_setting_is_in_the_table_with_its_default() -> None:
    """Name and default of each setting stand in the README."""
    for name in FIELDS:
        row = re.search(rf"^\| `{name}` \| (.*?) \|", README, re.MULTILINE)
        assert row is not None, name
        value = getattr(Settings(), name)
        default = str(value).lower() if isinstance(value, bool) else value
        if default:
            assert row[1] == f"`{default}`", name


def test_every_record_mode_is_in_the_table() -> None:
    """Each mode has a row."""
    for mode in RECORD_MODES:
        assert re.search(rf"^\| `{mode}`", README, re.MULTILINE), mode
