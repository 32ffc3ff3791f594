"""What pytest prints at its most talkative, when a test with a provider's client fails."""

from __future__ import annotations

import pytest

from plugin_project import Project
from provider_clients import SECRETS
from standin import ClaudeServer

pytest_plugins = ["pytester"]

TEST = """
import os
import pytest
from provider_clients import PROVIDERS

@pytest.mark.parametrize("name", [provider.name for provider in PROVIDERS])
@pytest.mark.claude_replay
def test_it(name):
    provider = next(provider for provider in PROVIDERS if provider.name == name)
    client = provider.make(os.environ["CLAUDE_URL"])
    client.messages.create(
        model=provider.model, max_tokens=9, messages=[{"role": "user", "content": os.environ["PROMPT"]}]
    )
"""


@pytest.fixture
def project(pytester: pytest.Pytester, server: ClaudeServer, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.syspath_prepend(str(__import__("provider_clients").__file__).rpartition("/")[0])
    return Project(pytester, server, monkeypatch)


def test_a_failing_run_prints_no_secret(project: Project) -> None:
    """Neither the difference of a miss, nor what the summary says, nor any file left behind."""
    project.test(TEST)
    with project.environment(PROMPT="Hello"):
        project.run("--claude-record=once").assert_outcomes(passed=9)
    with project.environment(PROMPT="Good bye"):
        result = project.run("-vv", "--claude-replay-details")

    assert result.ret == 1
    output = "\n".join(result.outlines + result.errlines)
    assert "no recording answers this request" in output
    written = "".join(project.cassette(name) for name in project.cassettes)
    assert [secret for secret in SECRETS if secret in output or secret in written] == []
