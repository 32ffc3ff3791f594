"""What is masked or broken in a cassette of vcrpy is put back, left out or refused, and always named."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest
import yaml

from claude_replay.cassette import parse_cassette
from claude_replay.errors import CassetteLoadError
from vcrpy_cassettes import EXPECTED, JSON, URL, Fields, cassette, interaction, load, load_one, remark

ADVICE = (
    "\nThe file was left as it is. Repair it by hand, take it from version control again, or delete it and "
    "record it anew: pytest --claude-record=once"
)


def refusal(content: bytes | str) -> str:
    with pytest.raises(CassetteLoadError) as caught:
        load(content)
    message = str(caught.value)
    assert message.endswith(ADVICE)
    return message.removesuffix(ADVICE)


class TestAddresses:
    @pytest.mark.parametrize(
        ("url", "address"),
        [
            ("**REDACTED**", URL),
            ("https://**REDACTED**/v1/messages?beta=true", URL + "?beta=true"),
            ("https://[REDACTED]/v1/messages", URL),
            ("https://<HOST>/proxy/v1/messages/count_tokens", URL + "/count_tokens"),
            ("http://gateway.example:8080/anthropic/v1/messages", URL),
        ],
    )
    def test_a_masked_address_is_put_back(self, url: str, address: str) -> None:
        """Where host and headers no longer say that it was Claude's, path and body do; a remark says so."""
        exchanges, remarks = load(cassette(interaction({"uri": url})))
        assert [exchange.request.url for exchange in exchanges] == [address]
        assert len(remarks) == 1
        assert remarks[0].startswith("interactions[0]: kept; its host ")
        assert remarks[0].endswith(" was taken for api.anthropic.com")

    @pytest.mark.parametrize(
        ("url", "headers"),
        [
            ("https://api.anthropic.com/v1/models", {}),
            ("http://127.0.0.1:8080/v1/messages", {"Anthropic-Version": ["2023-06-01"]}),
            ("https://**REDACTED**/v1/models", {"anthropic-version": "2023-06-01"}),
            ("https://bedrock-runtime.*.amazonaws.com/model/anthropic.claude-v2/invoke", {}),
        ],
    )
    def test_an_address_that_says_enough_is_kept(self, url: str, headers: Fields) -> None:
        """A Claude host, or the header that every Anthropic client sends, needs no guess."""
        assert load_one({"uri": url, "headers": JSON | headers}).request.url == url

    @pytest.mark.parametrize(
        ("asked", "host"),
        [
            ({"uri": "https://api.openai.com/v1/chat/completions"}, "api.openai.com"),
            ({"uri": "https://user:word@example.com/v1/chat"}, "example.com"),
            ({"uri": "https://example.com/v1/messages", "body": "{}"}, "example.com"),
            ({"uri": "https://[oops/v1/other"}, "[oops"),
            ({"uri": "/v1/chat"}, "no host"),
            ({"uri": "**REDACTED**", "body": '{"model": "gpt-5", "messages": []}'}, "**REDACTED**"),
            ({"uri": "**REDACTED**", "body": '{"model": "claude-x", "messages": []}'}, "**REDACTED**"),
            ({"uri": "**REDACTED**", "body": "[]"}, "**REDACTED**"),
            ({"uri": "**REDACTED**", "body": "text"}, "**REDACTED**"),
            ({"uri": "**REDACTED**", "method": "GET"}, "**REDACTED**"),
            ({"uri": "**REDACTED**", "headers": {"anthropic-version": "x"}, "body": ""}, "**REDACTED**"),
            ({"uri": "https://example.com/", "body": 7}, "example.com"),
        ],
    )
    def test_other_services_are_named_and_left_out(self, asked: Fields, host: str) -> None:
        """An exchange that is not Claude's, or of which nothing says so, is listed with its host."""
        assert remark(asked) == f"interactions[0]: not a Claude exchange ({host})"


class TestBrokenInteractions:
    @pytest.mark.parametrize(
        ("broken", "reason"),
        [
            ("text", "the request is missing"),
            ({"response": {}}, "the request is missing"),
            ({"request": [], "response": {}}, "request: a mapping was expected"),
            ({"request": {"method": "GET"}}, "request: method and address were expected, as text"),
            ({"request": {"uri": URL, "method": None}}, "request: method and address were expected, as text"),
            ({"request": interaction()["request"]}, "the response is missing"),
            (interaction({"headers": ["a: b"]}), "request.headers: a mapping was expected, not list"),
            (interaction({"body": 7}), "request.body: text or bytes were expected, not int"),
            (
                interaction({"parsed_body": {"data": b"x"}}),
                "request.body: the parsed body is not JSON (Object of type bytes is not JSON serializable)",
            ),
            (
                interaction(None, {"parsed_body": [float("nan")]}),
                "response.body: the parsed body is not JSON (Out of range float values are not",
            ),
            (
                interaction(None, {"body": {"text": "x", "size": 1}}),
                "response.body: 'string' or 'base64_string' was expected, not 'size', 'text'",
            ),
            (interaction(None, {"status": None}), "response.status: an HTTP status was expected, not None"),
            (
                interaction(None, {"status": {"code": 0}}),
                "response.status: an HTTP status was expected, not 0",
            ),
            (interaction(None, {"status": True}), "response.status: an HTTP status was expected, not True"),
        ],
    )
    def test_a_broken_interaction_is_skipped_with_the_reason(self, broken: object, reason: str) -> None:
        """What one interaction lacks does not keep its neighbors from being read."""
        content = yaml.dump({"interactions": [broken, interaction()], "version": 1}, Dumper=NoAliases)
        exchanges, remarks = load(content)
        assert exchanges == [EXPECTED]
        assert len(remarks) == 1
        assert remarks[0].startswith(f"interactions[0]: {reason}")

    def test_a_parsed_body_that_is_too_deep_is_skipped(self) -> None:
        """A cassette of ours could not hold it."""
        for depth in (210, 500):
            nested = "[" * depth + "]" * depth
            content = json.dumps({"interactions": [interaction(None, {"parsed_body": "HERE"})]})
            exchanges, remarks = load(content.replace('"HERE"', nested))
            assert exchanges == []
            assert "response.body: the parsed body is n" in remarks[0]


class NoAliases(yaml.SafeDumper):
    """Writes what stands twice twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


class TestBrokenFiles:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (
                "interactions:\n- request: 'cut\n",
                "c.yaml:3: while scanning a quoted scalar found unexpected end",
            ),
            ("interactions:\n- a: b\n- {]", "c.yaml:3: while parsing a flow "),
            (
                "interactions:\n",
                "c.yaml:1: 'version: 1' was expected at the end, there is none; the file may be",
            ),
            (
                "interactions: []\nversion: 3\n",
                "c.yaml:1: 'version: 1' was expected at the end, it is 3; the",
            ),
            (
                "interactions:\nversion: 1\n",
                "c.yaml:1: a list was expected under 'interactions'; the file may",
            ),
            (
                "requests: []\n",
                "c.yaml:1: a list was expected under 'requests' and 'responses'; the file may be",
            ),
            ("--- '\ninteractions: x'\n", "c.yaml:1: a mapping with 'interactions' was expected"),
            ("interactions: []\n---\na: b\n", "c.yaml:2: a second document starts here; one was expected"),
            ("interactions:\n- a: !!python/tuple [1]\n", "c.yaml:2: the tag '!!python/tuple' is not read"),
            (
                "interactions:\n- request:\n    body: 'a\n<<<<<<< HEAD\n    b'\n",
                "c.yaml:4: git left a merge conflict here ('<<<<<<< HEAD')",
            ),
            (
                b"interactions:\n- a: b\n- \xe9t\xe9\n",
                "c.yaml:3: the file is not UTF-8 text (invalid continuation",
            ),
            (
                gzip.compress(b"interactions:\n- a: b\n", mtime=0)[:-4],
                "c.yaml:1: the gzip data ends too early; it may be cut",
            ),
            ('{"interactions": [\n{"a": }]}', "c.yaml:2: not JSON: Expecting value"),
            ('{"interactions": ' + "[" * 200_000, "c.yaml:1: JSON that is nested too deep"),
            (
                '{"interactions": [' + "9" * 5000 + "]}",
                "c.yaml:1: JSON that is nested too deep, or holds a number",
            ),
            ("interactions:\n" + "- " * 5000, "c.yaml:2: nested deeper than 250 levels"),
        ],
    )
    def test_a_file_that_cannot_be_read_is_refused_with_its_line(
        self, content: str | bytes, message: str
    ) -> None:
        """Whatever is wrong with a file: our error, the line, what to do."""
        assert refusal(content).startswith(message)

    def test_a_cassette_executes_nothing(self, tmp_path: Path) -> None:
        """A tag that calls a function is refused; the function is not called."""
        made = tmp_path / "made"
        content = f"interactions:\n- !!python/object/apply:os.mkdir [{made}]\nversion: 1\n"
        assert refusal(content).startswith("c.yaml:2: the tag '!!python/object/apply:os.mkdir' is not read")
        assert not made.exists()

    def test_shared_parts_are_read(self) -> None:
        """PyYAML writes an alias where Python objects were shared, such as the headers of two requests."""
        twice = interaction()
        content = cassette(twice, twice)
        assert b"*id001" in content
        assert load(content) == ([EXPECTED, EXPECTED], [])

    def test_a_file_that_unpacks_without_end_is_refused(self) -> None:
        """A compressed cassette may unpack to what a plain one may have, not to more."""
        packer = zlib.compressobj(1, wbits=31)
        content = packer.compress(b"interactions:\n#")
        content += b"".join(packer.compress(bytes(1_000_000)) for _ in range(201)) + packer.flush()
        message = refusal(content)
        assert message.startswith("c.yaml:1: unpacked it is larger than the 200,000,000 bytes that are left")

    def test_no_cut_goes_unnoticed(self) -> None:
        """However much is missing at the end of a file, it is refused, never read as a shorter one."""
        content = cassette(interaction(None, {"body": {"string": "a\nb\n" * 9}}), interaction())
        for text in (content, gzip.compress(content, mtime=0), json.dumps(yaml.safe_load(content)).encode()):
            for length in range(20, len(text) - 1):
                with pytest.raises(CassetteLoadError):
                    parse_cassette(text[:length], "c.yaml")
