"""Every tool's file is told from the others and read as what it means; what is damaged in it is named."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import replace

import pytest

from claude_replay.cassette.formats import find_format
from claude_replay.cassette.formats.times import read_duration, read_time
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Binary, Exchange, Json
from foreign_samples import ANSWER, ASKED, EXCHANGES, SAMPLES, URL, meta_of

TOOLS = {
    "vcr (R)": "VCR",
    "VCR (Ruby, JSON)": "VCR",
}


def load(content: bytes | str) -> tuple[list[Exchange], list[str]]:
    content = content.encode() if isinstance(content, str) else content
    found = find_format(content)
    assert found is not None
    return found.load(content, "c.yaml")


def remark(content: bytes | str) -> str:
    """The remark about the only interaction, which is left out."""
    exchanges, remarks = load(content)
    assert exchanges == []
    return remarks[0]


def refusal(content: bytes | str) -> str:
    with pytest.raises(CassetteLoadError) as caught:
        load(content)
    message, _, advice = str(caught.value).partition("\n")
    assert advice.startswith("The file was left as it is.")
    return message


def change(name: str, old: str, new: str) -> str:
    """The sample of a tool with something in it replaced."""
    text = SAMPLES[name][1].decode()
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_of_each_tool_is_read_as_what_it_means(name: str) -> None:
    """Requests, answers, headers, streams, and when it was, are the same whatever tool wrote them down."""
    exchanges, remarks = load(SAMPLES[name][1])
    expected = [replace(exchange, meta=meta_of(name)) for exchange in EXCHANGES]
    assert exchanges == expected[: len(exchanges)]
    assert len(exchanges) == (1 if name == "ddapm-test-agent" else 2)
    assert remarks == []


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_of_each_tool_is_known_by_its_tool(name: str) -> None:
    """The name that stands in messages."""
    found = find_format(SAMPLES[name][1])
    assert found is not None
    assert found.name == TOOLS.get(name, name.partition(" (")[0])


@pytest.mark.parametrize("name", ["VCR (Ruby)", "vcr (R)", "go-vcr (version 2)", "go-vcr (version 1)"])
def test_a_list_that_is_missing_is_an_error(name: str) -> None:
    """A file that was cut, or is something else after all."""
    key = "http_interactions" if "cr (R" in name or "VCR" in name else "interactions"
    head = SAMPLES[name][1].decode().partition("\n- ")[0]
    if name == "go-vcr (version 1)":
        head += "\n    url:\n    form:\n"
        assert refusal(head) == f"c.yaml:1: a list was expected under {key!r}; the file may be cut"
    else:
        assert refusal(head) == f"c.yaml:1: a list was expected under {key!r}; the file may be cut"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("http_interactions:\n- 1\n", "http_interactions[0]: the request is missing"),
        ("---\nversion: 2\ninteractions:\n- 1\n", "interactions[0]: the request is missing"),
        (
            "---\nversion: 2\ninteractions:\n- request: {url: 1, method: POST}\n",
            "interactions[0]: request: method and address were expected, as text",
        ),
        ("when:\n  path: 1\n  method: GET\n", "when[0]: request: method and address were expected, as text"),
        ("when:\n  path: /\n---\n1\n", "when[0]: request: method and address were expected, as text"),
        ('[{"response": {"status_code": 200}}, 1]', "[0]: the request is missing"),
        ('{"request": {"method": 1}}', "interactions[0]: request: method and address were expected, as text"),
        ('{"request":{"method":"GET"},"request":1}', "interactions[0]: request: a mapping was expected"),
        ("httprr trace v1\n1 0\nX", "pairs[0]: not a Claude exchange (no host)"),
    ],
)
def test_what_is_no_interaction_is_left_out_with_the_reason(content: str, reason: str) -> None:
    """Its neighbors are read all the same."""
    assert remark(content) == reason


class TestVcr:
    def test_an_upload_kept_by_its_fields_is_left_out(self) -> None:
        """R's vcr keeps the name of a file that was uploaded; nothing could be found by that."""
        body = json.dumps({"fields": {"file": {"path": "apples.pdf"}}})
        text = change("vcr (R)", "body:\n      string", f"body: {body}\n    other:\n      string")
        exchanges, remarks = load(text)
        assert exchanges == []
        assert remarks[0] == (
            "http_interactions[0]: request.body: only the names of the form's fields were recorded, "
            "not the bytes that were sent"
        )


class TestGoVcr:
    def test_a_file_of_vcrpy_with_the_version_first_is_still_vcrpy_s(self) -> None:
        """Only `url` and `form` tell go-vcr's first version from it."""
        text = SAMPLES["vcrpy"][1].decode().replace("\nversion: 1\n", "\n")
        found = find_format(f"version: 1\n{text}".encode())
        assert found is not None
        assert found.name == "vcrpy"

    def test_an_answer_without_a_mapping_is_left_out(self) -> None:
        """As is one without a code."""
        text = SAMPLES["go-vcr (version 2)"][1].decode()
        assert "response is missing" in load(text.replace("  response:", "  other:"))[1][0]
        assert "an HTTP status was expected, not None" in load(text.replace("    code: 200\n", ""))[1][0]


class TestHttpSnapshot:
    def test_binary_bodies_are_base64(self) -> None:
        """Where the content type is neither JSON nor text."""
        data = base64.b64encode(b"\x00\xff").decode()
        item = {
            "request": {
                "method": "POST",
                "url": URL,
                "headers": {"content-type": "application/octet-stream", "anthropic-version": "2023-06-01"},
                "body": data,
            },
            "response": {"status_code": 204, "headers": {}, "body": ""},
        }
        exchanges, _ = load(json.dumps([item]))
        assert exchanges[0].request.body == Binary(b"\x00\xff")
        assert exchanges[0].response.body is None

    def test_headers_that_are_no_mapping_are_named(self) -> None:
        """The interaction is left out."""
        text = SAMPLES["http-snapshot"][1].decode().replace('"headers": {', '"headers": 1, "other": {')
        assert "request.headers: a mapping was expected, not int" in load(text)[1][0]

    def test_a_document_that_is_no_list_is_refused(self) -> None:
        """It began like one."""
        head = '[{"response": {"status_code": 200}}'
        assert refusal(head) == "c.yaml:1: not JSON: Expecting ',' delimiter"


class TestCassetter:
    def test_what_needs_no_quotes_in_yaml_1_2_is_text(self) -> None:
        """cassetter writes `1:30` without quotes, which older readers take for ninety."""
        text = change("cassetter (YAML)", '"Yes: 1:30"', "1:30").replace('"req_1"', "12:30:45")
        (first, _), _ = load(text)
        assert isinstance(first.response.body, Json)
        assert first.response.headers["request-id"] == "12:30:45"
        assert first.response.body.value == {**ANSWER, "content": [{"type": "text", "text": "1:30"}]}

    def test_binary_bodies_are_digits(self) -> None:
        """And what is none of these is named."""
        asked = json.dumps(ASKED)
        old = f"type: json\n      content: {asked}\n"
        (exchange, _), _ = load(change("cassetter (YAML)", old, "type: binary\n      content: 00ff\n"))
        assert exchange.request.body == Binary(b"\x00\xff")
        _, remarks = load(change("cassetter (YAML)", old, "type: binary\n      content: 0x\n"))
        assert remarks == ["interactions[0]: request.body: text or bytes were expected, not list"]

    def test_json_null_and_no_body_at_all(self) -> None:
        """The type `none` is no body; JSON that is null stays what it is."""
        old = f"type: json\n      content: {json.dumps(ASKED)}\n"
        (exchange, _), _ = load(change("cassetter (YAML)", old, "type: none\n"))
        assert exchange.request.body is None
        old = f"      type: json\n      content: {json.dumps(ANSWER, ensure_ascii=False)}\n"
        (exchange, _), _ = load(change("cassetter (YAML)", old, "      type: json\n      content: null\n"))
        assert exchange.response.body == Json(None)
        text = json.dumps("text")
        (exchange, _), _ = load(change("cassetter (YAML)", old, f"      type: json\n      content: {text}\n"))
        assert exchange.response.body == Json("text")

    def test_an_interaction_without_a_request_is_left_out(self) -> None:
        """With the reason."""
        text = change("cassetter (YAML)", "  response:", "  other:")
        assert load(text)[1][0] == "interactions[0]: the response is missing"

    def test_websockets_and_grpc_are_named_as_left_out(self) -> None:
        """Claude's API has neither."""
        more = "ws_interactions: [1, 2]\ngrpc_interactions: {}\n"
        _, remarks = load(SAMPLES["cassetter (YAML)"][1].decode() + more)
        assert remarks == ["ws_interactions: 2 left out: not a Claude exchange (Claude's API is plain HTTP)"]
        _, remarks = load(SAMPLES["cassetter (YAML)"][1].decode() + "grpc_interactions: {a: 1}\n")
        assert remarks == [
            "grpc_interactions: 1 left out: not a Claude exchange (Claude's API is plain HTTP)"
        ]

    def test_toml_that_is_none_is_an_error_with_its_line(self) -> None:
        """As of any other file."""
        text = SAMPLES["cassetter (TOML)"][1].decode()
        assert refusal(text + "[[[\n").startswith(f"c.yaml:{text.count(chr(10)) + 1}: not TOML: ")
        assert refusal(text + "x = '").startswith("c.yaml:1: not TOML: ")


class TestTestAgent:
    def test_bodies_that_are_no_text_are_base64(self) -> None:
        """Behind the word that says so."""
        data = json.dumps("base64:" + base64.b64encode(b"\x00\xff").decode())
        asked = json.dumps(json.dumps(ASKED, ensure_ascii=False, separators=(",", ":")))
        exchanges, _ = load(change("ddapm-test-agent", asked, data))
        assert exchanges[0].request.body == Binary(b"\x00\xff")


class TestHttpmock:
    def test_a_query_belongs_to_the_address(self) -> None:
        """It is kept apart from the path."""
        text = change("httpmock", "query_param: []", "query_param: [{name: a b, value: 1}, {value: x}]")
        assert load(text)[0][0].request.url == f"{URL}?a+b=1"

    def test_bedrock_is_known_by_its_path(self) -> None:
        """No host is kept."""
        text = change("httpmock", "/v1/messages", "/model/us.anthropic.claude-haiku-4-5-v1%3A0/invoke")
        assert load(text)[0][0].request.url.startswith(
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic"
        )

    def test_what_nothing_says_is_claude_s_is_left_out(self) -> None:
        """A path alone is not enough."""
        text = change("httpmock", "anthropic-version", "other").replace("/v1/messages", "/v1/chat")
        assert load(text)[1][0] == "when[0]: not a Claude exchange (no host)"


class TestHttprr:
    def test_a_trace_that_was_cut_is_an_error_with_its_line(self) -> None:
        """Not a shorter trace."""
        content = SAMPLES["httprr"][1]
        assert refusal(content[:-1]).endswith(
            ": two lengths and as many bytes were expected; the file may be cut"
        )
        assert refusal(content + b"x").endswith(
            ": two lengths and as many bytes were expected; the file may be cut"
        )

    def test_an_answer_without_chunks_is_taken_as_it_is(self) -> None:
        """As a status line without a status is."""
        request = f"GET {URL} HTTP/1.1\r\nAnthropic-Version: 2023-06-01\r\n\r\n".encode()
        for response, body in ((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Json({})),):
            trace = b"httprr trace v1\n%d %d\n%b%b" % (len(request), len(response), request, response)
            (exchange,), _ = load(trace)
            assert exchange.response.body == body
        broken = b"HTTP\r\n\r\n"
        trace = b"httprr trace v1\n%d %d\n%b%b" % (len(request), len(broken), request, broken)
        assert "an HTTP status was expected, not None" in remark(trace)


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("Mon, 13 Jul 2026 23:13:07 GMT", "2026-07-13T23:13:07Z"),
        ("Mon, 13 Jul 2026 23:13:07 -0000", "2026-07-13T23:13:07Z"),
        ("2026-08-02 22:26:41", "2026-08-02T22:26:41Z"),
        ("2026-08-02T22:26:41.5+02:00", "2026-08-02T20:26:41Z"),
        ("yesterday", None),
        ("yesterday, noon", None),
        (12, None),
    ],
)
def test_times_are_read_or_left_out(value: object, time: str | None) -> None:
    """Nothing hangs on them, so a strange one is no error."""
    assert read_time(value) == time


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2.1893515s", 2.189), ("1m2.5s", 62.5), ("350ms", 0.35), ("12µs", 0.0), ("1h", 3600.0), ("", None)],
)
def test_durations_of_go_are_read(value: object, seconds: float | None) -> None:
    """To the millisecond, as ours are."""
    assert read_duration(value) == seconds
    assert read_duration(7) is None


def damage(content: bytes, chance: random.Random) -> bytes:
    """The file with a few bytes replaced, repeated, or taken away."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data))
        what = chance.random()
        if what < 0.4:
            data[place : place + chance.randint(1, 30)] = chance.choice(WORDS)
        elif what < 0.7:
            del data[place : place + chance.randint(1, 200)]
        else:
            start = chance.randrange(len(data))
            data[place:place] = data[start : start + chance.randint(1, 300)]
    return bytes(data)


WORDS = (
    b"null",
    b"1",
    b"[]",
    b"{}",
    b"\n- x",
    b"~",
    b"'",
    b'"',
    b": ",
    b"!!binary x",
    b"\xff",
    b"1e999",
    b"&a *a",
)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_damaged_file_is_read_in_part_or_refused_by_name(name: str) -> None:
    """Never anything else than CassetteLoadError, whatever a stranger's file holds."""
    chance = random.Random(name)
    for _ in range(300):
        content = damage(SAMPLES[name][1], chance)
        found = find_format(content)
        if found is None:
            continue
        try:
            found.load(content, "c.yaml")
        except CassetteLoadError as error:
            assert str(error).startswith("c.yaml:")  # noqa: PT017
