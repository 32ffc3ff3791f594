"""The stand-in server fails in each way it is asked to."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from standin import ClaudeServer, DirectiveError
from standin.clients import (
    KEY,
    MODEL,
    TOOLS,
    Client,
    make_request,
    send_raw,
    text_of,
)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_statuses_come_with_the_error_json_of_the_api(client: Client, status: int, kind: str) -> None:
    """[status N] fails JSON and stream requests alike, with a typed error and the request's id."""
    prompt = f"[status {status}]"
    for is_stream in (False, True):
        with pytest.raises(anthropic.APIStatusError) as caught:
            _ = client.stream(prompt, id) if is_stream else client.create(prompt)
        body: Any = caught.value.body
        assert (caught.value.status_code, body["error"]["type"]) == (status, kind)
        assert body["request_id"] == caught.value.response.headers["request-id"]


def test_once_fails_first_and_succeeds_when_retried(server: ClaudeServer, client: Client) -> None:
    """[once N TIMES] fails that often for one body, so that the SDK's retries get through."""
    assert text_of(client.create("hi [once 529 2] [retry-after 0.001]", retries=2)) == "You said: hi"
    assert server.count == 3
    with pytest.raises(anthropic.RateLimitError) as caught:
        client.create("hi [once 429]")
    assert caught.value.response.headers["retry-after"] == "1"
    assert text_of(client.create("hi [once 429]")) == "You said: hi"


def test_rejected_keys_get_401(server: ClaudeServer, client: Client) -> None:
    """A key in `rejected_keys` is refused, whichever header it is in, and accepted when taken out again."""
    server.rejected_keys.add(KEY)
    with pytest.raises(anthropic.AuthenticationError):
        client.create("hello")
    for headers in ({"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}, {"authorization": KEY}):
        assert send_raw(server, "GET", "/v1/models", None, headers=headers)[0] == 401
    server.rejected_keys.clear()
    assert text_of(client.create("hello")) == "You said: hello"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/v1/messages", b"{", 400, "The request body is not valid JSON."),
        ("POST", "/v1/messages", {"model": MODEL}, 400, "max_tokens: Field required"),
        ("POST", "/v1/messages/count_tokens", {"model": MODEL}, 400, "messages: Field required"),
        ("POST", "/v1/messages/count_tokens", {"model": "x", "messages": []}, 400, "at least one message"),
        ("GET", "/v1/messages", None, 405, "Method not allowed"),
        ("DELETE", "/v1/models", None, 405, "Method not allowed"),
        ("POST", "/v1/complete", {}, 404, "Not found"),
        ("GET", "/v2/models/x", None, 404, "Not found"),
    ],
)
def test_what_the_api_would_refuse_is_refused(
    server: ClaudeServer, method: str, path: str, body: object, status: int, message: str
) -> None:
    """Broken bodies, missing fields, unknown routes and wrong methods get the API's error JSON."""
    reply = send_raw(server, method, path, body)
    assert reply[0] == status
    assert message in json.loads(reply[2])["error"]["message"]


@pytest.mark.parametrize("content", [None, "", [1, {"type": "image"}]])
def test_a_turn_without_text_is_answered_all_the_same(server: ClaudeServer, content: object) -> None:
    """A last user message may hold no text at all."""
    body = {"model": MODEL, "max_tokens": 1, "messages": [{"role": "user", "content": content}]}
    reply = json.loads(send_raw(server, "POST", "/v1/messages", body)[2])
    assert reply["content"] == [{"type": "text", "text": "You said: "}]


@pytest.mark.parametrize(
    "directive",
    [
        "[words many]",
        "[words 3",
        "[status 200]",
        "[once]",
        "[stop never]",
        "[retry-after ]",
        "[ordinal 3]",
        "[tool ]",
        "[tool clock {]",
        "[tool clock {} 3]",
        "[tool knife]",
    ],
)
def test_a_wrong_directive_is_named_in_a_400(client: Client, directive: str) -> None:
    """A directive that cannot be followed never passes as plain text."""
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.create(f"hello {directive}", tools=TOOLS)
    assert directive.rstrip("]").split()[0] in str(caught.value)


def test_scripted_faults_strike_once_each(server: ClaudeServer, client: Client) -> None:
    """`script` gives directives to the next requests in turn, on every route, on top of their own."""
    server.script("[status 529]", "", "[status 500]", "[stop max_tokens]")
    with pytest.raises(anthropic.APIStatusError):
        client.create("hello")
    assert text_of(client.create("hello")) == "You said: hello"
    assert send_raw(server, "GET", "/v1/models", None)[0] == 500
    message = client.create("[words 2]")
    assert (message.stop_reason, len(text_of(message).split())) == ("max_tokens", 2)
    assert client.create("hello").stop_reason == "end_turn"
    with pytest.raises(DirectiveError, match="'529' is not a directive"):
        server.script("529")


def test_an_error_event_ends_a_stream(client: Client) -> None:
    """[error-after K] sends K deltas, then an overloaded_error event; what it said before was received."""
    seen: list[str] = []
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.stream("[error-after 2] a b", lambda event: seen.append(event.type))
    assert "overloaded_error" in str(caught.value.body)
    assert seen.count("content_block_delta") == 2


@pytest.mark.parametrize(("count", "received"), [(0, 0), (2, 2), (99, 4)])
def test_a_cut_stream_ends_without_its_final_chunk(client: Client, count: int, received: int) -> None:
    """[cut-after K] closes the connection after K deltas, or after all of them but before the block's end."""
    seen: list[str] = []
    with pytest.raises(Exception, match="incomplete chunked read"):
        client.stream(f"[cut-after {count}] a b", lambda event: seen.append(event.type))
    assert seen.count("content_block_delta") == received
    assert "content_block_stop" not in seen


def test_a_cut_comes_where_there_are_no_deltas(client: Client) -> None:
    """A stream without any delta is cut before its last two events."""
    seen: list[str] = []
    with pytest.raises(Exception, match="incomplete chunked read"):
        client.stream("[cut-after 1] [echo]", lambda event: seen.append(event.type))
    assert seen[-1] == "content_block_stop"


def test_json_answers_are_cut_short_or_not_sent(client: Client) -> None:
    """[cut-json] sends less than its content-length; [cut-after] closes a JSON request without an answer."""
    with pytest.raises(anthropic.APIConnectionError) as caught:
        client.create("[cut-json]")
    assert "without sending complete message body" in str(caught.value.__cause__)
    with pytest.raises(anthropic.APIConnectionError) as caught:
        client.create("[cut-after 0]")
    assert "disconnected without sending a response" in str(caught.value.__cause__)


@pytest.mark.parametrize("fault", ["[hang-after 2]", "[slow 600000]"])
def test_a_hanging_stream_ends_with_the_server(server: ClaudeServer, client: Client, fault: str) -> None:
    """A client receives what was sent before a silence, and closing the server ends both."""
    seen: list[str] = []

    def close_server(event: Any) -> None:
        seen.append(event.type)
        if seen.count("content_block_delta") == 2 or "slow" in fault:
            server.close()

    with pytest.raises(Exception, match="incomplete chunked read"):
        client.stream(f"{fault} a b c", close_server)
    assert seen.count("content_block_delta") == (2 if "hang" in fault else 0)


@pytest.mark.parametrize("stream", [False, True])
def test_a_hanging_answer_ends_with_its_client(server: ClaudeServer, stream: bool) -> None:
    """A client that gives up leaves nothing behind on the server, which serves and closes as ever."""
    with Anthropic(base_url=server.url, api_key=KEY, max_retries=0, timeout=0.05) as sdk:
        with pytest.raises(Exception, match="timed out"):
            list(sdk.messages.create(**make_request("[hang-after 0]", {"stream": stream})))
        assert text_of(sdk.with_options(timeout=60).messages.create(**make_request("a", {}))) == "You said: a"


def test_a_client_that_leaves_a_stream_early_does_no_harm(server: ClaudeServer) -> None:
    """A stream that nobody reads to its end breaks nothing, however much of it is left."""
    with Anthropic(base_url=server.url, api_key=KEY, max_retries=0) as sdk:
        request: Any = make_request("[words 20000]", {"stream": True})
        with sdk.messages.create(**request) as stream:
            next(iter(stream))
        assert text_of(sdk.messages.create(**make_request("a", {}))) == "You said: a"
