"""Replay needs nobody to sign in: clouds, profiles, identity federation, boto3, whenever a client was made."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import anthropic
import boto3
import botocore.exceptions
import pytest

from claude_replay import CassetteMiss, use_cassette
from provider_clients import BEDROCK_MODEL, KEY_ID, PROVIDERS, SECRET_KEY, SECRETS
from standin import ClaudeServer

MESSAGES = [{"role": "user", "content": "Hello"}]
ASK: dict[str, Any] = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": MESSAGES}
API = next(provider for provider in PROVIDERS if provider.name == "gateway")
AZURE = "https://example.services.ai.azure.com/anthropic"


@pytest.fixture
def recorded(server: ClaudeServer, path: Path) -> Path:
    """One answer of the API."""
    with use_cassette(path, mode="once"):
        API.make(server.url).messages.create(**ASK)
    return path


def get_nothing() -> str:
    raise AssertionError("nobody has to sign in")


async def get_nothing_async() -> str:
    raise AssertionError("nobody has to sign in")


def replay(client: Any, path: Path) -> None:
    """The answer, by a client, sync or async."""

    async def work() -> Any:
        async with client:
            return await client.messages.create(**ASK)

    with use_cassette(path):
        is_async = isinstance(client, anthropic.AsyncAnthropic)
        message = asyncio.run(work()) if is_async else client.messages.create(**ASK)
    assert message.content[0].text == "You said: Hello"


@pytest.mark.parametrize(
    "make",
    [
        lambda: anthropic.Anthropic(credentials=get_nothing),  # type: ignore[arg-type]
        lambda: anthropic.AsyncAnthropic(credentials=get_nothing_async),  # type: ignore[arg-type]
        lambda: anthropic.AnthropicFoundry(base_url=AZURE, azure_ad_token_provider=get_nothing),
        lambda: anthropic.AsyncAnthropicFoundry(base_url=AZURE, azure_ad_token_provider=get_nothing_async),
        lambda: anthropic.AnthropicGoogleCloud(workspace_id="w"),
        lambda: anthropic.AsyncAnthropicGoogleCloud(workspace_id="w"),
        lambda: anthropic.AnthropicGoogleCloud(token_provider=get_nothing, project="p", workspace_id="w"),
        lambda: anthropic.AnthropicAWS(aws_region="us-east-1", workspace_id="w", aws_profile="none-such"),
        lambda: anthropic.AnthropicBedrockMantle(aws_region="us-east-1", aws_profile="none-such"),
    ],
    ids=[
        "credentials",
        "async credentials",
        "Azure tokens",
        "async Azure tokens",
        "a Google project unknown",
        "the same async",
        "Google tokens",
        "an AWS profile",
        "the same on Mantle",
    ],
)
def test_clients_made_before_the_cassette_do_not_sign_in(
    make: Any, recorded: Path, no_network: list[object]
) -> None:
    """At the top of a module they know nothing of cassettes; asked for a token they would fail or call out."""
    replay(make(), recorded)
    assert no_network == []


def test_profiles_and_federation_are_not_asked(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, no_network: list[object]
) -> None:
    """Neither those of the environment nor one that is named and not on this machine."""
    with use_cassette(recorded, repeat=True):
        monkeypatch.setenv("ANTHROPIC_PROFILE", "team")
        for client in (anthropic.Anthropic(), anthropic.Anthropic(profile="team")):
            assert client.messages.create(**ASK).content
        monkeypatch.delenv("ANTHROPIC_PROFILE")
        for name in ("FEDERATION_RULE_ID", "ORGANIZATION_ID", "IDENTITY_TOKEN"):
            monkeypatch.setenv(f"ANTHROPIC_{name}", "x" * 20)
        assert anthropic.Anthropic().messages.create(**ASK).content
    assert no_network == []


def test_federation_that_was_set_up_before_is_not_asked(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, no_network: list[object]
) -> None:
    """A token would be exchanged before the first request."""
    for name in ("FEDERATION_RULE_ID", "ORGANIZATION_ID", "IDENTITY_TOKEN"):
        monkeypatch.setenv(f"ANTHROPIC_{name}", "x" * 20)
    replay(anthropic.Anthropic(), recorded)
    assert no_network == []


def test_where_requests_are_sent_everybody_signs_in_as_ever(
    server: ClaudeServer, path: Path, tmp_path: Path
) -> None:
    """While recording nothing is left out: the SDK says what is missing, and a token is asked for."""
    asked: list[str] = []

    def get_token() -> str:
        asked.append("token")
        return "a-token-of-the-test"

    with use_cassette(path, mode="once"):
        url = server.url
        with pytest.raises(anthropic.AnthropicError):
            anthropic.Anthropic(profile="none-such", base_url=url)
        foundry = anthropic.AnthropicFoundry(base_url=url, azure_ad_token_provider=get_token)
        google = anthropic.AnthropicGoogleCloud(base_url=url, token_provider=get_token)
        for client in (foundry, google):
            assert client.messages.create(**ASK).content
        bedrock = anthropic.AnthropicBedrock(base_url=url, aws_region="us-east-1", aws_profile="none-such")
        with pytest.raises(Exception, match="none-such"):
            bedrock.messages.create(**ASK)
    assert asked == ["token", "token"]


def test_async_clients_sign_in_while_recording(server: ClaudeServer, path: Path) -> None:
    """The twins do, too."""

    async def get_token() -> str:
        return "a-token-of-the-test"

    async def work() -> None:
        foundry = anthropic.AsyncAnthropicFoundry(base_url=server.url, azure_ad_token_provider=get_token)
        google = anthropic.AsyncAnthropicGoogleCloud(base_url=server.url, token_provider=get_token)
        for client in (foundry, google):
            async with client:
                assert (await client.messages.create(**ASK)).content

    with use_cassette(path, mode="once"):
        asyncio.run(work())
    authorizations = [request.headers["authorization"] for request in server.requests]
    assert authorizations == ["Bearer a-token-of-the-test"] * 2


def make_boto(server: Any = None, **options: Any) -> Any:
    where = {} if server is None else {"endpoint_url": server.url, "region_name": "us-east-1"}
    return boto3.Session().client("bedrock-runtime", **where, **options)


def talk(client: Any) -> list[Any]:
    """Everything boto3 can ask of a model of Claude's."""
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": MESSAGES})
    messages = [{"role": "user", "content": [{"text": "Hello"}]}]
    whole = client.invoke_model(modelId=BEDROCK_MODEL, body=body)
    streamed = client.invoke_model_with_response_stream(modelId=BEDROCK_MODEL, body=body)
    answer = client.converse(modelId=BEDROCK_MODEL, messages=messages)
    parts = client.converse_stream(modelId=BEDROCK_MODEL, messages=messages)
    return [
        json.loads(whole["body"].read()),
        [json.loads(event["chunk"]["bytes"]) for event in streamed["body"]],
        answer["output"],
        list(parts["stream"]),
        [reply["ResponseMetadata"]["RequestId"] for reply in (whole, streamed, answer, parts)],
    ]


def test_boto3_is_replayed_without_credentials(
    server: ClaudeServer, path: Path, request: pytest.FixtureRequest
) -> None:
    """Both APIs of Bedrock, streamed or not; no metadata server is looked for, nothing is signed."""
    keys = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET_KEY}
    with use_cassette(path, mode="once"):
        live = talk(make_boto(server, **keys))
    assert server.count == 4
    text = path.read_text(encoding="utf-8")
    assert [secret for secret in SECRETS if secret in text] == []
    assert "text_delta" in text
    assert "contentBlockDelta" in text
    server.close()

    tried = request.getfixturevalue("no_network")
    with use_cassette(path, repeat=True):
        assert talk(make_boto()) == live
        assert talk(make_boto(**keys)) == live
    assert tried == []


def test_boto3_keeps_the_region_that_it_was_told(
    server: ClaudeServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its argument or by the environment; a stand-in is only for those who have none."""
    with use_cassette(path):
        assert make_boto().meta.region_name == "us-east-1"
        assert make_boto(region_name="eu-west-3").meta.region_name == "eu-west-3"
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        assert make_boto().meta.region_name == "eu-central-1"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(botocore.exceptions.NoRegionError):
        make_boto()


def test_errors_of_boto3_come_back(server: ClaudeServer, path: Path) -> None:
    """By the name of the exception, which botocore reads from a header."""
    body = json.dumps({"max_tokens": 9, "messages": MESSAGES})

    def fail(client: Any) -> str:
        with pytest.raises(client.exceptions.ValidationException) as caught:
            client.invoke_model(modelId=BEDROCK_MODEL, body=body)
        return str(caught.value)

    keys = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET_KEY}
    with use_cassette(path, mode="once"):
        live = fail(make_boto(server, **keys))
    with use_cassette(path):
        assert fail(make_boto()) == live


def test_credentials_that_are_there_are_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_network: list[object]
) -> None:
    """Other models of Bedrock may be called live from the same test: their requests are signed as ever."""
    path.write_text("version: 1\nexchanges: []\n...\n", encoding="utf-8")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    signed: list[str] = []
    with use_cassette(path) as handle:
        client = make_boto()
        client.meta.events.register(
            "before-send", lambda request, **more: signed.append(str(request.headers))
        )
        with pytest.raises(Exception, match="connect"):
            client.invoke_model(modelId="amazon.titan-text-lite-v1", body="{}")
        assert KEY_ID in signed[0]
        with pytest.raises(CassetteMiss):
            client.invoke_model(modelId=BEDROCK_MODEL, body="{}")
        assert "Credential=" not in signed[-1]
        handle.misses.clear()


def test_a_file_of_credentials_is_left_to_boto3(path: Path, tmp_path: Path) -> None:
    """It names the credentials that boto3 would take; none are put in their place."""
    folder = tmp_path / "home" / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(
        f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = x\n"
    )
    with use_cassette(path):
        assert make_boto()._request_signer._credentials.access_key == KEY_ID


def test_google_credentials_that_were_given_are_not_refreshed(
    recorded: Path, no_network: list[object]
) -> None:
    """Nobody looks at them while nothing is sent; where something is, they are."""
    credentials: Any = type("Credentials", (), {"token": None, "expired": True, "quota_project_id": None})()
    client = anthropic.AnthropicGoogleCloud(credentials=credentials, workspace_id="w")
    with use_cassette(recorded), pytest.raises(anthropic.AnthropicError, match="project"):
        client.messages.create(**ASK)
    with pytest.raises(AttributeError):
        client.messages.create(**ASK)
    assert no_network == []
