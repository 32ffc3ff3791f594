"""What a cassette refuses to write, and how it is closed."""

from __future__ import annotations

import httpx2
import pytest

from claude_replay import CassetteSaveError, SecretFound, SettingsError, UnplayedExchanges
from claude_replay.api import describe_endpoint
from claude_replay.cassette import load_cassette
from claude_replay.errors import LiveCallRefused
from claude_replay.exchange import Json, Meta, Request, Response
from claude_replay.session import LiveCalls, Run, Session, Ticket
from claude_replay.settings import Layer, resolve
from recordings import KEY, MODEL, Studio, ask, make_client

SECRET = "sk-ant-" + "api03-" + "q" * 40


def post(studio: Studio, content: bytes) -> int:
    """Send bytes to Claude without the SDK; the status of the answer."""
    headers = {"anthropic-version": "2026-10-21", "x-api-key": KEY, "content-type": "application/json"}
    with httpx2.Client() as client:
        return client.post(f"{studio.server.url}/v1/messages", content=content, headers=headers).status_code


def read_prompts(studio: Studio) -> list[str]:
    """The prompts in the cassette, in file order."""
    found = load_cassette(studio.path)
    assert found is not None
    return [entry.request.json["messages"][0]["content"] for entry in found.entries]


def test_an_exchange_with_a_secret_that_cannot_be_taken_out_is_not_written(studio: Studio) -> None:
    """Neither cassette nor journal gets it; the others are kept, and closing names the place."""
    opened = studio.open("once")
    opened.__enter__()
    ask(make_client(studio.server), "one")
    assert post(studio, b"\xff " + SECRET.encode()) == 400
    (journal,) = studio.find("*.journal")
    assert SECRET.encode() not in journal.read_bytes()
    ask(make_client(studio.server), "two")
    with pytest.raises(SecretFound) as caught:
        opened.__exit__(None, None, None)
    assert "still holds a secret at request.body; this exchange was not saved" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert SECRET.encode() not in studio.path.read_bytes()
    assert read_prompts(studio) == ["one", "two"]
    assert studio.files == ["chat.yaml"]
    assert studio.tallies[-1].incomplete


def test_every_secret_found_is_named(studio: Studio) -> None:
    """One error tells of all of them."""
    opened = studio.open("once")
    opened.__enter__()
    for number in (b"1", b"2"):
        post(studio, b"\xff " + SECRET.encode() + number)
    with pytest.raises(SecretFound) as caught:
        opened.__exit__(None, None, None)
    assert str(caught.value).count("still holds a secret at request.body") == 2
    assert studio.files == []


def test_a_secret_that_only_the_written_text_shows_is_found(studio: Studio) -> None:
    """A pattern of the user may match what no single value holds."""
    with pytest.raises(SecretFound, match="still holds a secret at the written text;"):
        studio.ask("one", mode="once", redact=["role: user"])
    assert studio.files == []


# ---------------------------------------------------------------------- a session by itself


def make_session(studio: Studio, mode: str, **settings: object) -> Session:
    """A session of an owner's own cassette."""
    return Session(
        path=studio.path,
        settings=resolve([Layer("test", {"mode": mode, **settings})]),
        run=Run(),
        label="test_it",
        command=lambda mode: f"record {mode}",
        environ={},
    )


def request(prompt: str) -> Request:
    """A request as it comes from a client."""
    messages = [{"role": "user", "content": prompt}]
    body = {"model": MODEL, "max_tokens": 100, "messages": messages}
    return Request("POST", "https://api.anthropic.com/v1/messages", {"x-api-key": KEY}, Json(body))


def begin(session: Session, prompt: str) -> Ticket:
    """Begin a request that is to be recorded."""
    asked = request(prompt)
    ticket = session.begin(asked, describe_endpoint(asked.method, asked.url))
    assert isinstance(ticket, Ticket)
    return ticket


def live(session: Session) -> LiveCalls:
    """Where answers of live calls are reported to."""
    assert session.live is not None
    return session.live


OK = Response(200, {}, Json({"type": "message", "content": []}))


def test_a_request_that_comes_too_late_is_refused(studio: Studio) -> None:
    """The cassette it belonged to is closed, so it could neither be played nor recorded."""
    session = make_session(studio, "once").open()
    session.close(passed=True)
    with pytest.raises(LiveCallRefused, match="was closed while this request was on its way"):
        begin(session, "late")


def test_an_answer_that_comes_too_late_leaves_nothing_behind(studio: Studio) -> None:
    """No journal appears beside the finished cassette."""
    session = make_session(studio, "once").open()
    early, late = begin(session, "early"), begin(session, "late")
    live(session).finish(early, OK, Meta())
    session.close(passed=True)
    live(session).finish(late, OK, Meta())
    assert read_prompts(studio) == ["early"]
    assert studio.files == ["chat.yaml"]


def test_an_exchange_that_yaml_cannot_carry_is_not_lost_in_silence(studio: Studio) -> None:
    """Closing says which one and why; some clients give header bytes that are no text as lone surrogates."""
    session = make_session(studio, "once").open()
    live(session).finish(begin(session, "one"), Response(200, {"request-id": "caf\udcff"}, OK.body), Meta())
    live(session).finish(begin(session, "two"), OK, Meta())
    with pytest.raises(CassetteSaveError) as caught:
        session.close(passed=True)
    assert str(caught.value) == (
        f'{studio.path}: messages · {MODEL} · "one": not saved, for '
        "a cassette cannot hold the lone surrogate U+DCFF"
    )
    assert read_prompts(studio) == ["two"]


def test_closing_twice_is_closing_once(studio: Studio) -> None:
    """The second time changes nothing and raises nothing."""
    session = make_session(studio, "once").open()
    live(session).finish(begin(session, "one"), OK, Meta())
    session.close(passed=True)
    before = studio.path.read_bytes()
    session.close(passed=False)
    assert studio.path.read_bytes() == before


def test_calls_still_open_are_ended_before_the_cassette_is_written(studio: Studio) -> None:
    """What ending them reports is part of the recording."""
    session = make_session(studio, "once").open()
    ticket = begin(session, "one")
    live(session).watch(ticket, lambda: live(session).finish(ticket, OK, Meta()))
    given_up = begin(session, "two")
    live(session).watch(given_up, lambda: live(session).abandon(given_up, "no answer"))
    session.close(passed=True)
    assert read_prompts(studio) == ["one"]
    assert session.tally.notes == [f'messages · {MODEL} · "two": no answer; not recorded']
    assert (session.tally.recorded, session.tally.live) == (1, 1)


def test_a_journal_that_cannot_be_written_is_told_once(studio: Studio) -> None:
    """The exchanges are still in memory, and the cassette may be saved in the end."""
    session = make_session(studio, "once").open()
    studio.path.parent.rmdir()
    studio.path.parent.write_text("no folder", encoding="utf-8")
    for prompt in ("one", "two"):
        live(session).finish(begin(session, prompt), OK, Meta())
    studio.path.parent.unlink()
    session.close(passed=True)
    assert session.tally.notes == [f"the journal of {studio.path} cannot be written: File exists"]
    assert read_prompts(studio) == ["one", "two"]
    assert studio.files == ["chat.yaml"]


def test_an_owner_of_its_own_cassette_that_asks_nothing_any_more_empties_it(studio: Studio) -> None:
    """In mode `rewrite`, else the advice to rewrite would not help against what is never played."""
    studio.ask("one", mode="once")
    make_session(studio, "rewrite").open().close(passed=False)
    assert read_prompts(studio) == ["one"]
    make_session(studio, "rewrite").open().close(passed=True)
    assert read_prompts(studio) == []
    make_session(studio, "none").open().close(passed=True)


def test_an_owner_without_a_cassette_that_asks_nothing_makes_none(studio: Studio) -> None:
    """In no mode."""
    for mode in ("once", "new_episodes", "all", "rewrite", "none", "verify", "off"):
        make_session(studio, mode).open().close(passed=True)
    assert studio.files == []


def test_what_nobody_asked_for_fails_a_passing_owner(studio: Studio) -> None:
    """With what and how many; a damaged one is named too, one whose call was cancelled is not."""
    session = make_session(studio, "once").open()
    for prompt in ("one", "two", "three"):
        live(session).finish(begin(session, prompt), OK, Meta())
    live(session).finish(begin(session, "four"), Response(0, {}, None, "cancelled"), Meta())
    session.close(passed=True)
    text = studio.path.read_text(encoding="utf-8")
    first, second, rest = text.split("    status: 200\n", 2)
    studio.path.write_text(f"{first}    status: 200\n{second}    status: {{\n{rest}", encoding="utf-8")
    with pytest.raises(UnplayedExchanges) as caught:
        make_session(studio, "none").open().close(passed=True)
    assert str(caught.value).splitlines() == [
        f"{studio.path}: 3 of 4 recorded exchanges were not asked for: "
        "number 1 (messages), number 2 (unreadable), number 3 (messages)",
        "If the test no longer makes these calls, record it anew: record rewrite",
        'If this is on purpose: unplayed="ignore" in the marker, or claude_replay_unplayed = ignore',
    ]


@pytest.mark.parametrize(("unplayed", "told"), [("fail", 1), ("warn", 1), ("ignore", 0)])
def test_what_nobody_asked_for_is_told_as_the_user_wants_it(studio: Studio, unplayed: str, told: int) -> None:
    """An owner that failed anyway is not failed again."""
    session = make_session(studio, "once").open()
    live(session).finish(begin(session, "one"), OK, Meta())
    session.close(passed=True)
    replayed = make_session(studio, "none", unplayed=unplayed).open()
    replayed.close(passed=unplayed != "fail")
    assert len(replayed.tally.unplayed) == told


def test_a_rule_that_cannot_be_is_refused_on_opening(studio: Studio) -> None:
    """With the setting's name, and where it was given."""
    with pytest.raises(SettingsError, match=r"^test: ignore: "):
        make_session(studio, "none", ignore=["!model"]).open()


def test_a_label_that_is_no_text_is_written_all_the_same(studio: Studio) -> None:
    """Node ids of files whose names are not UTF-8 hold lone surrogates."""
    session = make_session(studio, "once")
    session.label = "tests/caf\udce9.py::test_it"
    session.open()
    live(session).finish(begin(session, "one"), OK, Meta())
    session.close(passed=False)
    found = load_cassette(studio.path)
    assert found is not None
    assert found.incomplete == [r"tests/caf\udce9.py::test_it"]
