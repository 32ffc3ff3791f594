"""What the API declares to mean the same has one fingerprint; what only looks alike has not."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from claude_replay.api import identify
from claude_replay.exchange import Binary, Body, Event, EventStream, Json, JsonLines, Request, Text
from claude_replay.normalize import CACHING, MATCHING, RULES_VERSION, Rules, canonicalize
from traffic import URL, make_body, make_full_body, make_request

TEXT = {"type": "text", "text": "Hello"}
MARK = {"cache_control": {"type": "ephemeral"}}
TOOL: dict[str, Any] = {"name": "t", "input_schema": {"type": "object", "properties": {"cache_control": {}}}}
AUTO = {"type": "auto"}
FORMAT = {"type": "json_schema", "schema": {"type": "object"}}


def fingerprint(body: object, **headers: str) -> str:
    """The fingerprint of a Messages request."""
    return canonicalize(make_request(body, **headers), MATCHING).fingerprint


def fingerprint_at(url: str, method: str = "POST", body: object = None) -> str:
    """The fingerprint of a request to any endpoint."""
    return canonicalize(make_request(body, url=url, method=method), MATCHING).fingerprint


def result(**fields: Any) -> dict[str, Any]:
    """A conversation whose last message is the result of a tool."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "t", "input": {}}
    return {
        **make_body(),
        "messages": [
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", **fields}]},
        ],
    }


def converse(*blocks: dict[str, Any]) -> dict[str, Any]:
    """A request with these blocks, each in a message of its own."""
    return {**make_body(), "messages": [{"role": "user", "content": [block]} for block in blocks]}


def use(name: str, kind: str = "tool_use") -> dict[str, Any]:
    """A call of a tool."""
    return {"type": kind, "id": name, "name": "t", "input": {"id": name}}


def answer(name: str, kind: str = "tool_result", **fields: Any) -> dict[str, Any]:
    """The result of a tool."""
    return {"type": kind, "tool_use_id": name, "content": "x", **fields}


EQUAL: dict[str, tuple[object, object]] = {
    "key order": (make_body(system="x"), {"system": "x", **dict(reversed(make_body().items()))}),
    "content": (make_body("Hello"), make_body([TEXT])),
    "system": (make_body(system="Hello"), make_body(system=[TEXT])),
    "tool result": (result(content="Hello"), result(content=[TEXT])),
    "marked block": (make_body("Hello"), make_body([{**TEXT, **MARK}])),
    "stream": (make_body(), make_body(stream=False)),
    "tool choice": (make_body(tools=[TOOL]), make_body(tools=[TOOL], tool_choice=AUTO)),
    "parallel tools": (
        make_body(tools=[TOOL], tool_choice={"type": "any"}),
        make_body(tools=[TOOL], tool_choice={"type": "any", "disable_parallel_tool_use": False}),
    ),
    "both": (
        make_body(tools=[TOOL]),
        make_body(tools=[TOOL], tool_choice={**AUTO, "disable_parallel_tool_use": False}),
    ),
    "no error": (result(content="x"), result(content="x", is_error=False)),
    "numbers": (make_body(temperature=1, top_k=-0.0), make_body(temperature=1.0, top_k=0)),
    "numbers in tools": (
        converse({**use("a"), "input": {"n": [5]}}),
        converse({**use("a"), "input": {"n": [5.0]}}),
    ),
    "output format": (make_body(output_format=FORMAT), make_body(output_config={"format": FORMAT})),
    "output format and effort": (
        make_body(output_format=FORMAT, output_config={"effort": "low"}),
        make_body(output_config={"effort": "low", "format": FORMAT}),
    ),
    "ids": (converse(use("a"), use("b"), answer("b")), converse(use("x"), use("y"), answer("y"))),
    "ids of server tools": (
        converse(use("srv_1", "server_tool_use"), answer("srv_1", "web_search_tool_result")),
        converse(use("srv_2", "server_tool_use"), answer("srv_2", "web_search_tool_result")),
    ),
    "ids of MCP tools": (
        converse(use("mcp_1", "mcp_tool_use"), answer("mcp_1", "mcp_tool_result")),
        converse(use("mcp_2", "mcp_tool_use"), answer("mcp_2", "mcp_tool_result")),
    ),
    "ids of callers": (
        converse(use("a", "server_tool_use"), {**use("b"), "caller": {"type": "code", "tool_id": "a"}}),
        converse(use("x", "server_tool_use"), {**use("b"), "caller": {"type": "code", "tool_id": "x"}}),
    ),
    "metadata": (make_body(), make_body(metadata={"user_id": "u"})),
    "diagnostics": (make_body(), make_body(diagnostics={"previous_message_id": None})),
    "mark at the top": (make_body(), make_body(**MARK)),
    "mark on a tool": (make_body(tools=[TOOL]), make_body(tools=[{**TOOL, **MARK}])),
    "mark that is null": (make_body([TEXT]), make_body([{**TEXT, "cache_control": None}])),
}
# The ids above are also in the inputs, where they count: there they are made equal.
for name in [name for name in EQUAL if name.startswith("ids")]:
    EQUAL[name] = json.loads(json.dumps(EQUAL[name]).replace('{"id": ', '{"was": '))
    for body in EQUAL[name]:
        for message in body["messages"]:  # type: ignore[index]
            message["content"][0].get("input", {}).clear()

DIFFERENT: dict[str, tuple[object, object]] = {
    "text": (make_body("Hello"), make_body("Hello ")),
    "several texts": (make_body("HelloHello"), make_body([TEXT, TEXT])),
    "text with citations": (make_body("Hello"), make_body([{**TEXT, "citations": None}])),
    "empty text": (make_body(""), make_body([{"type": "text", "text": ""}])),
    "empty content": (make_body(""), make_body([])),
    "empty system": (make_body(), make_body(system="")),
    "null system": (make_body(), make_body(system=None)),
    "empty result": (result(), result(content="")),
    "a result of nothing": (result(content=""), result(content=[])),
    "order of messages": (converse(TEXT, use("a")), converse(use("a"), TEXT)),
    "true and 1": (make_body(x=True), make_body(x=1)),
    "false and 0": (make_body(x=False), make_body(x=0.0)),
    "1 and text": (make_body(x=1), make_body(x="1")),
    "1.0 in a text": (make_body("1.0"), make_body("1")),
    "large numbers": (make_body(x=2**53 + 1), make_body(x=float(2**53))),
    "null and absent": (make_body(), make_body(temperature=None)),
    "stream": (make_body(), make_body(stream=True)),
    "stream as a number": (make_body(), make_body(stream=0)),
    "stream as null": (make_body(), make_body(stream=None)),
    "choice without tools": (make_body(), make_body(tool_choice=AUTO)),
    "another choice": (make_body(tools=[TOOL]), make_body(tools=[TOOL], tool_choice={"type": "any"})),
    "one tool at a time": (
        make_body(tools=[TOOL]),
        make_body(tools=[TOOL], tool_choice={**AUTO, "disable_parallel_tool_use": True}),
    ),
    "no choice": (
        make_body(tools=[TOOL], tool_choice={"type": "none"}),
        make_body(tools=[TOOL], tool_choice={"type": "none", "disable_parallel_tool_use": False}),
    ),
    "choice as text": (make_body(tools=[TOOL]), make_body(tools=[TOOL], tool_choice="auto")),
    "an error": (result(content="x"), result(content="x", is_error=True)),
    "no error elsewhere": (
        converse(answer("a", "mcp_tool_result")),
        converse(answer("a", "mcp_tool_result", is_error=False)),
    ),
    "no error as a number": (result(content="x"), result(content="x", is_error=0)),
    "text of an MCP result": (
        converse(answer("a", "mcp_tool_result", content="x")),
        converse(answer("a", "mcp_tool_result", content=[{"type": "text", "text": "x"}])),
    ),
    "both formats": (
        make_body(output_format=FORMAT, output_config={"format": {}}),
        make_body(output_config={"format": FORMAT}),
    ),
    "format as null": (make_body(), make_body(output_format=None)),
    "config as null": (make_body(output_format=FORMAT, output_config=None), make_body(output_format=FORMAT)),
    "another call's result": (
        converse(use("a"), use("b"), answer("a"), answer("b")),
        converse(use("a"), use("b"), answer("b"), answer("a")),
    ),
    "nobody's result": (converse(use("a"), answer("a")), converse(use("a"), answer("z"))),
    "two results of one call": (
        converse(use("a"), answer("a"), answer("a")),
        converse(use("a"), answer("a"), answer("b")),
    ),
    "an id in an input": (
        converse({**use("a"), "input": {"id": "a"}}),
        converse({**use("a"), "input": {"id": "b"}}),
    ),
    "an id as null": (converse(use("a")), converse({**use("a"), "id": None})),
    "another caller": (
        converse(use("a"), use("b"), {**use("c"), "caller": {"type": "code", "tool_id": "a"}}),
        converse(use("a"), use("b"), {**use("c"), "caller": {"type": "code", "tool_id": "b"}}),
    ),
    "mark in an input": (converse(use("a")), converse({**use("a"), "input": {"id": "a", **MARK}})),
    "mark in a schema": (
        make_body(tools=[{**TOOL, "input_schema": {}}]),
        make_body(tools=[{**TOOL, "input_schema": MARK}]),
    ),
    "a tool called mark": (
        make_body(tools=[{"type": "mcp_toolset", "configs": {}}]),
        make_body(tools=[{"type": "mcp_toolset", "configs": MARK}]),
    ),
    "mark in a format": (make_body(output_config={"format": {}}), make_body(output_config={"format": MARK})),
    "mark in the future": (make_body(new={}), make_body(new=MARK)),
    "metadata of a tool": (make_body(tools=[TOOL]), make_body(tools=[{**TOOL, "metadata": {}}])),
    "metadata of a block": (make_body([TEXT]), make_body([{**TEXT, "metadata": {}}])),
    "diagnostics of a message": (
        converse(TEXT),
        {**converse(TEXT), "messages": [{**converse(TEXT)["messages"][0], "diagnostics": {}}]},
    ),
    "a field of the future": (make_body(), make_body(creativity=0)),
}


@pytest.mark.parametrize("name", EQUAL)
def test_what_means_the_same_has_one_fingerprint(name: str) -> None:
    """Each equivalence that the API declares, and each field that cannot change an answer."""
    one, other = EQUAL[name]

    assert one != other or list(map(repr, [one])) != list(map(repr, [other]))
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_may_mean_something_else_has_another(name: str) -> None:
    """What looks like an equivalence and is none; nothing is forgotten that may change an answer."""
    one, other = DIFFERENT[name]

    assert fingerprint(one) != fingerprint(other)


def test_marks_are_left_out_wherever_they_are_allowed() -> None:
    """A request with every kind of block is the same without any; an input keeps what looks like one."""
    body = make_full_body()
    bare = json.loads(
        json.dumps(body).replace('"cache_control": {"type": "ephemeral", "ttl": "1h"}', '"gone": 1')
    )

    def drop(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: drop(item) for key, item in value.items() if key != "gone"}
        return [drop(item) for item in value] if isinstance(value, list) else value

    assert json.dumps(drop(bare)).count("cache_control") == json.dumps(body).count("cache_control") - 12
    assert fingerprint(drop(bare)) == fingerprint(body)


@pytest.mark.parametrize("field", ["metadata", "cache_control", "diagnostics"])
def test_an_ignored_field_can_be_brought_back(field: str) -> None:
    """`!name` makes it count again, everywhere it was left out."""
    rules = MATCHING.with_ignored([f"!{field}"])
    plain, more = make_request(make_body()), make_request(make_body(**{field: {"x": 1}}))

    assert canonicalize(plain, rules).fingerprint == canonicalize(plain, MATCHING).fingerprint
    assert canonicalize(plain, rules).fingerprint != canonicalize(more, rules).fingerprint
    if field == "cache_control":
        marked, marked_tool = make_body([{**TEXT, **MARK}]), make_body(tools=[{**TOOL, **MARK}])
        assert canonicalize(make_request(marked), rules) != canonicalize(
            make_request(make_body([TEXT])), rules
        )
        assert canonicalize(make_request(marked_tool), rules) != canonicalize(
            make_request(make_body(tools=[TOOL])), rules
        )


def test_betas_are_a_set() -> None:
    """Their order, spacing and repetition mean nothing, each one does."""
    plain = fingerprint(make_body())
    two = fingerprint(make_body(), anthropic_beta="a-1,b-2")

    assert two == fingerprint(make_body(), anthropic_beta=" b-2, a-1,,a-1")
    assert len({plain, two, fingerprint(make_body(), anthropic_beta="a-1")}) == 3
    assert fingerprint(make_body(), anthropic_beta="") == plain


def test_other_headers_and_hosts_mean_nothing() -> None:
    """Credentials, versions and where the request goes are not what was asked."""
    one = make_request(make_body(), anthropic_version="2023-06-01", authorization="Bearer x", user_agent="a")
    other = make_request(make_body(), url="http://127.0.0.1:8080/gateway/v1/messages?beta=true", accept="*/*")

    assert canonicalize(one, MATCHING) == canonicalize(other, MATCHING)


def test_the_endpoint_means_something() -> None:
    """The same body asked of another endpoint, with another method or query, is another request."""
    host = "https://api.anthropic.com"
    urls = [
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/complete",
        "/v1/messages?x=1",
        "/v1/messages?x=2",
    ]
    found = [fingerprint_at(host + url, body=make_body()) for url in urls]
    found += [fingerprint_at(f"{host}/v1/models/{name}", "GET") for name in ("a", "b")]

    assert len(set(found)) == 7
    assert fingerprint_at(f"{host}/v1/models?limit=1&after=b", "GET") == fingerprint_at(
        f"{host}/v1/models?after=b&limit=1", "GET"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-x/invoke",
        "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/anthropic/models/x:rawPredict",
        f"{URL}/count_tokens",
    ],
)
def test_equivalences_hold_wherever_messages_are_taken(url: str) -> None:
    """Counting, Bedrock and Vertex take the same body under other paths."""
    assert fingerprint_at(url, body=make_body("Hello")) == fingerprint_at(url, body=make_body([TEXT]))


def test_equivalences_hold_for_messages_only() -> None:
    """What other endpoints make of `metadata` or of a text nobody declared."""
    url = "https://api.anthropic.com/v1/messages/batches"

    assert fingerprint_at(url, body={"metadata": 1}) != fingerprint_at(url, body={})
    assert fingerprint_at(url, body=make_body("Hello")) != fingerprint_at(url, body=make_body([TEXT]))
    assert fingerprint_at(url, body={"n": 1.0}) == fingerprint_at(url, body={"n": 1})


def upload(boundary: str, content: bytes) -> Request:
    """A file as clients upload it."""
    name = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    data = name.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    body: Body = Binary(data) if b"\xff" in content else Text(data.decode())
    return Request("POST", "https://api.anthropic.com/v1/files", {}, body)


@pytest.mark.parametrize("content", [b"text\r\n--", b"\xff\x00"])
def test_the_boundary_of_an_upload_means_nothing(content: bytes) -> None:
    """Clients draw it at random; the file itself counts, byte by byte."""
    one, other = (canonicalize(upload(name, content), MATCHING) for name in ("a1b2", "c3"))

    assert one == other
    assert one != canonicalize(upload("a1b2", content + b"."), MATCHING)


@pytest.mark.parametrize(
    "body", [Text("x"), Text("--x"), Binary(b"\xff"), EventStream((Event("a", 1),)), None]
)
def test_other_bodies_are_compared_as_they_stand(body: Body) -> None:
    """Text, bytes and the like have a form of their own, which no JSON has."""
    request = Request("POST", URL, {}, body)
    one = canonicalize(request, MATCHING)
    others: list[Body] = [
        Text("y"),
        Binary(b"\xfe"),
        EventStream(()),
        Json(None),
        Json({"text": "x"}),
        Json("x"),
    ]

    assert one == canonicalize(request, MATCHING)
    assert one.fingerprint not in {
        canonicalize(Request("POST", URL, {}, other), MATCHING).fingerprint for other in others
    }


@pytest.mark.parametrize(
    "value", [[], "text", 5, {"messages": "x"}, {"messages": ["x", {"role": 1}], "tools": 1}]
)
def test_bodies_of_no_known_shape_are_kept(value: object) -> None:
    """What is no Messages request is compared as it stands."""
    form = canonicalize(make_request(value), MATCHING).form

    assert form["body"] == value


def test_the_request_itself_is_not_changed() -> None:
    """A body is a value: its canonical form is a copy."""
    request = make_request(make_full_body())
    before = json.dumps(request.json)

    canonicalize(request, MATCHING)

    assert json.dumps(request.json) == before


def test_the_fingerprint_is_that_of_the_form() -> None:
    """SHA-256 of the form as compact JSON with sorted keys: other programs can compute it."""
    request = make_request(make_full_body(), anthropic_beta="b,a")
    endpoint = identify("POST", URL, {})
    canonical = canonicalize(request, MATCHING, endpoint)
    text = json.dumps(canonical.form, sort_keys=True, separators=(",", ":"))

    assert canonical.fingerprint == hashlib.sha256(text.encode()).hexdigest()
    assert canonical == canonicalize(request, MATCHING)
    assert list(canonical.form) == ["operation", "query", "betas", "body"]


# A change here gives recorded requests other fingerprints, so their ids in cassettes say nothing any more:
# it needs RULES_VERSION + 1.
def test_lines_of_json_mean_what_each_of_them_means() -> None:
    """Order counts, spelling does not; and they are no list."""

    def lines(*values: object) -> str:
        request = Request("POST", "https://api.anthropic.com/v1/imports", {}, JsonLines(values))
        return canonicalize(request, MATCHING).fingerprint

    assert lines({"a": 1, "b": 2}, 3) == lines({"b": 2.0, "a": 1.0}, 3.0)
    assert lines(1, 2) != lines(2, 1)


@pytest.mark.parametrize("rules", [MATCHING, CACHING], ids=["matching", "caching"])
@pytest.mark.parametrize("body", [[1, 2.0], "text", 3])
def test_a_body_that_is_no_object_is_compared_as_well(body: object, rules: Rules) -> None:
    """Claude would refuse it, and the refusal may be recorded."""
    one, equal, other = (
        canonicalize(make_request(item), rules).fingerprint for item in (body, body, [body, body])
    )
    assert one == equal != other


PINNED: dict[str, tuple[Request, str]] = {
    "one text": (make_request(make_body()), "ed98c67033806cf2"),
    "a stream": (
        make_request(make_body("Grüße 🎉\n", stream=True), anthropic_beta="b-2,a-1"),
        "43c3d07b2754b2b0",
    ),
    "every block": (make_request(make_full_body()), "1c39d8d1ef98f727"),
    "a tool": (make_request(make_body(tools=[TOOL], tool_choice=AUTO, temperature=1.0)), "f28625793f59ff2c"),
    "a tool loop": (make_request(result(content="Hello", is_error=False)), "da5b47eb889244d2"),
    "a format": (make_request(make_body(output_format=FORMAT)), "f589a6fc629e2cd1"),
    "a count": (make_request(make_body(), url=f"{URL}/count_tokens"), "d55b85bb51bf55c4"),
    "models": (
        make_request(None, url="https://api.anthropic.com/v1/models?limit=2", method="GET"),
        "0af43da4a01c53e0",
    ),
    "a batch": (make_request({"requests": []}, url=f"{URL}/batches?beta=true"), "5c352eca27fe733c"),
    "an upload": (upload("b", b"text"), "67b58e7206085776"),
    "an upload of bytes": (upload("b", b"\xff"), "32ec9c5062a2bccc"),
    "Bedrock": (make_request(make_body(), url="https://x.example/model/claude-x/invoke"), "5db1b307567d3eca"),
    "Vertex": (
        make_request(make_body(), url="https://x.example/v1/publishers/anthropic/models/x:rawPredict"),
        "0896983214d838bf",
    ),
}


def test_fingerprints_stay_what_they_are() -> None:
    """Cassettes hold ids made of fingerprints; with another one goes another version of the rules."""
    assert RULES_VERSION == 1
    found = {name: canonicalize(request, MATCHING).fingerprint[:16] for name, (request, _) in PINNED.items()}
    assert found == {name: expected for name, (_, expected) in PINNED.items()}
