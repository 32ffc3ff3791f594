"""What makes two requests different, and what is not looked up at all."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from cache.asking import make_client, text_of
from claude_replay import ResponseCache
from claude_replay.api import Endpoint, identify
from claude_replay.cache.keys import HEADERS_LEFT_OUT, Bypass, Question, Sender, Sent
from claude_replay.cache.keys import ask as find_key
from mutations import is_content, is_equivalent, is_renamed, list_mutations, put, spell, walk
from sdk_ways import ask, drive
from standin import ClaudeServer
from traffic import CORPUS, load_corpus, make_body, make_full_body

SENDER = Sender("Anthropic", "https://api.anthropic.com", {"anthropic-version": "2023-06-01"})
ENDPOINT = Endpoint("messages", takes_messages=True)


def key_of(body: object, headers: dict[str, str] | None = None, sender: Sender = SENDER, **asked: Any) -> str:
    """The key of a request, or why it has none."""
    found = find_key(Sent(sender, ENDPOINT, headers or {}, body), **asked)
    return found.key if isinstance(found, Question) else f"bypass: {found.reason}"


def make_cacheable_body() -> dict[str, Any]:
    """The request with everything, without what is never looked up."""
    body = make_full_body()
    for name in ("container", "mcp_servers"):
        del body[name]
    body["tools"] = body["tools"][:2]
    body["messages"][3]["content"].pop()
    return body


def find_undetected(body: Any) -> list[str]:
    """The changes that leave the key as it was although they mean something."""
    before = key_of(body)
    assert not before.startswith("bypass")
    return [
        f"{spell(path)} {what}"
        for path, value, what, changed in list_mutations(body)
        if key_of(put(body, path, changed)) == before
        and not spell(path).startswith(".stream")
        and what != "without stream"
        and not is_equivalent(path, value, what, changed)
        and not is_renamed(body, path, value, changed)
        and not (what == "as a text block" and is_content(body, path))
    ]


@pytest.mark.parametrize("body", [make_cacheable_body(), make_body()], ids=["every block", "one text"])
def test_no_change_outside_the_list_keeps_the_key(body: Any) -> None:
    """Whatever changes in a request, in one place, is another request."""
    assert find_undetected(body) == []


@pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS names no folder")
def test_no_change_of_recorded_requests_keeps_the_key() -> None:
    """The same for what was once sent to the API, where that can be cached."""
    bodies = [
        exchange.request.json
        for _, exchange in load_corpus()
        if (endpoint := identify(exchange.request.method, exchange.request.url, {"anthropic-version": ""}))
        and endpoint.operation == "messages"
        and not key_of(exchange.request.json).startswith("bypass")
    ]

    assert len(bodies) > 150
    assert [found for body in bodies if (found := find_undetected(body))] == []


def test_numbers_in_a_prompt_stay_as_they_are_written() -> None:
    """Claude may see 1.0 where another text says 1; of a parameter both are the same."""
    body = make_body()
    tool = {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}}
    asked = {**body, "messages": [{"role": "assistant", "content": [tool]}]}
    other = {**body, "messages": [{"role": "assistant", "content": [{**tool, "input": {"n": 1.0}}]}]}

    assert key_of(asked) != key_of(other)
    assert key_of({**body, "temperature": 1}) == key_of({**body, "temperature": 1.0})


def test_what_the_api_calls_equal_is_equal() -> None:
    """Order of keys, one text and one text block, marks for the server's cache, ids of tool calls."""
    body = make_body()
    block = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}

    def calls(name: str) -> dict[str, Any]:
        use = {"type": "tool_use", "id": name, "name": "f", "input": {}}
        result = {"type": "tool_result", "tool_use_id": name, "content": "y"}
        roles = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
        return {**body, "messages": roles}

    assert key_of({**body, "system": "x"}) == key_of({**body, "system": [block]})
    assert key_of(dict(reversed(body.items()))) == key_of(body)
    assert key_of(calls("toolu_1")) == key_of(calls("toolu_2"))
    assert key_of({**body, "metadata": {"user_id": "1"}}) == key_of(body)
    assert key_of({**body, "stream": True}) == key_of({**body, "stream": False}) == key_of(body)


def test_parts_cannot_pass_for_each_other() -> None:
    """As the texts of litellm's keys can: a value that looks like the next field."""
    body = make_body()
    texts = ["xstop: y", 'x","stop":["y"]', "x"]
    asked = [{**body, "service_tier": text, "stop_sequences": stop} for text in texts for stop in (["y"], [])]

    assert len({key_of(each) for each in asked}) == len(asked)


def test_everything_around_the_body_counts() -> None:
    """Provider, address, client's headers and query, the call's headers, betas, version, sample, namespace."""
    body = make_body()
    senders = [
        SENDER,
        Sender("AnthropicBedrock", SENDER.base_url, SENDER.headers),
        Sender("Anthropic", "https://gateway.example", SENDER.headers),
        Sender("Anthropic", SENDER.base_url, {**SENDER.headers, "anthropic-workspace": "w"}),
        Sender("Anthropic", SENDER.base_url, {"anthropic-version": "2026-10-21"}),
        Sender("Anthropic", SENDER.base_url, SENDER.headers, (("tenant", "a"),)),
        Sender("Anthropic", SENDER.base_url, SENDER.headers, credential="abc"),
    ]
    keys = [key_of(body, sender=sender) for sender in senders]
    keys += [key_of(body, {"anthropic-beta": "a"}), key_of(body, {"anthropic-beta": "a,b"})]
    keys += [key_of(body, {"x-tenant": "a"}), key_of(body, {"x-tenant": ""})]
    keys += [key_of(body, version="2"), key_of(body, namespace="2"), key_of(body, sample=2)]
    keys += [key_of(body, epoch=2)]

    assert len(set(keys)) == len(keys)
    assert key_of(body, {"anthropic-beta": "b, a"}) == key_of(body, {"anthropic-beta": "a,b"})


def test_a_header_may_stand_in_the_client_or_in_the_call() -> None:
    """It is the same request on the wire."""
    sender = Sender("Anthropic", SENDER.base_url, {**SENDER.headers, "x-tenant": "a", "anthropic-beta": "b"})

    assert key_of(make_body(), sender=sender) == key_of(make_body(), {"x-tenant": "a", "anthropic-beta": "b"})
    assert key_of(make_body(), {"anthropic-beta": "c"}, sender) != key_of(make_body(), sender=sender)


def test_headers_of_the_wire_do_not_count() -> None:
    """Nor do credentials, and what the user names; the list is short."""
    body = make_body()
    headers = {name: "x" for name in HEADERS_LEFT_OUT if name != "anthropic-beta"}

    assert key_of(body, {**headers, "x-stainless-retry-count": "1"}) == key_of(body)
    assert key_of(body, {"x-mine": "1"}, headers_left_out=frozenset(["x-mine"])) == key_of(
        body, headers_left_out=frozenset(["x-mine"])
    )
    assert len(HEADERS_LEFT_OUT) < 30


FILE = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
URL = {"type": "image", "source": {"type": "url", "url": "https://a.example/cat.png"}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": [URL]}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"thread": {"type": "create"}}, "server_state"),
        ({"container": "container_1"}, "server_state"),
        ({"fallback_credit_token": {"token": "t"}}, "server_state"),
        ({"mcp_servers": [{"type": "url", "url": "https://a.example"}]}, "mcp_servers"),
        ({"max_tokens": 0}, "prewarming"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "server_tools"),
        ({"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]}, "server_tools"),
        ({"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]}, "server_tools"),
        ({"tools": [{"type": "a_tool_of_the_future"}]}, "server_tools"),
        ({"messages": [{"role": "user", "content": [FILE]}]}, "file_source"),
        ({"messages": [{"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]}]}, "file_source"),
        ({"messages": [{"role": "user", "content": [URL]}]}, "url_source"),
        ({"messages": [{"role": "user", "content": [RESULT]}]}, "url_source"),
        ({"messages": []}, "uncanonical"),
        ({"messages": "x"}, "uncanonical"),
        ({"messages": [{"role": "user", "content": {1: 2, "x": 3}}]}, "uncanonical"),
        ({"messages": [{"role": "user", "content": b"bytes"}]}, "uncanonical"),
        ({"model": None}, "uncanonical"),
        ({"temperature": float("nan")}, "uncanonical"),
        ({"temperature": float("inf")}, "uncanonical"),
        ({"stream": "yes"}, "uncanonical"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_twice_is_not_looked_up(changes: dict[str, Any], reason: str) -> None:
    """State on the server, the world outside, and what is not a request."""
    assert key_of({**make_body(), **changes}) == f"bypass: {reason}"


@pytest.mark.parametrize("body", [None, [], "text", 1, {}, {"model": "m"}])
def test_what_is_no_request_is_not_looked_up(body: object) -> None:
    """It never raises."""
    assert key_of(body) == "bypass: uncanonical"


def test_nesting_without_end_is_not_looked_up() -> None:
    """Also where it contains itself."""
    body = make_body()
    body["messages"] = [{"role": "user", "content": body}]
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]

    assert key_of(body) == "bypass: uncanonical"
    assert key_of({**make_body(), "metadata_of_the_future": deep}) == "bypass: uncanonical"


def test_odd_values_have_a_key() -> None:
    """Large integers and lone surrogates, which tool inputs carry, raise nothing."""
    odd = [2**53 + 1, 2**200, "\ud800", "é", -0.0, 1e300, ("a", "b"), [], {}]
    bodies = [{**make_body(), "odd": value} for value in odd]

    assert not [key for body in bodies if (key := key_of(body)).startswith("bypass")]
    assert key_of({**make_body(), "odd": 2**53}) != key_of(bodies[0])


def test_tools_of_the_application_are_looked_up() -> None:
    """Whatever names a file or an address without being one, too."""
    kinds = ["custom", "bash_20250124", "text_editor_20250728", "computer_20250124", "memory_20250818"]
    tools = [{"type": kind, "name": "t"} for kind in kinds]
    said = {"type": "tool_use", "id": "t", "name": "f", "input": {"type": "url", "url": "x", "file_id": "y"}}
    messages = [{"role": "assistant", "content": [said]}, {"role": "user", "content": '"url" "file_id"'}]

    assert isinstance(find_key(Sent(SENDER, ENDPOINT, {}, {**make_body(), "tools": tools})), Question)
    assert isinstance(find_key(Sent(SENDER, ENDPOINT, {}, {**make_body(), "messages": messages})), Question)
    assert isinstance(find_key(Sent(SENDER, ENDPOINT, {}, {**make_body(), "mcp_servers": []})), Question)
    assert isinstance(find_key(Sent(SENDER, ENDPOINT, {}, {})), Bypass)


def test_what_a_request_is_asked_with_is_not_changed() -> None:
    """Looking at it leaves it as it was."""
    body, twin = make_cacheable_body(), make_cacheable_body()
    key_of(body)

    assert body == twin
    assert [path for path, _ in walk(body)] == [path for path, _ in walk(twin)]


# What users of other caches ran into: the last message alone, no system prompt, no model, no address in the key.
CHANGES: dict[str, dict[str, Any]] = {
    "as it was": {},
    "another model": {"model": "claude-opus-5"},
    "a system prompt": {"system": "Answer in French."},
    "a history": {
        "messages": [
            {"role": "user", "content": "I am a pirate."},
            {"role": "assistant", "content": "Ahoy."},
            {"role": "user", "content": "Name three colors. [ordinal]"},
        ]
    },
    "a temperature": {"extra_body": {"temperature": 0.3}},
    "max_tokens": {"max_tokens": 7},
    "tools": {"tools": [{"name": "f", "input_schema": {"type": "object"}}]},
    "no choice of tools": {"tool_choice": {"type": "none"}},
    "stop sequences": {"stop_sequences": ["x"]},
    "a beta": {"extra_headers": {"anthropic-beta": "a-2026-01-01"}},
    "a header": {"extra_headers": {"x-tenant": "a"}},
    "a query": {"extra_query": {"tenant": "a"}},
    "a field of the future": {"extra_body": {"future": True}},
}


def test_only_equal_requests_share_an_answer(server: ClaudeServer) -> None:
    """Through the real SDK: each of these is asked once, and answered by its own entry from then on."""
    client = make_client(ResponseCache(), server)

    def say(changes: dict[str, Any]) -> str:
        options = {**ask("Name three colors. [ordinal]"), **changes}
        return str(client.messages.create(**options).content[0].text)

    first = [say(changes) for changes in CHANGES.values()]

    assert len(set(first)) == len(CHANGES) == server.count
    assert [say(changes) for changes in CHANGES.values()] == first
    assert server.count == len(CHANGES)


def test_clients_that_differ_do_not_share_an_answer(server: ClaudeServer) -> None:
    """Where they send to, what they send with every request."""
    with ClaudeServer() as other:
        cache = ResponseCache()
        clients = [
            make_client(cache, server),
            make_client(cache, other),
            make_client(cache, server, default_headers={"anthropic-workspace": "w"}),
            make_client(cache, server, default_headers={"anthropic-beta": "a-2026-01-01"}),
            make_client(cache, server, default_query={"tenant": "a"}),
        ]
        for client, _ in itertools.product(clients, range(2)):
            drive(text_of(client))

        assert (server.count, other.count) == (4, 1)
        make_client(cache, server, api_key="another").messages.create(**ask("Name three colors. [ordinal]"))
        assert server.count == 4


def test_answers_can_be_kept_apart_by_credential(server: ClaudeServer) -> None:
    """Where a key decides what an account may see; it is nowhere to be found in the store."""
    cache = ResponseCache(per_credential=True)
    clients = [make_client(cache, server, api_key=f"key-number-{number}") for number in range(2)]
    for client, _ in itertools.product(clients, range(2)):
        drive(text_of(client))
    assert server.count == 2

    clients[0].api_key = "key-number-3"
    drive(text_of(clients[0]))
    assert server.count == 3

    for listed in cache.store.listed():
        assert "key-number" not in str(cache.store.load(listed.key))


def test_version_and_namespace_and_sample_separate(server: ClaudeServer) -> None:
    """In one store."""
    store = ResponseCache().store
    caches = [
        ResponseCache(store),
        ResponseCache(store, version=2),
        ResponseCache(store, namespace="other"),
    ]
    for cache, _ in itertools.product(caches, range(2)):
        drive(text_of(make_client(cache, server)))
    assert server.count == 3

    client, texts = make_client(caches[0], server), []
    for sample in (0, 1, 2, 0, 1, 2):
        with caches[0].options(sample=sample):
            texts.append(drive(text_of(client)))
    assert texts[:3] == texts[3:]
    assert len(set(texts)) == 3
    assert server.count == 5


def test_headers_can_be_left_out(server: ClaudeServer) -> None:
    """A random id of each call would make every call miss; the reason says where to look."""
    strict, tolerant = ResponseCache(), ResponseCache(ignore_headers=["X-Trace"])
    for cache in (strict, tolerant):
        client = make_client(cache, server)
        for number in range(2):
            client.messages.create(**ask("Hello"), extra_headers={"x-trace": str(number)})

    assert dict(strict.stats().misses) == {"new": 1, "scope_changed": 1}
    assert tolerant.stats().hits == 1


def test_input_that_is_no_plain_json_reaches_the_cache_as_plain_json(server: ClaudeServer) -> None:
    """Models and generators, which the SDK makes plain before the cache sees them."""
    client = make_client(ResponseCache(), server)
    message = client.messages.create(**ask("Hello"))

    for _ in range(2):
        turns = ({"role": role, "content": content} for role, content in [
            ("user", "Hello"), ("assistant", message.content), ("user", "And?"),
        ])  # fmt: skip
        client.messages.create(model=message.model, max_tokens=99, messages=turns)
    assert server.count == 2
