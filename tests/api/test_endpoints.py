"""Which requests are Claude's, and what they ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest

from claude_replay.api import Endpoint, Place, describe_endpoint, identify, is_claude_host, is_loopback

MESSAGES = Endpoint("messages", takes_messages=True)
COUNT = Endpoint("messages.count_tokens", takes_messages=True)
MODELS = Endpoint("GET /v1/models", (("limit", "2"),))
VERTEX = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model"


def on_bedrock(verb: str, *, is_framed: bool = False) -> Endpoint:
    """A model of Bedrock, asked for a message."""
    path = f"/model/claude-x/{verb}"
    place = Place(path, "messages", "claude-x", is_framed)
    return Endpoint(f"POST {path}", takes_messages=True, place=place)


def on_vertex(path: str, operation: str = "messages", model: str | None = "claude-x") -> Endpoint:
    """A model of Vertex, asked for a message."""
    return Endpoint(f"POST {path}", takes_messages=True, place=Place(path, operation, model))


BEDROCK_ENDPOINTS = [on_bedrock("invoke"), on_bedrock("invoke-with-response-stream", is_framed=True)]
VERTEX_ENDPOINTS = [
    on_vertex("/models/claude-x:rawPredict"),
    on_vertex("/models/claude-x:streamRawPredict"),
    on_vertex("/models/count-tokens:rawPredict", "messages.count_tokens", None),
]
# Each way to make a client, and what it can be asked for.
CLIENTS: dict[str, tuple[Callable[..., Any], list[Endpoint]]] = {
    "first party": (
        lambda **more: anthropic.Anthropic(api_key="k", **more),
        [MESSAGES, MESSAGES, COUNT, MODELS],
    ),
    "gateway": (
        lambda **more: anthropic.Anthropic(
            api_key="k", base_url="https://gateway.example:84/v1/claude", **more
        ),
        [MESSAGES, MESSAGES, COUNT, MODELS],
    ),
    "AWS": (
        lambda **more: anthropic.AnthropicAWS(api_key="k", aws_region="eu-west-1", workspace_id="w", **more),
        [MESSAGES, MESSAGES, COUNT, MODELS],
    ),
    "Google Cloud": (
        lambda **more: anthropic.AnthropicGoogleCloud(
            token_provider=lambda: "t", project="v1", workspace_id="w", **more
        ),
        [MESSAGES, MESSAGES, COUNT, MODELS],
    ),
    "Foundry": (
        lambda **more: anthropic.AnthropicFoundry(api_key="k", resource="mine", **more),
        [MESSAGES, MESSAGES, COUNT],
    ),
    "Bedrock Mantle": (
        lambda **more: anthropic.AnthropicBedrockMantle(api_key="k", aws_region="us-east-1", **more),
        [MESSAGES, MESSAGES, COUNT],
    ),
    "Bedrock": (
        lambda **more: anthropic.AnthropicBedrock(api_key="k", aws_region="us-east-1", **more),
        BEDROCK_ENDPOINTS,
    ),
    "Bedrock behind a gateway": (
        lambda **more: anthropic.AnthropicBedrock(
            api_key="k", aws_region="us-east-1", base_url="http://127.0.0.1:9/aws", **more
        ),
        BEDROCK_ENDPOINTS,
    ),
    "Vertex": (
        lambda **more: anthropic.AnthropicVertex(access_token="t", project_id="p", region="us-east5", **more),
        VERTEX_ENDPOINTS,
    ),
    "Vertex global": (
        lambda **more: anthropic.AnthropicVertex(access_token="t", project_id="q", region="global", **more),
        VERTEX_ENDPOINTS,
    ),
    "Vertex multi-region": (
        lambda **more: anthropic.AnthropicVertex(access_token="t", project_id="p", region="eu", **more),
        VERTEX_ENDPOINTS,
    ),
    "Vertex behind a gateway": (
        lambda **more: anthropic.AnthropicVertex(
            access_token="t", project_id="p", region="us", base_url="http://127.0.0.1:9/v1", **more
        ),
        VERTEX_ENDPOINTS,
    ),
}


def ask_everything(client: Any, count: int) -> None:
    """The first `count` of: a message, a streamed one of the beta API, a count, the models."""
    request: dict[str, Any] = {"model": "claude-x", "messages": [{"role": "user", "content": "Hello"}]}
    calls: list[Callable[[], object]] = [
        lambda: client.messages.create(max_tokens=9, **request),
        lambda: client.beta.messages.create(max_tokens=9, stream=True, betas=["b"], **request),
        lambda: client.messages.count_tokens(**request),
        lambda: client.models.list(limit=2),
    ]
    for call in calls[:count]:
        with pytest.raises(anthropic.APIStatusError):
            call()


@pytest.mark.parametrize("name", CLIENTS)
def test_the_requests_of_every_client_are_claudes(name: str) -> None:
    """Whatever client of the SDK sends them, to whatever host, requests are recognized and named alike."""
    make_client, expected = CLIENTS[name]
    sent: list[httpx2.Request] = []

    def refuse(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(400, json={"type": "error", "error": {"type": "invalid", "message": "no"}})

    with httpx2.Client(transport=httpx2.MockTransport(refuse)) as http_client:
        ask_everything(make_client(http_client=http_client, max_retries=0), len(expected))

    assert [identify(request.method, str(request.url), request.headers) for request in sent] == expected
    if "gateway" not in name:
        assert [identify(request.method, str(request.url), {}) for request in sent] == expected


@pytest.mark.parametrize(
    ("url", "operation"),
    [
        ("https://api.anthropic.com/v1/messages", "messages"),
        ("https://api.anthropic.com/v1/messages/", "messages"),
        ("HTTPS://API.Anthropic.COM:443/v1/messages", "messages"),
        ("https://api.anthropic.com./v1/messages", "messages"),
        ("https://anthropic.com/v1/complete", "complete"),
        ("https://eu.api.claude.com/v1/messages/count_tokens", "messages.count_tokens"),
        ("https://api.anthropic.com/v1/messages/batches/b_1/cancel", "POST /v1/messages/batches/b_1/cancel"),
        ("https://api.anthropic.com/api/hello", "POST /api/hello"),
        ("https://api.anthropic.com", "POST /"),
        (f"{BEDROCK}/us.anthropic.claude-x-v1%3A0/invoke", "POST /model/us.anthropic.claude-x-v1:0/invoke"),
        (f"{BEDROCK}/us.anthropic.claude-x-v1:0/invoke", "POST /model/us.anthropic.claude-x-v1:0/invoke"),
        (f"{BEDROCK}/anthropic.claude-v2/converse", "POST /model/anthropic.claude-v2/converse"),
        (f"{VERTEX}/models/claude-x@20260101:rawPredict", "POST /models/claude-x@20260101:rawPredict"),
        ("https://mine.services.ai.azure.com/anthropic/v1/messages", "messages"),
    ],
)
def test_hosts_that_serve_claude_need_no_header(url: str, operation: str) -> None:
    """The host, and for clouds with other models the path, is enough, in any spelling."""
    endpoint = identify("post", url, {})

    assert endpoint is not None
    assert endpoint.operation == operation


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com.evil.example/v1/messages",
        "https://api.anthropic.com@evil.example/v1/messages",
        "https://evil.example/api.anthropic.com/v1/messages",
        "https://evil.example?host=api.anthropic.com",
        "https://evil.example#api.anthropic.com/v1/messages",
        "https://notanthropic.com/v1/messages",
        "https://anthropic.com.example/v1/messages",
        "https://bedrock-mantle.us-east-1.api.aws.example/anthropic/v1/messages",
        "https://bedrock-runtime.us-east-1.amazonaws.com.example/model/claude-x/invoke",
        f"{BEDROCK}/amazon.nova-lite-v1:0/invoke",
        "https://us-east5-aiplatform.googleapis.com/v1/projects/p/publishers/google/models/gemini:predict",
        "https://mine.services.ai.azure.com/models/chat/completions",
        "http://127.0.0.1:8000/v1/messages",
        "http://[::1]:8000/v1/messages",
        "https:///v1/messages",
        "/v1/messages",
    ],
)
def test_other_hosts_are_not_claudes(url: str) -> None:
    """A name that only looks like Claude's, another model of a cloud, any host without the headers."""
    assert identify("POST", url, {"user-agent": "curl/8"}) is None
    assert identify("POST", url, {"anthropic-version": "2026-10-21"}) is not None
    assert identify("POST", url, {"user-agent": "AsyncAnthropic/Python 2.12.0"}) is not None


def test_beta_true_is_the_same_endpoint() -> None:
    """How older SDKs asked for beta endpoints changes nothing; other parameters do, in any order."""
    url = "https://api.anthropic.com/v1/messages"

    assert describe_endpoint("POST", f"{url}?beta=true") == MESSAGES
    assert describe_endpoint("POST", f"{url}?beta=false").query == (("beta", "false"),)
    assert describe_endpoint("GET", "/v1/models?limit=2&after=&beta=true&limit=1").query == (
        ("after", ""),
        ("limit", "1"),
        ("limit", "2"),
    )


def test_only_a_post_asks_for_a_message() -> None:
    """The short names are for what everybody calls by name; anything else is method and path."""
    assert describe_endpoint("GET", "https://api.anthropic.com/v1/messages").operation == "GET /v1/messages"
    assert not describe_endpoint("POST", "https://api.anthropic.com/v1/messages/batches").takes_messages
    assert not describe_endpoint("POST", f"{BEDROCK}/anthropic.claude-v2/converse").takes_messages


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("api.anthropic.com", True),
        ("ANTHROPIC.com.", True),
        ("claude.googleapis.com", True),
        ("aws-external-anthropic.us-west-2.api.aws", True),
        ("bedrock-mantle.us-west-2.api.aws", True),
        ("mantle.us-west-2.api.aws", False),
        ("googleapis.com", False),
        ("evil-anthropic.com", False),
        ("", False),
    ],
)
def test_hosts_that_serve_nothing_but_claude_are_known(host: str, expected: bool) -> None:
    """A host name alone says it where nothing else is served there."""
    assert is_claude_host(host) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("[::1]", True),
        ("", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.1", False),
        ("[2001:db8::1]", False),
        ("api.anthropic.com", False),
    ],
)
def test_this_machine_is_told_from_others(host: str, expected: bool) -> None:
    """By name or by address of either family."""
    assert is_loopback(host) is expected


def test_other_paths_of_vertex_are_compared_below_the_publisher() -> None:
    """Without the project, like those that ask for a message."""
    assert describe_endpoint("GET", f"{VERTEX}/models/claude-x") == Endpoint(
        "GET /models/claude-x", place=Place("/models/claude-x")
    )
