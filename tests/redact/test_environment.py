"""Which variables of an environment hold credentials."""

from __future__ import annotations

import os
from typing import Any

import pytest

from claude_replay.redact import PLACEHOLDER_KEY, Redactor, known_literals
from claude_replay.settings.rawenv import find_raw


@pytest.mark.parametrize(
    "name",
    [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_AWS_API_KEY",
        "ANTHROPIC_ENVIRONMENT_KEY",
        "ANTHROPIC_WEBHOOK_SIGNING_KEY",
        "ANTHROPIC_WORK_SECRET",
        "ANTHROPIC_IDENTITY_TOKEN",
        "ANTHROPIC_FOUNDRY_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_BEARER_TOKEN_BEDROCK",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "OPENAI_API_KEY",
        "github_token",
    ],
)
def test_known_names_count_from_eight_characters(name: str) -> None:
    """A variable known to hold a credential does so whatever its value looks like, if it is no stub."""
    assert known_literals({name: "swordfis"}) == ("swordfis",)
    assert known_literals({name: "swordfi"}) == ()
    assert known_literals({name: " swordfish\n"}) == ("swordfish",)


@pytest.mark.parametrize(
    "ending", ["_API_KEY", "_TOKEN", "_SECRET", "_SECRET_KEY", "_PASSWORD", "_ACCESS_KEY"]
)
def test_other_names_count_by_ending_and_value(ending: str) -> None:
    """An unknown variable counts if its name ends like a credential's and its value is long, with a digit."""
    value = "correct-horse-battery-1"
    assert known_literals({f"FOO{ending}": value}) == (value,)
    assert known_literals({f"FOO{ending}": "production"}) == ()
    assert known_literals({f"FOO{ending}": "correct-horse-battery"}) == ()
    assert known_literals({f"FOO{ending}": "short1"}) == ()


def test_other_variables_are_no_secrets() -> None:
    """Paths, regions and names of things that merely mention a token stay what they are."""
    environ = {
        "PATH": "/usr/bin:/usr/local/bin1",
        "ANTHROPIC_IDENTITY_TOKEN_FILE": "/run/secrets/token-1",
        "TOKENIZERS_PARALLELISM": "false-0123456789-0123456789",
        "GITHUB_TOKEN": "",
    }
    assert known_literals(environ) == ()


def test_longest_first_and_each_once() -> None:
    """Literals come longest first, so that one that contains another is replaced as a whole."""
    environ = {
        "OPENAI_API_KEY": "swordfish",
        "ANTHROPIC_API_KEY": "swordfish-and-more",
        "GH_TOKEN": "swordfish",
        "GITHUB_TOKEN": "shellfish",
    }
    literals = known_literals(environ)
    assert literals == ("swordfish-and-more", "shellfish", "swordfish")
    assert Redactor(literals=reversed(literals)).text("x swordfish-and-more") == "x [redacted]"


def test_the_placeholder_key_is_no_secret() -> None:
    """The key that stands in while replaying may be named, sent and printed."""
    environ = {"ANTHROPIC_API_KEY": PLACEHOLDER_KEY, "ANTHROPIC_AUTH_TOKEN": "[redacted]"}
    assert known_literals(environ) == ()
    redactor = Redactor(literals=[PLACEHOLDER_KEY])
    redactor.add_literal(PLACEHOLDER_KEY)
    assert redactor.text(PLACEHOLDER_KEY) == PLACEHOLDER_KEY


def test_credentials_in_custom_headers() -> None:
    """Of the headers that the SDK reads from the environment, those that carry credentials count."""
    environ = {
        "ANTHROPIC_CUSTOM_HEADERS": "X-Team: research-team-7-and-more\nAuthorization: Bearer swordfish-1\n"
    }
    assert known_literals(environ) == ("swordfish-1",)
    assert known_literals({"ANTHROPIC_CUSTOM_HEADERS": "X-Api-Key: short"}) == ()


def test_the_environment_of_the_process_is_read_anew_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often its credentials change, it is the present ones that are known."""
    for number in range(20):
        secret = f"{number:02}-made-up-for-this-test"
        monkeypatch.setenv("ANTHROPIC_API_KEY", secret)

        assert secret in known_literals(os.environ)
        assert secret in known_literals(os.environ)  # as it was a moment ago

    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert secret not in known_literals(os.environ)


def test_names_and_texts_may_be_spelled_differently() -> None:
    """On Windows the environment has names in capitals, and texts as they are."""
    stored = {"ANTHROPIC_API_KEY": "swordfish-1"}
    environ: Any = type(os.environ)(stored, str.upper, str, str, str)
    raw = find_raw(environ)
    assert raw is not None
    assert raw.encode_name("Anthropic_Api_Key") == "ANTHROPIC_API_KEY"
    assert raw.encode("Swordfish") == "Swordfish"
    assert known_literals(environ) == ("swordfish-1",)
