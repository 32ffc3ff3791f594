"""The SDK's clients of every provider: with credentials for a stand-in, and bare, as a fresh checkout has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import anthropic
import pytest

__all__ = ["ACCOUNT", "BEDROCK_MODEL", "PROVIDERS", "SECRETS", "Provider", "clear_credentials"]

ACCOUNT = "123456" + "789012"
PROJECT = "acme-research" + "-42"
RESOURCE = "acme-foundry" + "-7"
WORKSPACE = "wrkspc_01" + "AbCdEfGh"
KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "FwoGZXIvYXdzE" + "Ab3" * 30
GOOGLE_TOKEN = "ya29." + "c.b0Aaekm1K" * 6
AZURE_TOKEN = "eyJ0eXAiOiJKV1Qi" + "." + "eyJhdWQiOiJh" * 3 + "." + "c2lnbmF0dXJl"
API_KEY = "sk-ant-" + "api03-" + "x" * 24
BEDROCK_KEY = "ABSK" + "QmVkcm9ja0FQSUtleS" * 6
FOUNDRY_KEY = "f0undry" + "9c8b7a" * 8
SECRETS = (
    ACCOUNT,
    PROJECT,
    RESOURCE,
    WORKSPACE,
    KEY_ID,
    SECRET_KEY,
    SESSION_TOKEN,
    GOOGLE_TOKEN,
    AZURE_TOKEN,
    API_KEY,
    BEDROCK_KEY,
    FOUNDRY_KEY,
    "AWS4-HMAC",
    "Signature=",
)
"""What must not get out, whatever is used of it."""

MODEL = "claude-sonnet-5"
BEDROCK_MODEL = "us.anthropic.claude-sonnet-5-20260630-v1:0"
PROFILE_ARN = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.anthropic.claude-sonnet-5"
_SIGNED = {
    "aws_access_key": KEY_ID,
    "aws_secret_key": SECRET_KEY,
    "aws_session_token": SESSION_TOKEN,
    "aws_region": "eu-central-1",
}
Make = Callable[..., Any]


@dataclass(frozen=True)
class Provider:
    """
    One way to Claude.

    `make(url)` gives a client with credentials, `bare()` one that is told nothing; both with `is_async` for
    the async twin.
    """

    name: str
    kinds: tuple[Any, Any]
    options: dict[str, Any]
    model: str = MODEL
    path: str = ""
    bare_options: dict[str, Any] | None = None

    def __str__(self) -> str:
        return self.name

    def make(self, url: str, *, is_async: bool = False) -> Any:
        """A client with credentials that asks the stand-in at `url`."""
        return self._make(is_async, base_url=url + self.path, timeout=20, **self.options)

    def bare(self, *, is_async: bool = False) -> Any:
        """A client that is told nothing, and that would ask the provider itself."""
        return self._make(is_async, **(self.bare_options or {}))

    def _make(self, is_async: bool, **options: Any) -> Any:
        client = self.kinds[is_async](max_retries=0, **options)
        if not is_async:
            _clients.append(client)
        return client


_clients: list[Any] = []


def close_provider_clients() -> None:
    """Close all that are not async: a socket that is found open later fails whichever test runs then."""
    while _clients:
        _clients.pop().close()


async def _get_token() -> str:
    return AZURE_TOKEN


_BEDROCK = (anthropic.AnthropicBedrock, anthropic.AsyncAnthropicBedrock)
_MANTLE = (anthropic.AnthropicBedrockMantle, anthropic.AsyncAnthropicBedrockMantle)
_AWS = (anthropic.AnthropicAWS, anthropic.AsyncAnthropicAWS)
_VERTEX = (anthropic.AnthropicVertex, anthropic.AsyncAnthropicVertex)
_GOOGLE = (anthropic.AnthropicGoogleCloud, anthropic.AsyncAnthropicGoogleCloud)
_FOUNDRY = (anthropic.AnthropicFoundry, anthropic.AsyncAnthropicFoundry)
_API = (anthropic.Anthropic, anthropic.AsyncAnthropic)
_GOOGLE_PATH = f"/v1/projects/{PROJECT}/locations/global/workspaces/{WORKSPACE}/invoke"

PROVIDERS: tuple[Provider, ...] = (
    Provider("gateway", _API, {"api_key": API_KEY}, path="/gateway/anthropic"),
    Provider("bedrock-signed", _BEDROCK, _SIGNED, BEDROCK_MODEL),
    Provider("bedrock-key", _BEDROCK, {"api_key": BEDROCK_KEY, "aws_region": "eu-west-1"}, BEDROCK_MODEL),
    Provider("bedrock-profile", _BEDROCK, _SIGNED, PROFILE_ARN),
    Provider("mantle", _MANTLE, _SIGNED, "anthropic.claude-sonnet-5", "/anthropic"),
    Provider("aws", _AWS, {**_SIGNED, "workspace_id": WORKSPACE}),
    Provider(
        "vertex",
        _VERTEX,
        {"access_token": GOOGLE_TOKEN, "project_id": PROJECT, "region": "us-east5"},
        "claude-sonnet-5@20260630",
        "/v1",
    ),
    Provider("google", _GOOGLE, {"token_provider": lambda: GOOGLE_TOKEN}, path=_GOOGLE_PATH),
    Provider("foundry", _FOUNDRY, {"api_key": FOUNDRY_KEY}, path="/anthropic"),
)
"""By every kind of credentials they take."""


def clear_credentials(patch: pytest.MonkeyPatch, folder: Any, more: Iterable[str] = ()) -> None:
    """Take away whatever the machine that runs the tests knows: variables, files, proxies."""
    starts = ("ANTHROPIC_", "AWS_", "GOOGLE_", "CLOUD_ML_", "CLOUDSDK_", "AZURE_", "CLAUDE_REPLAY_")
    for name in list(os.environ):
        if name.startswith(starts) or name == "CI" or name.lower().endswith("_proxy") or name in more:
            patch.delenv(name)
    patch.setenv("HOME", str(folder))
    patch.setenv("XDG_CONFIG_HOME", str(folder))
