"""Which texts look like secrets, and which only nearly do."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Callable

import pytest

from claude_replay.redact import PLACEHOLDER, Redactor

MIXED = "aB3dE5fG7hJ9kL1mN"
HEX = "0123456789abcdef"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG+" + "bPxRfiCYzEXAMPLE12"
PEM_BODY = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7" + "x7" * 6] * 3)

WHOLE = {
    "api key": "sk-ant-" + "api03-" + MIXED * 5 + "AA",
    "admin key": "sk-ant-" + "admin01-" + MIXED * 5,
    "oauth token": "sk-ant-" + "oat01-" + MIXED * 2,
    "refresh token": "sk-ant-" + "ort01-" + MIXED,
    "session key": "sk-ant-" + "sid01-" + MIXED,
    "a kind of the future": "sk-ant-" + "zzz99-" + "x" * 16,
    "a kind without digits": "sk-ant-" + "work-" + "x" * 24,
    "openai": "sk-" + MIXED * 3,
    "openai project": "sk-" + "proj-" + MIXED + "_-" + MIXED,
    "github": "ghp" + "_" + "a1B2" * 9,
    "github installation with JWT": "ghs" + "_123456_" + "eyJhbGciOiJSUzI1NiIs" + "In5.abc-def.ghi_jkl",
    "github fine grained": "github" + "_pat_" + "11ABCDEFG0" + "aB1" * 20,
    "slack": "xo" + "xb-" + "1234567890-abcdefABCDEF",
    "aws key id": "AK" + "IA" + "IOSFODNN7" + "ABCDEF1",
    "aws temporary key id": "AS" + "IA" + "Q3EGRIBZ" + "ABCDEF12",
    "bedrock key": "AB" + "SK" + MIXED * 7 + "==",
    "bedrock short-term key": "bedrock-" + "api-key-" + MIXED * 4,
    "google key": "AI" + "za" + "SyD-_" + "aB3" * 10,
    "google token": "ya" + "29." + MIXED * 3,
    "webhook secret": "wh" + "sec_" + MIXED * 2,
    "jwt": "ey" + "JhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w",
    "private key": f"-----BEGIN PRIVATE {'KEY'}-----\n{PEM_BODY}\n-----END PRIVATE {'KEY'}-----",
    "rsa private key": f"-----BEGIN RSA PRIVATE {'KEY'}-----\n{PEM_BODY}\n-----END RSA PRIVATE {'KEY'}-----",
    "private key without its end": f"-----BEGIN EC PRIVATE {'KEY'}-----\n{PEM_BODY}",
    "private key in nested JSON": f"-----BEGIN PRIVATE {'KEY'}-----\n{PEM_BODY}".replace("\n", "\\n"),
}

PART = {
    "account in a resource name": ("arn:aws:bedrock:us-east-1:", "123456" + "789012"),
    "account in an encoded resource name": ("arn%3Aaws%3Aiam%3A%3A", "123456" + "789012"),
    "bearer": ("Authorization: Bearer ", "abcdefghij0123456789"),
    "lower-case bearer": ("bearer ", "abc.def_ghi~jkl+mno/pqr=="),
    "shouted bearer": ("AUTHORIZATION: BEARER ", "abcdefghij0123456789"),
    "percent-encoded bearer": ("auth=Bearer%20", "abcdefghij0123456789"),
    "aws secret in a shell": ("export AWS_SECRET_ACCESS_KEY=", AWS_SECRET),
    "aws secret in a file": ("aws_secret_access_key = ", AWS_SECRET),
    "aws secret in JSON": ('"SecretAccessKey": "', AWS_SECRET),
    "aws secret in nested JSON": ('\\"secretAccessKey\\":\\"', AWS_SECRET),
    "signature": ("SignedHeaders=host, Signature=", HEX * 4),
    "credential": ("AWS4-HMAC-SHA256 Credential=", "AKEXAMPLE0123456789A/20261122/us-east-1/bedrock"),
    "signed url": ("https://s3/x?X-Amz-Signature=", HEX * 4),
    "session token of a signed url": ("&X-Amz-Security-Token=", "IQoJb3JpZ2luX2VjEJr%2F%2F%2F"),
    "token of an MCP server": ('{"authorization_token": "', "hunter2-hunter2"),
    "nested token of a vault": ('{\\"refresh_token\\":\\"', "hunter2-hunter2"),
}

HARMLESS = {
    "token counts": '{"max_tokens": 1024, "input_tokens": 12, "stop_token": "x", "access_token": null}',
    "a prefix in prose": "Keys start with sk-ant- and newer ones with sk-ant-api03-, as in sk-ant-api03-...",
    "words with hyphens": "task-oriented-programming-in-the-large-and-small ask-ant-farm-of-wonderful-people",
    "a long slug": "sk-learn-based-classification-pipelines-for-beginners",
    "a uuid": "123e4567-e89b-12d3-a456-426614174000",
    "a hash": hashlib.sha256(b"x").hexdigest(),
    "a git commit": hashlib.sha1(b"x").hexdigest(),
    "ids": "toolu_01A09q90qw90lq917835lq9 msg_013Zva2CMHLNnXjNJJKqJ2EF req_011CSHoEeqs5C35K2UUqR7Fy",
    "a model": "claude-sonnet-4-5-20250929",
    "bearer in prose": "A bearer token is short-lived; Bearer authentication is not.",
    "a header without its body": f"A file starts with -----BEGIN PRIVATE {'KEY'}----- and so on.",
    "a public key": "-----BEGIN PUBLIC KEY-----\n"
    + "MIIBIjANBgkqhkiG9w0B" * 4
    + "\n-----END PUBLIC KEY-----",
    "capitals": "ASIAPACIFICHEADQUARTERSREGION and AK" + "IARAMIFICATIONSWITHMANYLETTERS",
    "dots": "eyJustKidding.this.is_not_one",
    "an assignment in code": "Credential=load() Signature=inspect.Signature X-Amz-Security-Token=None",
    "an empty secret": 'AWS_SECRET_ACCESS_KEY= "client_secret": ""',
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize(
    "around", ["{}", "the key {}, keep it", '{{"k": "{}"}}', "a\\n{}\\nb", "x=%20{}", "\x1b[32m{}"]
)
def test_a_key_is_replaced_as_a_whole(name: str, around: str) -> None:
    """A key that gives itself away by its shape becomes the placeholder, and nothing around it changes."""
    redactor = Redactor()
    before, after = around.format("|").split("|")
    assert redactor.text(around.format(WHOLE[name])) == before + PLACEHOLDER + after
    assert redactor.find_in_text(around.format(WHOLE[name]))


@pytest.mark.parametrize("name", PART)
def test_what_names_a_secret_stays(name: str) -> None:
    """Where a label or a scheme says that a secret follows, only the secret goes."""
    label, secret = PART[name]
    redacted = Redactor().text(f'{label}{secret}" ')
    assert redacted == f'{label}{PLACEHOLDER}" '


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_resembles_a_secret_is_left_alone(name: str) -> None:
    """Ids, hashes, slugs and prose about keys are no secrets; the very same text comes back."""
    redactor = Redactor()
    assert redactor.text(HARMLESS[name]) is HARMLESS[name]
    assert not redactor.find_in_text(HARMLESS[name])


def test_a_key_glued_to_a_word_is_found() -> None:
    """An Anthropic key is found even where nothing separates it from the word before."""
    key = "sk-ant-" + "api03-" + MIXED * 5
    assert Redactor().text(f"key{key}") == f"key{PLACEHOLDER}"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
def test_base64_is_left_alone(seed: int, encode: Callable[[bytes], bytes]) -> None:
    """A megabyte of base64, as images come, holds every short word by chance and is returned as it is."""
    image = encode(random.Random(seed).randbytes(750_000)).decode("ascii")
    assert Redactor().text(image) is image


def test_shapes_inside_base64_are_chance() -> None:
    """A run of base64 that spells the beginning of a key in its middle is no key."""
    redactor = Redactor()
    for head, length in (("AI" + "za", 35), ("AB" + "SK", 200), ("AK" + "IA", 16)):
        for before in ("Zm9v", "Zm9/", "Zm9+") if length > 16 else ("Zm9v",):
            blob = f"{before}{head}{'Q7' * length}"
            assert redactor.text(blob) is blob


def test_several_secrets_in_one_text() -> None:
    """Each of several secrets is replaced by a placeholder of its own."""
    text = f"first {WHOLE['api key']} then {WHOLE['github']}, {WHOLE['aws key id']}."
    expected = f"first {PLACEHOLDER} then {PLACEHOLDER}, {PLACEHOLDER}."
    assert Redactor().text(text) == expected
    assert Redactor().text(expected) is expected


@pytest.mark.parametrize(
    "head", ["sk-ant-", "sk-ant-a", "ey" + "J", "-----BEGIN ", "access_token", "Bearer ", "text"]
)
def test_endless_beginnings_are_left_alone(head: str) -> None:
    """A long text of nothing but beginnings of keys takes no longer than any other: it comes back at all."""
    text = f"{head}!" * 40_000
    assert Redactor().text(text) is text


def test_a_long_run_without_a_digit_is_decided_quickly() -> None:
    """What begins like a key and goes on for long is decided from its beginning."""
    text = "ask-ant-" * 40_000
    assert Redactor().text(text) is text
