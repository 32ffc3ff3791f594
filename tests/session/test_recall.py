"""Requests that are, byte for byte, recorded ones: played without being parsed, and no less careful for that."""

from __future__ import annotations

import json
import re

import anthropic
import httpx2
import pytest

from claude_replay import CassetteMiss
from claude_replay.cassette import load_cassette
from recordings import KEY, MODEL, Studio, ask, make_client


def send(studio: Studio, content: bytes, **headers: str) -> str:
    """Send a body as it stands; the text of the answer."""
    sent = {
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "x-api-key": KEY,
        **headers,
    }
    answer = httpx2.post(f"{studio.server.url}/v1/messages", content=content, headers=sent)
    text: str = answer.json()["content"][0]["text"]
    return text


def make_body(prompt: str, **fields: object) -> dict[str, object]:
    """A request in the order of the SDK's keys."""
    return {
        "max_tokens": 100,
        "messages": [{"role": "user", "content": prompt}],
        "model": MODEL,
        **fields,
    }


def dump(body: dict[str, object]) -> bytes:
    """As the SDK writes it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def test_what_was_sent_is_there_for_whoever_looks(studio: Studio) -> None:
    """Parsed when the handle is asked, with the headers that count."""
    client = make_client(studio.server)
    with studio.open("once") as recorded:
        ask(client, "Grüezi", extra_headers={"anthropic-beta": "files-api-2025-04-14"})
    with studio.open("none") as played:
        ask(client, "Grüezi", extra_headers={"anthropic-beta": "files-api-2025-04-14"})
    assert played.sent == recorded.sent
    assert played.sent[0] is played.sent[0]
    assert played.sent[0].json["messages"][0]["content"] == "Grüezi"
    assert played.sent[0].headers["anthropic-beta"] == "files-api-2025-04-14"
    assert played.text == "You said: Grüezi"


@pytest.mark.parametrize(
    "kind", ["the same", "another order", "another spacing", "another type", "compressed"]
)
def test_another_way_to_write_a_request_is_found_as_well(studio: Studio, kind: str) -> None:
    """By what it says; bytes are only the quicker way."""
    body = make_body("Hello", stop_sequences=["X", "é"])
    with studio.open("once"):
        assert send(studio, dump(body)) == "You said: Hello"
    content, headers = dump(body), {}
    if kind == "another order":
        content = dump(dict(reversed(body.items())))
    elif kind == "another spacing":
        content = json.dumps(body).encode()
    elif kind == "another type":
        headers = {"content-type": "application/json; charset=utf-8"}
    elif kind == "compressed":
        headers = {"content-encoding": "identity"}
    with studio.open("none") as played:
        assert send(studio, content, **headers) == "You said: Hello"
    assert played.sent[0].json == body


def test_the_same_bytes_under_other_betas_are_another_request(studio: Studio) -> None:
    """As are those sent to another endpoint."""
    content = dump(make_body("Hello"))
    with studio.open("once"):
        send(studio, content, **{"anthropic-beta": "a-2026-01-01"})
    with pytest.raises(CassetteMiss, match="betas"), studio.open("none"):
        send(studio, content, **{"anthropic-beta": "b-2026-01-01"})
    with pytest.raises(CassetteMiss, match=r"messages\.count_tokens"), studio.open("none"):
        make_client(studio.server).messages.count_tokens(
            model=MODEL, messages=[{"role": "user", "content": "Hello"}]
        )


def test_equal_requests_are_played_in_the_order_recorded(studio: Studio) -> None:
    """Whichever way each of them is found."""
    body = make_body("[ordinal] again")
    with studio.open("once"):
        recorded = [send(studio, dump(body)) for _ in range(3)]
    turned = dump(dict(reversed(body.items())))
    with studio.open("none") as played:
        assert [send(studio, content) for content in (turned, dump(body), turned)] == recorded
        with pytest.raises(CassetteMiss) as caught:
            send(studio, dump(body))
        played.misses.clear()
    assert caught.value.reason == "all_played"
    assert (len(played.sent), len(played.played)) == (4, 3)


def test_ids_without_the_digest_find_their_requests(studio: Studio) -> None:
    """Shortened by hand they are no longer believed; those of requests without JSON never had one."""
    studio.ask("one", "two", mode="once")
    text = studio.path.read_text(encoding="utf-8")
    assert len(re.findall(r"(?m)^- id: [0-9a-f]{16}-[0-9a-f]{8}-[0-9a-f]{16}$", text)) == 2
    studio.path.write_text(re.sub(r"(?m)^(- id: \w+-\w+)-\w+$", r"\1", text), encoding="utf-8")
    assert studio.ask("two", "one", mode="none") == ["You said: two", "You said: one"]
    client = make_client(studio.server)
    with studio.open("new_episodes"):
        client.models.list()
    with studio.open("none", unplayed="ignore"):
        client.models.list()
    text = studio.path.read_text(encoding="utf-8")
    assert re.search(r"(?m)^- id: [0-9a-f]{16}-[0-9a-f]{8}\n.*\n  request:\n    method: GET$", text)


def test_a_digest_is_believed_no_longer_than_its_check_sum(studio: Studio) -> None:
    """Swapped by hand, the requests are read."""
    studio.ask("one", "two", mode="once")
    found = load_cassette(studio.path)
    assert found is not None
    first, second = (entry.find_sent() for entry in found.entries)
    text = studio.path.read_text(encoding="utf-8")
    swapped = text.replace(first, "swapped").replace(second, first).replace("swapped", second)
    studio.path.write_text(swapped, encoding="utf-8")
    again = load_cassette(studio.path)
    assert again is not None
    assert [entry.find_sent() for entry in again.entries] == ["", ""]
    assert studio.ask("two", "one", mode="none") == ["You said: two", "You said: one"]


def test_other_rules_play_the_same_bytes_too(studio: Studio) -> None:
    """Whatever is ignored, what is equal is equal; ordinals among equals follow the rules in force."""
    client = make_client(studio.server)
    with studio.open("once"):
        for tokens in (10, 20):
            messages: list[anthropic.types.MessageParam] = [
                {"role": "user", "content": f"[ordinal] {tokens}"}
            ]
            client.messages.create(model=MODEL, max_tokens=tokens, messages=messages)
    with studio.open("none", ignore=["max_tokens", "messages[*].content:/[0-9]+/"]) as played:
        for tokens in (20, 10):
            messages = [{"role": "user", "content": f"[ordinal] {tokens}"}]
            client.messages.create(model=MODEL, max_tokens=tokens, messages=messages)
    assert [exchange.request.json["max_tokens"] for exchange in played.played] == [10, 20]


def test_no_secret_is_shown_that_only_the_recording_kept(studio: Studio) -> None:
    """A rule that has come since: what was sent is redacted when it is looked at, and shown nowhere else."""
    prompt = "My number is 12345."
    studio.ask(prompt, mode="once")
    client = make_client(studio.server)
    with studio.open("none", redact=[r"\d{5}"]) as played:
        assert ask(client, prompt) == f"You said: {prompt}"
    assert played.sent[0].json["messages"][0]["content"] == "My number is [redacted]."
    assert "12345" not in repr(played.sent) + repr(played._session) + repr(played._session.answered)


def test_digits_of_ids_and_dates_are_no_secrets(studio: Studio) -> None:
    """A rule that fits any number refuses no recording for what this package wrote itself."""
    for prompt in "abcdefgh":
        studio.ask(prompt, mode="new_episodes", redact=[r"\b20\d\d\b", "[0-9a-f]{12}"])
    found = load_cassette(studio.path)
    assert found is not None
    assert len(found.entries) == 8
