"""Secrets in URLs."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest

from claude_replay.exchange import Exchange, Request, Response
from claude_replay.redact import PLACEHOLDER, Redactor

KEY = "sk-ant-" + "api03-" + "Ab3" * 31
GOOGLE = "AI" + "za" + "SyD-_" + "aB3" * 10


def _redact(url: str, *literals: str) -> str:
    redactor = Redactor(literals=literals)
    request = Request("GET", url, {}, None)
    redacted = redactor.request(request)
    assert redactor.request(redacted) is redacted
    response = Response(200, {}, None)
    assert redactor.find(Exchange(request, response)) == (None if redacted is request else "request.url")
    assert redactor.find(Exchange(redacted, response)) is None
    return redacted.url


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com/v1/messages",
        "https://api.anthropic.com/v1/messages?beta=true",
        "https://api.anthropic.com/v1/models?limit=20&after_id=claude-sonnet-5&page=a%2Fb",
        "http://[::1]:8080/v1/files/file_011CNha8iCJcU1wXNR6q4V8w/content#part",
        "https://api.anthropic.com",
        "/v1/messages?x&y=",
        "",
    ],
)
def test_a_usual_url_stays(url: str) -> None:
    """A URL without secrets stays what it is, to the letter."""
    assert _redact(url) == url


@pytest.mark.parametrize("userinfo", ["me", "me:pw", "me:p@w", f"{KEY}:"])
def test_user_name_and_password_go(userinfo: str) -> None:
    """User name and password in a URL are dropped, whatever they are."""
    assert _redact(f"https://{userinfo}@gateway.example:8443/v1?x=1") == "https://gateway.example:8443/v1?x=1"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://h/{KEY}/v1", f"https://h/{PLACEHOLDER}/v1"),
        (f"https://h/v1?key={GOOGLE}&x=1", f"https://h/v1?key={PLACEHOLDER}&x=1"),
        (f"https://h/v1?{GOOGLE}=1", f"https://h/v1?{PLACEHOLDER}=1"),
        (f"https://h/v1#{KEY}", f"https://h/v1#{PLACEHOLDER}"),
        (f"/relative/{KEY}?a=b", f"/relative/{PLACEHOLDER}?a=b"),
        ("https://h/v1?access_token=hunter2", f"https://h/v1?access_token={PLACEHOLDER}"),
        ("https://h/v1?x=1&API-Key=hunter2", f"https://h/v1?x=1&API-Key={PLACEHOLDER}"),
        ("https://h/b?sv=1&sig=abc%3D", f"https://h/b?sv=1&sig={PLACEHOLDER}"),
        (
            "https://h/?X-Amz-Credential=AKEXAMPLE%2F2026&X-Amz-Date=1&X-Amz-Signature=0f&X-Amz-Security-Token=IQ",
            f"https://h/?X-Amz-Credential={PLACEHOLDER}&X-Amz-Date=1&X-Amz-Signature={PLACEHOLDER}"
            f"&X-Amz-Security-Token={PLACEHOLDER}",
        ),
    ],
)
def test_secrets_in_path_and_query_go(url: str, expected: str) -> None:
    """A secret in a path segment or parameter is replaced, and so is the value of a parameter so named."""
    assert _redact(url) == expected


ACCOUNT = "123456" + "789012"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com"
VERTEX = "https://us-east5-aiplatform.googleapis.com/v1/projects"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            f"{BEDROCK}/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A{ACCOUNT}%3Ainference-profile%2Fus.x/invoke",
            f"{BEDROCK}/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A{PLACEHOLDER}%3Ainference-profile%2Fus.x/invoke",
        ),
        (
            f"https://gateway.example/model/arn:aws-us-gov:bedrock:us:{ACCOUNT}:inference-profile%2Fx/invoke",
            f"https://gateway.example/model/arn:aws-us-gov:bedrock:us:{PLACEHOLDER}:inference-profile%2Fx/invoke",
        ),
        (
            f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/q",
            f"https://sqs.eu-west-1.amazonaws.com/{PLACEHOLDER}/q",
        ),
        (f"https://{ACCOUNT}.x.api.aws:443/q", "https://redacted.x.api.aws:443/q"),
        (f"{VERTEX}/acme-42/locations/us-east5/p", f"{VERTEX}/{PLACEHOLDER}/locations/us-east5/p"),
        (
            "https://claude.googleapis.com/v1/projects/acme/locations/global/workspaces/w1/invoke/v1/messages",
            f"https://claude.googleapis.com/v1/projects/{PLACEHOLDER}/locations/global/workspaces/{PLACEHOLDER}"
            "/invoke/v1/messages",
        ),
        (
            "https://acme.services.ai.azure.com/anthropic/v1/messages",
            "https://redacted.services.ai.azure.com/anthropic/v1/messages",
        ),
    ],
)
def test_who_owns_the_cloud_stays_out(url: str, expected: str) -> None:
    """Accounts, projects, workspaces and resources of those who reach Claude through a provider."""
    assert _redact(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        f"https://api.anthropic.com/v1/files/{ACCOUNT}",
        f"{BEDROCK}/model/anthropic.claude-3-20240229-v1:0/invoke",
        f"{BEDROCK}/model/x{ACCOUNT}/{ACCOUNT}3",
        "https://example.com/projects/acme/files",
        "https://example.com/workspaces/w1/invoked",
    ],
)
def test_what_only_looks_like_an_owner_stays(url: str) -> None:
    """Numbers elsewhere, dates of models, paths of others."""
    assert _redact(url) == url


def test_needlessly_encoded_secrets_go() -> None:
    """A secret whose harmless characters are percent-encoded as well is recognized."""
    encoded = KEY.replace("-", "%2D").replace("A", "%41")
    assert _redact(f"https://h/a%20{encoded}/b?q=c%20{encoded}") == (
        f"https://h/a%20{PLACEHOLDER}/b?q=c%20{PLACEHOLDER}"
    )


@pytest.mark.parametrize("literal", ["sword/fish+and 1", "sw\u00f6rdfish-0123456789"])
def test_known_values_go_in_any_encoding(literal: str) -> None:
    """A known value is found in a URL plain or percent-encoded."""
    for written in (quote(literal), quote(literal, safe=""), quote(literal, safe="").lower()):
        assert (
            _redact(f"https://h/v1/{written}?q={written}", literal)
            == f"https://h/v1/{PLACEHOLDER}?q={PLACEHOLDER}"
        )


def test_a_url_stays_one_that_can_be_parsed() -> None:
    """A secret in the host name is replaced without brackets, so that the URL can still be taken apart."""
    url = _redact("https://swordfish.gateway.example/v1", "swordfish")
    assert url == "https://redacted.gateway.example/v1"
    assert urlsplit(url).hostname == "redacted.gateway.example"
