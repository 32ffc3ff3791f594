"""The nearest recording of a large cassette, found without parsing all of it."""

from __future__ import annotations

from typing import Any

import pytest

from claude_replay import CassetteMiss
from claude_replay.cassette import Entry, dump_cassette
from claude_replay.cassette.identity import Identity, _checksum
from claude_replay.exchange import Exchange, Json, Meta, Request, Response
from recordings import MODEL, Studio, ask, make_client

URL = "https://api.anthropic.com/v1/messages"
TOPICS = ["weather", "history", "music", "bridges", "birds", "rivers", "clocks", "bread"]


def make_exchange(prompt: str, url: str = URL, **fields: Any) -> Exchange:
    """A question to the model and an answer."""
    body = {"max_tokens": 100, "messages": [{"role": "user", "content": prompt}], "model": MODEL, **fields}
    asked = Request("POST", url, {"anthropic-version": "2023-06-01"}, Json(body))
    answer = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "Yes."}],
        "id": "msg_1",
    }
    return Exchange(asked, Response(200, {"content-type": "application/json"}, Json(answer)), Meta())


def write(studio: Studio, *exchanges: Exchange) -> None:
    """A cassette with these exchanges."""
    studio.path.parent.mkdir(exist_ok=True)
    studio.path.write_bytes(dump_cassette([Entry.of(exchange) for exchange in exchanges]))


def miss(studio: Studio, prompt: str, **settings: Any) -> CassetteMiss:
    """What a request with this prompt says."""
    with pytest.raises(CassetteMiss) as caught:
        studio.ask(prompt, mode="none", **settings)
    return caught.value


def make_prompt(number: int) -> str:
    """A prompt of a few lines that has much in common with all others."""
    topic = TOPICS[number % len(TOPICS)]
    return f"You are asked about {topic}.\nQuestion {number}: what of {topic} comes to mind?\nBe brief."


def test_the_nearest_of_many_is_named(studio: Studio) -> None:
    """By number, with the words that differ."""
    write(studio, *(make_exchange(make_prompt(number)) for number in range(60)))
    for number in (0, 17, 59):
        found = miss(studio, make_prompt(number).replace("comes", "came"))
        assert found.reason == "differs"
        assert f"number {number + 1} comes nearest" in str(found)
        assert "[-comes-]{+came+}" in str(found)
        assert "60 exchanges" in str(found)


def test_another_operation_is_named_only_where_nothing_of_the_same_is_similar(studio: Studio) -> None:
    """However many of the other one say the same."""
    others = [make_exchange(make_prompt(3), f"{URL}/count_tokens") for _ in range(20)]
    write(studio, *others, *(make_exchange(make_prompt(number)) for number in range(8)))
    assert "number 24 comes nearest" in str(miss(studio, make_prompt(3).replace("brief", "short")))
    write(studio, *others)
    assert "operation: recorded" in str(miss(studio, make_prompt(3)))


def test_one_that_was_not_played_is_meant_rather_than_one_that_was(studio: Studio) -> None:
    """Where both are about as near."""
    write(studio, *(make_exchange(f"{make_prompt(3)} {number}") for number in range(30)))
    client = make_client(studio.server)
    with studio.open("none") as played:
        for number in range(29):
            ask(client, f"{make_prompt(3)} {number}")
        with pytest.raises(CassetteMiss) as caught:
            ask(client, f"{make_prompt(3)} 28.")
        played.misses.clear()
    assert "number 30 comes nearest" in str(caught.value)


def test_a_turn_of_a_long_conversation_is_named(studio: Studio) -> None:
    """Each turn stands in the file as what it adds to those above it."""
    turns: list[dict[str, str]] = []
    exchanges = []
    for number in range(40):
        turns.append({"role": "user", "content": f"Question {number} about {TOPICS[number % 8]}?"})
        exchanges.append(make_exchange("", messages=list(turns)))
        turns.append({"role": "assistant", "content": [{"type": "text", "text": "Yes."}]})  # type: ignore[dict-item]
    write(studio, *exchanges)
    assert studio.path.read_text(encoding="utf-8").count("continues:") > 30
    sent = turns[:40]
    sent.append({"role": "user", "content": "Question 20 about clocks?"})
    client = make_client(studio.server)
    with pytest.raises(CassetteMiss) as caught, studio.open("none"):
        client.messages.create(model=MODEL, max_tokens=100, messages=sent)  # type: ignore[arg-type]
    assert "number 21 comes nearest" in str(caught.value)


def test_nothing_similar_among_many(studio: Studio) -> None:
    """The first few are listed."""
    write(studio, *(make_exchange(make_prompt(number)) for number in range(20)))
    found = miss(studio, "[echo Ωραία]")
    assert found.reason == "nothing_similar"
    assert "1  messages" in str(found)
    assert "and 17 more exchanges" in str(found)


def test_all_equal_ones_are_played(studio: Studio) -> None:
    """They are counted by their keys."""
    write(studio, *(make_exchange(make_prompt(number % 10)) for number in range(20)))
    client = make_client(studio.server)
    with studio.open("none", unplayed="ignore") as played:
        assert [ask(client, make_prompt(4)) for _ in range(2)] == ["Yes.", "Yes."]
        with pytest.raises(CassetteMiss) as caught:
            ask(client, make_prompt(4))
        played.misses.clear()
    assert "both equal recordings (numbers 5, 15) have been played" in str(caught.value)


@pytest.mark.parametrize("rule", ["ignore", "redact", "edited", "laid out"])
def test_cassettes_that_have_to_be_parsed_name_the_same(studio: Studio, rule: str) -> None:
    """Under other rules, with requests edited by hand, and in another layout."""
    write(studio, *(make_exchange(make_prompt(number)) for number in range(30)))
    settings: dict[str, Any] = {}
    text = studio.path.read_text(encoding="utf-8")
    if rule == "ignore":
        settings["ignore"] = ["max_tokens"]
    elif rule == "redact":
        settings["redact"] = ["You are asked"]
    elif rule == "edited":
        studio.path.write_text(text.replace("brief", "kind"), encoding="utf-8")
    else:
        studio.path.write_text(text.replace("exchanges:\n- ", "exchanges:\n# mine\n- "), encoding="utf-8")
    found = miss(studio, make_prompt(17).replace("comes", "came"), **settings)
    assert "number 18 comes nearest" in str(found)


def test_a_secret_of_today_in_an_old_recording_is_still_found(studio: Studio) -> None:
    """A key the environment holds now is redacted on both sides, although the recording shows it."""
    secret = "hunter-" + "2" * 20
    write(studio, *(make_exchange(f"{make_prompt(number)} {secret}") for number in range(20)))
    client = make_client(studio.server)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MY_API_KEY", secret)
        with studio.open("none", unplayed="ignore"):
            client.messages.create(
                max_tokens=100,
                messages=[
                    {"role": "user", "content": [{"type": "text", "text": f"{make_prompt(5)} {secret}"}]}
                ],
                model=MODEL,
            )
        found = miss(studio, f"{make_prompt(6)} and {secret}")
    assert secret not in str(found)
    assert "number 7 comes nearest" in str(found)


def test_an_odd_address_is_no_obstacle(studio: Studio) -> None:
    """Whether it needs quotes, or is none at all under an id made up for it: it is told, with its place."""
    exchanges = [make_exchange(make_prompt(number)) for number in range(20)]
    write(studio, *exchanges, make_exchange(make_prompt(3), "https://x.example/v1/messages?a=b: c"))
    assert "number 4 comes nearest" in str(miss(studio, make_prompt(3).replace("brief", "short")))
    data = Entry.of(exchanges[5]).data
    start, end = data.index(b"  request:"), data.index(b"  response:")
    damaged = data[start:end].replace(b"https://", b"https://[")
    head = f"- id: {'0' * 16}-{_checksum(Identity('0' * 16, ''), damaged)}\n"
    content = studio.path.read_bytes().replace(b"...\n", head.encode() + damaged + data[end:] + b"...\n")
    studio.path.write_bytes(content)
    client = make_client(studio.server)
    with studio.open("none", unplayed="ignore") as played:
        for _ in range(2):
            with pytest.raises(CassetteMiss) as caught:
                ask(client, make_prompt(3).replace("brief", "short"))
            assert caught.value.reason == "unreadable"
        played.misses.clear()


UUIDS = ["550e8400-e29b-41d4-a716-446655440000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"]


@pytest.mark.parametrize("others", [0, 20])
def test_a_prompt_that_is_mostly_an_id_is_not_called_unlike(studio: Studio, others: int) -> None:
    """It differs in that alone, so the message says how to leave it out."""
    write(studio, *(make_exchange(make_prompt(number)) for number in range(others)), make_exchange(UUIDS[0]))
    found = miss(studio, UUIDS[1])
    assert found.reason == "differs"
    assert 'ignore=["messages[0].content:uuid"]' in str(found)
