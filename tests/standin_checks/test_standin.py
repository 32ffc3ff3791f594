"""The stand-in server answers as Claude does, as the SDK reads it, and visibly to what was asked."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Literal, Optional

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.types import MessageParam
from pydantic import BaseModel, Field

from standin import ClaudeServer, answer_to
from standin.clients import (
    KEY,
    MODEL,
    TOOLS,
    Client,
    make_request,
    read_deltas,
    send_raw,
    text_of,
)


def test_the_answer_depends_on_the_last_user_text(client: Client) -> None:
    """The text quotes the last user text without its directives, so that a wrong answer is visible."""
    history: list[MessageParam] = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "an answer"},
        {"role": "user", "content": [{"type": "text", "text": "second [slow 1]"}]},
    ]
    assert text_of(client.create(history)) == "You said: second"
    assert text_of(client.create("[not a directive] x")) == answer_to("[not a directive] x")


def test_long_texts_are_answered_by_their_beginning_and_a_number() -> None:
    """Two long texts that differ at their end only have different, short answers."""
    answers = [answer_to("word " * 1000 + end) for end in ("a", "b")]
    assert answers[0] != answers[1]
    assert len(answers[0]) < 400


@pytest.mark.parametrize("stream", [False, True])
def test_two_servers_answer_equal_requests_with_equal_bytes(stream: bool) -> None:
    """Body and headers depend on the request and on how many equal ones came before, and on nothing else."""
    body = make_request("hello", {"stream": stream})
    with ClaudeServer() as one, ClaudeServer() as other:
        replies = [[send_raw(each, "POST", "/v1/messages", body) for _ in range(2)] for each in (one, other)]
    assert replies[0] == replies[1]
    assert replies[0][0] != replies[0][1]


def test_ordinal_makes_equal_requests_differ_in_their_text(client: Client) -> None:
    """[ordinal] adds the number of the request on this server."""
    assert [text_of(client.create("[words 1] [ordinal]")).split(" (")[1] for _ in range(2)] == [
        "request 1)",
        "request 2)",
    ]


def test_usage_has_cache_writes_first_and_cache_reads_later(client: Client) -> None:
    """Marked input is written to the cache by the first of equal requests and read by the next."""
    system = [{"type": "text", "text": "Be brief. " * 50, "cache_control": {"type": "ephemeral"}}]
    first, second = (client.create("hello", system=system).usage for _ in range(2))
    assert (first.cache_creation_input_tokens or 0) > 100
    assert first.cache_read_input_tokens == 0
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert first.input_tokens == second.input_tokens
    assert first.service_tier == "standard"


def test_count_tokens_agrees_with_usage(server: ClaudeServer, client: Client) -> None:
    """Counting gives the input tokens that the same conversation is charged."""
    counted = send_raw(server, "POST", "/v1/messages/count_tokens", make_request("hello", {}))
    with Anthropic(base_url=server.url, api_key=KEY) as sdk:
        by_sdk = sdk.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "hello"}])
    usage = client.create("hello").usage
    assert by_sdk.input_tokens == usage.input_tokens == json.loads(counted[2])["input_tokens"]


def test_models_come_in_pages(server: ClaudeServer) -> None:
    """The list of models is paged by `limit` and `after_id`; one model is found by its id."""
    with Anthropic(base_url=server.url, api_key=KEY, max_retries=0) as sdk:
        page = sdk.models.list(limit=2)
        ids = [model.id for model in page]
        assert (page.has_more, page.first_id, page.last_id) == (True, ids[0], ids[1])
        assert len(ids) == 3
        assert sdk.models.retrieve(MODEL).display_name == "Claude Sonnet 5"
        with pytest.raises(anthropic.NotFoundError, match="model: claude-none"):
            sdk.models.retrieve("claude-none")
    assert json.loads(send_raw(server, "GET", f"/v1/models?after_id={ids[2]}", None)[2])["data"] == []


@pytest.mark.parametrize(
    ("prompt", "deltas"),
    [
        ("[echo one\n two 🎉 [x] ]", ["one", "\n two", " 🎉", " [x] "]),
        ("[echo  ]", [" "]),
        ("[echo]", []),
        ("[pieces sk-|a b||\nc]", ["sk-", "a b", "", "\nc"]),
        ("a b", ["You", " said:", " a", " b"]),
    ],
)
def test_text_is_sent_in_the_deltas_asked_for(client: Client, prompt: str, deltas: list[str]) -> None:
    """[echo] and plain answers have one delta per word, [pieces] the given ones; JSON has the same text."""
    assert read_deltas(client, prompt) == deltas
    assert text_of(client.create(prompt)) == "".join(deltas)


def test_words_and_lines_are_counted(client: Client) -> None:
    """[words N] gives N words and [lines N] N lines, one delta each, that differ with the text."""
    deltas = read_deltas(client, "[words 40] a")
    assert len(deltas) == len("".join(deltas).split()) == 40
    assert read_deltas(client, "[words 40] b") != deltas
    lines = read_deltas(client, "[lines 3] a")
    assert len(lines) == len("".join(lines).splitlines()) == 3


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "pause_turn"])
def test_stop_reasons_are_given_as_asked(client: Client, reason: str) -> None:
    """[stop REASON] is the stop reason of JSON answers and streams."""
    prompt = f"hello [stop {reason}]"
    assert [client.create(prompt).stop_reason, client.stream(prompt, id).stop_reason] == [reason, reason]


def test_a_stop_sequence_is_one_of_the_request(client: Client) -> None:
    """[stop stop_sequence] names the first of the request's stop sequences."""
    message = client.create("[stop stop_sequence]", stop_sequences=["END"])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")


def test_tools_are_called_in_parallel(client: Client) -> None:
    """Several [tool] directives give text and as many calls; their input streams in several pieces."""
    prompt = 'Go. [tool weather {"city": "Ürümqi", "days": [1, 2]}] [tool clock]'
    pieces: list[str] = []
    whole = client.create(prompt, tools=TOOLS)
    streamed = client.stream(
        prompt, lambda event: pieces.append(event.type) if event.type == "input_json" else None, tools=TOOLS
    )
    calls = [(block.name, block.input) for block in whole.content if block.type == "tool_use"]
    assert calls == [("weather", {"city": "Ürümqi", "days": [1, 2]}), ("clock", {})]
    assert calls == [(block.name, block.input) for block in streamed.content if block.type == "tool_use"]
    assert text_of(whole) == text_of(streamed) == "I will use weather and clock."
    assert whole.stop_reason == streamed.stop_reason == "tool_use"
    assert len(pieces) > 4
    assert len({block.id for block in whole.content if block.type == "tool_use"}) == 2


def test_tool_results_are_quoted_and_may_call_the_next_tool(client: Client) -> None:
    """After tool results the text quotes them; a directive in one of them is followed."""
    content: list[Any] = [
        {"type": "tool_result", "tool_use_id": "a", "content": "21 degrees [tool clock]"},
        {
            "type": "tool_result",
            "tool_use_id": "b",
            "content": [{"type": "text", "text": "rain"}, {"type": "image"}],
        },
        {"type": "tool_result", "tool_use_id": "c", "content": "no", "is_error": True},
        {"type": "tool_result", "tool_use_id": "d"},
    ]
    message = client.create([{"role": "user", "content": content}], tools=TOOLS)
    assert text_of(message) == "The tool answered: 21 degrees; rain <image>; (error) no; "
    assert [block.name for block in message.content if block.type == "tool_use"] == ["clock"]


@pytest.mark.skipif(not hasattr(anthropic, "beta_tool"), reason="this SDK has no tool runner")
@pytest.mark.parametrize("options", [{}, {"stream": True}])
def test_the_tool_runner_reaches_its_last_answer(server: ClaudeServer, options: dict[str, Any]) -> None:
    """The SDK's tool runner calls the tools it is asked to, turn by turn, until an answer calls none."""

    @anthropic.beta_tool
    def look_up(city: str) -> str:
        """Look a city up."""
        return f"rain in {city}" + (' [tool look_up {"city": "Bern"}]' if city == "Rome" else "")

    with Anthropic(base_url=server.url, api_key=KEY, max_retries=0) as sdk:
        prompt = 'How is it? [tool look_up {"city": "Rome"}]'
        runner: Any = sdk.beta.messages.tool_runner(**make_request(prompt, {"tools": [look_up], **options}))
        last = runner.until_done()
    assert last.content[0].text == "The tool answered: rain in Bern"
    assert server.count == 3


@pytest.mark.parametrize("kind", [{"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}])
def test_thinking_comes_signed_before_the_text(client: Client, kind: dict[str, Any]) -> None:
    """A request with thinking is answered by a signed thinking block, and then the text."""
    events: list[str] = []
    whole = client.create("hello", thinking=kind)
    streamed = client.stream("hello", lambda event: events.append(event.type), thinking=kind)
    for message in (whole, streamed):
        thinking = message.content[0]
        assert thinking.type == "thinking"
        assert thinking.thinking == "The user says: hello"
        assert len(thinking.signature) > 200
        assert text_of(message) == "You said: hello"
    assert {"thinking", "signature"} <= set(events)


def test_omitted_thinking_is_signed_only(client: Client) -> None:
    """With `display: omitted` the thinking block is empty, but signed."""
    thinking = client.create("hello", thinking={"type": "adaptive", "display": "omitted"}).content[0]
    assert thinking.type == "thinking"
    assert (thinking.thinking, thinking.signature != "") == ("", True)


class City(BaseModel):
    """A schema with each kind of member the server knows, and one that contains itself."""

    name: str
    kind: Literal["town", "village"]
    planet: Literal["Earth"]
    people: int
    area: float
    is_old: bool
    founded: date
    mayor: Optional[str] = None  # noqa: UP045
    nothing: None = None
    tags: list[str] = Field(min_length=1)
    parts: list[City] = Field(default=[])
    twin: City | None = None


@pytest.mark.skipif(not hasattr(anthropic.resources.Messages, "parse"), reason="this SDK has no parse")
def test_structured_output_satisfies_its_schema(server: ClaudeServer, client: Client) -> None:
    """A JSON schema in the request makes the text parse as it; the same by `output_format`."""
    with Anthropic(base_url=server.url, api_key=KEY, max_retries=0) as sdk:
        request: Any = make_request("Where?", {})
        parsed = sdk.messages.parse(**request, output_format=City).parsed_output
        beta = sdk.beta.messages.parse(**request, output_format=City).parsed_output
    assert isinstance(parsed, City)
    assert parsed == beta
    assert (parsed.name, parsed.planet, parsed.mayor) == ("name for Where?", "Earth", "mayor for Where?")
    old_name = {
        "output_format": {"type": "json_schema", "schema": {"type": ["integer", "null"], "maximum": 3}}
    }
    assert int(text_of(client.create("Where?", extra_body=old_name))) <= 3


def test_tool_calls_beside_a_schema_have_no_text(client: Client) -> None:
    """Text that is no JSON never stands in an answer to a request with a schema."""
    schema = {"type": "json_schema", "schema": {"type": "string"}}
    message = client.create("[tool clock]", tools=TOOLS, extra_body={"output_config": {"format": schema}})
    assert [block.type for block in message.content] == ["tool_use"]
