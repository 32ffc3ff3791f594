"""
Every Claude exchange of the corpus survives the way through our YAML and back over the real transports.

Loaded from the format of whatever tool wrote it, redacted and written as ours, loaded again, asked for by a
real client: what the client gets equals the original. Requests of the Messages API also go through the
anthropic SDK, whose objects are compared with those it makes of the original bytes. The corpus is not part of
this repository: name its folder in the environment as CLAUDE_REPLAY_CORPUS.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import Message, RawMessageStreamEvent

from claude_replay import Handle, use_cassette
from claude_replay.api import describe_endpoint, wants_stream
from claude_replay.bodies import decode_body, encode_body, expand, media_type
from claude_replay.cassette import Entry, load_cassette, save_cassette
from claude_replay.exchange import Body, EventStream, Exchange, Json
from claude_replay.redact import KEPT_RESPONSE_HEADERS, Redactor

CORPUS = os.environ.get("CLAUDE_REPLAY_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS names no folder")

FILES, EXCHANGES, THROUGH_THE_SDK = 982, 1376, 1142
# Exchanges in which redaction finds something of the shape of a secret (an MCP server's authorization_token).
REDACTED = {"activeagents__activeagent": 10, "langchain-ai__langchain": 3}


@cache
def cassettes() -> dict[Path, list[Exchange]]:
    """The exchanges of every file of the corpus that holds any."""
    found = {}
    for path in sorted(Path(CORPUS).glob("*/**/*")):
        cassette = load_cassette(path) if path.is_file() else None
        if cassette is not None and cassette.entries:
            found[path] = [entry.exchange for entry in cassette.entries]
    return found


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """Each cassette of the corpus as one of ours."""
    folder, redactor = tmp_path_factory.mktemp("converted"), Redactor()
    ours = {}
    for number, (path, exchanges) in enumerate(cassettes().items()):
        ours[path] = folder / f"{number}.yaml"
        # As recording does: conversations point at earlier turns, large media stand in side files.
        save_cassette(ours[path], [Entry(exchange=redactor.exchange(item)) for item in exchanges])
    return ours


# How many of the exchanges point at an earlier one, and how many have media large enough for a side file.
FORMS = {"pointing": 196, "with media": 29}


def opened(path: Path) -> use_cassette:
    return use_cassette(path, mode="none", unplayed="ignore")


def headers_of(exchange: Exchange) -> dict[str, str]:
    kept = {name: value for name, value in exchange.request.headers.items() if name.startswith("anthropic-")}
    if isinstance(exchange.request.body, Json):
        return {**kept, "content-type": "application/json"}
    return {**kept, "content-type": exchange.request.headers.get("content-type", "")}


def events_of(body: Body) -> object:
    return (list(expand(body.items)), body.padding) if isinstance(body, EventStream) else body


def send_all(client: httpx2.Client, exchanges: list[Exchange]) -> Iterator[tuple[Exchange, httpx2.Response]]:
    for exchange in exchanges:
        request = exchange.request
        content = encode_body(request.body)
        # Without this header a masked host would not be known for Claude's.
        headers = {"anthropic-version": "2023-06-01", **headers_of(exchange)}
        yield exchange, client.request(request.method, request.url, headers=headers, content=content)


def same_answer(original: Exchange, received: httpx2.Response) -> bool:
    """Whether status, the headers that are kept, and the parsed body are the recorded ones."""
    response = original.response
    kept = {name: value for name, value in response.headers.items() if name in KEPT_RESPONSE_HEADERS}
    if response.status < 400 and "retry-after" in kept:
        # Loops that poll are not to wait for what is there already.
        kept["retry-after"] = "0"
    got = {name: value for name, value in received.headers.items() if name in kept}
    # Where the recorder masked the content type, what the body is has to be known otherwise.
    known = {Json: "application/json", EventStream: "text/event-stream"}.get(type(response.body), "")
    media = media_type(received.headers)
    body = decode_body(received.content, media if "/" in media else known)
    return (received.status_code, got, events_of(body)) == (response.status, kept, events_of(response.body))


def test_every_exchange_comes_back_from_our_form(converted: dict[Path, Path]) -> None:
    """Bodies byte for byte, and ids that are believed; turns point at earlier ones, media are side files."""
    redactor, seen = Redactor(), Counter[str]()
    for path, exchanges in cassettes().items():
        loaded = load_cassette(converted[path])
        assert loaded is not None
        for original, entry in zip(exchanges, loaded.entries, strict=True):
            clean = redactor.exchange(original)
            assert encode_body(entry.request.body) == encode_body(clean.request.body), path
            assert entry.request == clean.request, path
            assert events_of(entry.answer[0].body) == events_of(clean.response.body), path
            assert entry.find_key() is not None, path
            seen["exchanges"] += 1
            seen["pointing"] += bool(entry.labels)
            seen["with media"] += b"side_file: " in entry.data
    assert seen == {**FORMS, "exchanges": seen["exchanges"]}
    assert seen["exchanges"] >= 383


def test_a_client_gets_every_recorded_answer(converted: dict[Path, Path]) -> None:
    """Status, kept headers and parsed body or event sequence of each exchange equal the original."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []

    with httpx2.Client() as client:
        for path, exchanges in cassettes().items():
            counts["files"] += 1
            with opened(converted[path]):
                for number, (original, received) in enumerate(send_all(client, exchanges)):
                    counts["exchanges"] += 1
                    if same_answer(Redactor().exchange(original), received):
                        counts["equal"] += 1
                    else:
                        wrong.append(f"{path.relative_to(CORPUS)}[{number}]")

    assert wrong == []
    assert counts == {"files": FILES, "exchanges": EXCHANGES, "equal": EXCHANGES}


def test_redaction_changes_hardly_any_recording() -> None:
    """Real traffic is not mistaken for secrets: the few exchanges that hold one are counted."""
    changed: Counter[str] = Counter()

    for path, exchanges in cassettes().items():
        for exchange in exchanges:
            clean = Redactor().exchange(exchange)
            if (clean.request.body, clean.response.body) != (exchange.request.body, exchange.response.body):
                changed[path.relative_to(CORPUS).parts[0]] += 1

    assert changed == Counter(REDACTED)


def ask_through_sdk(client: anthropic.Anthropic, exchange: Exchange) -> object:
    """What the SDK makes of the answer to a recorded request: plain values of its objects, or its error."""
    betas = exchange.request.headers.get("anthropic-beta")
    options: Any = {"headers": {"anthropic-beta": betas}} if betas else {}
    body: Any = exchange.request.json
    try:
        if wants_stream(exchange.request.body):
            stream = client.post(
                "/v1/messages",
                body=body,
                options=options,
                cast_to=Message,
                stream=True,
                stream_cls=anthropic.Stream[RawMessageStreamEvent],
            )
            return [event.model_dump(warnings=False) for event in stream]
        message = client.post("/v1/messages", body=body, options=options, cast_to=Message)
        return message.model_dump(warnings=False), message._request_id
    except anthropic.APIStatusError as error:
        return type(error).__name__, error.status_code, error.body, error.request_id
    except ValueError as error:
        # One gateway ends its streams with `[DONE]`, at which this SDK fails.
        return type(error).__name__, str(error)


def original_answer(exchange: Exchange) -> object:
    """The same, from the bytes as they were recorded."""
    response = exchange.response

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            response.status, headers=dict(response.headers), content=encode_body(response.body)
        )

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        anthropic.Anthropic(api_key="unused", max_retries=0, http_client=http) as client,
    ):
        return ask_through_sdk(client, exchange)


def is_messages(exchange: Exchange) -> bool:
    request = exchange.request
    return describe_endpoint(request.method, request.url).operation == "messages"


def test_the_sdk_makes_the_same_objects_of_every_message(converted: dict[Path, Path]) -> None:
    """Messages, stream events and errors that the SDK builds from a replay equal those from the original."""
    compared = 0
    wrong: list[str] = []

    with anthropic.Anthropic(api_key="unused", max_retries=0) as client:
        for path, exchanges in cassettes().items():
            with opened(converted[path]) as handle:
                for number, exchange in enumerate(exchanges):
                    if not is_messages(exchange):
                        continue
                    compared += 1
                    replayed = ask_through_sdk(client, exchange)
                    if replayed != original_answer(Redactor().exchange(exchange)):
                        wrong.append(f"{path.relative_to(CORPUS)}[{number}]")
                assert_all_played(handle)

    assert wrong == []
    assert compared == THROUGH_THE_SDK


def assert_all_played(handle: Handle) -> None:
    assert len(handle.played) == len(handle.sent)
