"""`claude-replay verify`: what Claude answers otherwise now."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from claude_replay import use_cassette
from claude_replay.cassette import Entry, dump_cassette
from claude_replay.exchange import Exchange, Json, Request, Response, Text
from standin import ClaudeServer
from standin.clients import KEY

Run = Callable[..., tuple[int, str, str]]
MODEL = "claude-sonnet-5"
TOOL: dict[str, Any] = {"name": "weather", "description": "weather", "input_schema": {"type": "object"}}


def ask(client: Anthropic, text: str, **options: Any) -> Any:
    """One call."""
    return client.messages.create(
        **{"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": text}], **options}
    )


@pytest.fixture
def live(server: ClaudeServer, monkeypatch: pytest.MonkeyPatch) -> ClaudeServer:
    """The environment in which the command may call."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    return server


@pytest.fixture
def talk(client: Anthropic) -> str:
    """A cassette of several kinds of calls."""
    path = "cassettes/talk.yaml"
    with use_cassette(path, mode="once"):
        ask(client, "Hello")
        for _ in ask(client, "Hello again", stream=True):
            pass
        client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
        ask(client, 'Weather? [tool weather {"city": "Oslo"}]', tools=[TOOL])
        client.models.list()
    return path


def test_nothing_has_changed(talk: str, live: ClaudeServer, run: Run) -> None:
    """Every request is sent as it was, streams as streams; the file stays as it is."""
    before, recorded = Path(talk).read_bytes(), live.requests
    status, out, err = run("verify", talk)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == talk
    assert lines[1].startswith('    1  messages · claude-sonnet-5 · "Hello": same · text 100 % alike · ')
    assert lines[3].startswith('    3  messages.count_tokens · claude-sonnet-5 · "Hi": same')
    assert lines[-1] == "1 cassette: 5 same"
    again = live.requests[len(recorded) :]
    assert [(one.path, one.body) for one in again] == [(one.path, one.body) for one in recorded]
    assert Path(talk).read_bytes() == before


def test_what_has_changed_is_told(talk: str, live: ClaudeServer, run: Run) -> None:
    """By what programs depend on, for people and for programs; the exit code is 1."""
    live.script("[stop max_tokens]", "[pieces Something| else]", "", '[tool weather {"city": "Rome"}]')
    status, out, _ = run("verify", talk)
    assert status == 1
    assert "1  messages" in out
    assert "       stop_reason: recorded 'end_turn', live 'max_tokens'\n" in out
    assert "       tool calls: " in out
    assert out.endswith("1 cassette: 3 same, 2 changed\n")

    live.script("[stop max_tokens]")
    status, out, _ = run("verify", "--json", talk)
    assert status == 1
    report = json.loads(out)
    assert (report["same"], report["changed"], report["skipped"], report["failed"]) == (4, 1, 0, 0)
    first = report["cassettes"][0]["exchanges"][0]
    assert first["drift"] == [
        {
            "path": "stop_reason",
            "text": "stop_reason: recorded 'end_turn', live 'max_tokens'",
            "recorded": "end_turn",
            "now": "max_tokens",
        }
    ]
    assert (first["number"], first["outcome"], first["similarity"]) == (1, "changed", 1.0)
    assert set(first["tokens"]) == set(first["seconds"]) == {"recorded", "now"}


def test_another_wording_is_a_change_where_that_is_wanted(talk: str, live: ClaudeServer, run: Run) -> None:
    """By a limit for how alike texts have to be; what was recorded without its time is compared without."""
    Path(talk).write_text(re.sub(r"(recorded_at: '[^']*'), duration: [0-9.]+", r"\1", Path(talk).read_text()))
    live.script("[pieces Something| else]", "[pieces Something| else]")
    status, out, _ = run("verify", "--min-similarity", "0.9", talk)
    assert status == 1
    assert "text: 0 % alike, and 90 % is the least" in out


def test_what_cannot_be_asked_again_is_skipped_by_name(
    client: Anthropic, live: ClaudeServer, run: Run
) -> None:
    """Redacted requests, failures that come and go, and what would change something."""
    path = "cassettes/odd.yaml"
    live.script("", "[status 529]")
    with use_cassette(path, mode="once", redact=["ACME-[0-9]+"]):
        ask(client, "My number is ACME-123456")
        with pytest.raises(anthropic.APIStatusError):
            ask(client, "Fail")
        # Whatever it is answered.
        with contextlib.suppress(anthropic.APIStatusError):
            client.post("/v1/messages/batches", body={"requests": []}, cast_to=object)
        ask(client, "Fine")
    count = live.count

    status, out, _ = run("verify", path)

    assert status == 0
    assert live.count == count + 1
    said = [line.partition(": ")[2] for line in out.splitlines()[1:4]]
    assert said == [
        "skipped: it holds [redacted], so nobody knows what was really sent",
        "skipped: a failure was recorded (529) that comes and goes",
        "skipped: asking again would not be the same, or would change something on the server",
    ]
    assert out.splitlines()[-1] == "1 cassette: 1 same, 3 skipped"


def test_a_cancelled_call_and_a_broken_body_are_skipped(live: ClaudeServer, run: Run) -> None:
    """Nothing is known of the one's answer, and the other cannot be sent."""
    url = "https://api.anthropic.com/v1/messages"
    asked = Request("POST", url, {}, Json({"model": MODEL, "messages": []}))
    odd = Request("POST", url, {"content-type": "text/plain"}, Text("not json"))
    entries = [
        Entry.of(Exchange(asked, Response(0, {}, None, "cancelled"))),
        Entry.of(Exchange(odd, Response(400, {}, None))),
    ]
    Path("odd.yaml").write_bytes(dump_cassette(entries))
    status, out, _ = run("verify", "odd.yaml")
    assert status == 0
    assert "skipped: its body is no JSON" in out
    assert "skipped: the recorded call was cancelled, so nothing is known of its answer" in out
    assert live.count == 0


def test_a_failure_that_passes_is_asked_again(talk: str, live: ClaudeServer, run: Run) -> None:
    """By the SDK, and is no drift; one that stays is a failure of the command."""
    live.script("[status 529] [retry-after 0]")
    status, out, _ = run("verify", talk)
    assert (status, out.splitlines()[-1]) == (0, "1 cassette: 5 same")
    live.script(*["[status 529] [retry-after 0]"] * 3)
    status, out, _ = run("verify", talk)
    assert (status, out.splitlines()[-1]) == (2, "1 cassette: 4 same, 1 failed")
    assert '1  messages · claude-sonnet-5 · "Hello": failed: ' in out


def test_a_server_that_is_not_there_is_a_failure(
    talk: str, live: ClaudeServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is 2, and the rest is tried all the same."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    live.close()
    status, out, _ = run("verify", talk)
    assert status == 2
    assert out.count("failed: APIConnectionError: Connection error.") == 5


def test_a_broken_exchange_is_a_failure(talk: str, live: ClaudeServer, run: Run) -> None:
    """It is named, and the others are verified."""
    text = Path(talk).read_text()
    Path(talk).write_text(text.replace("    status: 200\n", "    status: nine\n", 1))
    status, out, _ = run("verify", talk)
    assert status == 2
    assert "unreadable: failed: cassettes/talk.yaml:" in out
    assert out.splitlines()[-1] == "1 cassette: 4 same, 1 failed"


@pytest.mark.parametrize(("option", "value"), [("--max-calls", "2"), ("--max-usd", "0.0001")])
def test_a_budget_holds_here_too(talk: str, live: ClaudeServer, run: Run, option: str, value: str) -> None:
    """What is over it is skipped, and said so."""
    count = live.count
    status, out, _ = run("verify", option, value, talk)
    assert status == 0
    assert live.count - count == (2 if option == "--max-calls" else 0)
    assert "skipped: the budget is used up" in out


def test_nobody_is_called_by_accident(
    talk: str, server: ClaudeServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a key there is nothing to do; in CI it has to be said once more."""
    count = server.count
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    status, _, err = run("verify", talk)
    assert status == 2
    assert err == (
        "claude-replay: verify calls Claude, and needs a key in the environment: ANTHROPIC_API_KEY or "
        "ANTHROPIC_AUTH_TOKEN\n"
    )
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("CI", "true")
    status, _, err = run("verify", talk)
    assert status == 2
    assert (
        err
        == "claude-replay: CI is set, so Claude is not called by accident; to call it there: verify --live\n"
    )
    assert server.count == count
    status, out, _ = run("verify", "--live", talk)
    assert (status, out.splitlines()[-1]) == (0, "1 cassette: 5 same")


def test_settings_of_the_environment_do_not_make_it_record(
    talk: str, live: ClaudeServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line is stronger, and the command is one."""
    monkeypatch.setenv("CLAUDE_REPLAY_MODE", "rewrite")
    monkeypatch.setenv("CLAUDE_REPLAY_MATCH", "sequence")
    before = Path(talk).read_bytes()
    status, out, _ = run("verify", talk)
    assert (status, out.splitlines()[-1]) == (0, "1 cassette: 5 same")
    assert Path(talk).read_bytes() == before


@pytest.mark.parametrize("value", ["much", "-1"])
def test_a_limit_is_a_number(live: ClaudeServer, run: Run, value: str) -> None:
    """Wrong usage."""
    status, _, err = run("verify", f"--min-similarity={value}", ".")
    assert status == 2
    assert f"a number from 0 on was expected, not '{value}'" in err


def test_an_empty_folder_is_nothing_to_verify(live: ClaudeServer, run: Run) -> None:
    """And no error."""
    assert run("verify", ".") == (0, "0 cassettes: nothing recorded\n", "")
