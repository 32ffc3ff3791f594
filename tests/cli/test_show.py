"""`claude-replay show`: a cassette as a conversation, and as it went over the wire."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic, APIStatusError, BadRequestError

from claude_replay import use_cassette
from standin import ClaudeServer
from standin.clients import MODEL, TOOLS, make_request

Run = Callable[..., tuple[int, str, str]]
URL = "https://api.anthropic.com/v1/messages"


def show_steady(out: str) -> list[str]:
    """The lines without what differs from run to run: durations, dates, token counts."""
    out = re.sub(r" · \d+\.\d\d s · (tokens [^·]*· )?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", "", out, flags=re.M)
    return out.splitlines()


def write_cassette(name: str, *exchanges: str) -> None:
    Path(name).write_text("version: 1\nexchanges:\n" + "".join(exchanges) + "...\n")


def make_exchange(body: object, answer: str = "body: {type: message, content: []}") -> str:
    """An exchange as text; JSON is YAML, too."""
    return (
        f"- request:\n    url: {URL}\n    body: {json.dumps(body)}\n"
        f"  response:\n    status: 200\n    headers: {{}}\n    {answer}\n"
    )


def ask(text: str, **fields: object) -> dict[str, object]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **fields}


def test_an_agent_reads_as_one_conversation(client: Anthropic, run: Run) -> None:
    """Tool calls and results by name, thinking marked, how answers ended; nothing is said twice."""
    prompt = 'Paris? [tool weather {"city":"Paris"}]'
    messages: list[Any] = [{"role": "user", "content": prompt}]
    options: dict[str, Any] = {"tools": TOOLS, "system": "Be terse.\nNo jokes.", "max_tokens": 2000}
    with use_cassette("talk.yaml", mode="once"):
        answer = client.messages.create(model=MODEL, messages=messages, **options)
        call = answer.content[-1]
        assert call.type == "tool_use"
        messages += [
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "17 C"}]},
        ]
        thinking: Any = {"type": "enabled", "budget_tokens": 1024}
        with client.messages.stream(model=MODEL, messages=messages, thinking=thinking, **options) as stream:
            answer = stream.get_final_message()
        messages += [
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": "Thanks. [stop max_tokens]"},
        ]
        client.messages.create(model=MODEL, messages=messages, **options)
    status, out, err = run("show", "talk.yaml")
    assert (status, err) == (0, "")
    assert show_steady(out) == [
        "talk.yaml · 3 exchanges",
        "",
        "1 · messages · claude-sonnet-5 · 200",
        "  max_tokens 2000 · tools weather, clock",
        "  system",
        "    Be terse.",
        "    No jokes.",
        "  user",
        f"    {prompt}",
        "  answer · tool_use",
        "    I will use weather.",
        '    weather({"city": "Paris"})',
        "",
        "2 · messages · claude-sonnet-5 · 200",
        '  max_tokens 2000 · thinking {"type": "enabled", "budget_tokens": 1024} · tools weather, clock',
        "  … 2 earlier messages as above",
        "  user",
        "    result of weather: 17 C",
        "  answer · end_turn (streamed, 19 events)",
        "    [thinking]",
        "      The user says: 17 C",
        "    The tool answered: 17 C",
        "",
        "3 · messages · claude-sonnet-5 · 200",
        "  max_tokens 2000 · tools weather, clock",
        "  … 4 earlier messages as above",
        "  user",
        "    Thanks. [stop max_tokens]",
        "  answer · max_tokens",
        "    You said: Thanks.",
    ]


def test_heads_tell_duration_tokens_and_date(client: Anthropic, run: Run) -> None:
    """What an exchange cost, when it was live; cached tokens apart."""
    cached: Any = [{"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}]
    with use_cassette("talk.yaml", mode="once"):
        for _ in range(2):
            client.messages.create(**make_request("Hi", {"system": cached}))
    _, out, _ = run("show", "talk.yaml")
    heads = [line for line in out.splitlines() if re.match(r"\d · ", line)]
    end = r"· \d+\.\d\d s · tokens \d+ in, [\d,]+ {} cache, \d+ out · \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.search(end.format("to"), heads[0])
    assert re.search(end.format("from"), heads[1])


def test_equal_and_interleaved_conversations_are_told_apart(client: Anthropic, run: Run) -> None:
    """What goes on from an exchange further up names it; a question is shown each time it is asked."""
    with use_cassette("talk.yaml", mode="once"):
        for prompt in ("A", "B", "A"):
            client.messages.create(**make_request(prompt, {}))
        client.messages.create(
            **make_request(
                [
                    {"role": "user", "content": "B"},
                    {"role": "assistant", "content": "You said: B"},
                    {"role": "user", "content": "C"},
                ],
                {},
            )
        )
    _, out, _ = run("show", "talk.yaml")
    lines = [line for line in show_steady(out) if "max_tokens" not in line and "answer" not in line]
    assert lines[2:] == [
        *("1 · messages · claude-sonnet-5 · 200", "  user", "    A", "    You said: A", ""),
        *("2 · messages · claude-sonnet-5 · 200", "  user", "    B", "    You said: B", ""),
        *("3 · messages · claude-sonnet-5 · 200", "  user", "    A", "    You said: A", ""),
        "4 · messages · claude-sonnet-5 · 200",
        "  … 2 earlier messages as above (exchange 2)",
        "  user",
        "    C",
        "    You said: C",
    ]


def test_one_exchange_is_shown_with_everything(client: Anthropic, run: Run) -> None:
    """With a number, messages that an earlier exchange has shown stand there, too, and nothing is cut."""
    system = "\n".join(f"Rule {number}." for number in range(20))
    history: list[Any] = [
        {"role": "user", "content": "A"},
        {"role": "assistant", "content": "You said: A"},
        {"role": "user", "content": "B"},
    ]
    with use_cassette("talk.yaml", mode="once"):
        client.messages.create(**make_request("A", {"system": system}))
        client.messages.create(**make_request(history, {"system": system}))
    _, out, _ = run("show", "talk.yaml", "2")
    lines = show_steady(out)
    assert lines[:5] == [
        "talk.yaml · 2 exchanges",
        "",
        "2 · messages · claude-sonnet-5 · 200",
        "  max_tokens 4096",
        "  system",
    ]
    assert lines[24:] == [
        *("    Rule 19.", "  user", "    A", "  assistant", "    You said: A", "  user", "    B"),
        *("  answer · end_turn", "    You said: B"),
    ]


def test_a_number_beyond_the_last_exchange_is_wrong_usage(run: Run) -> None:
    """The message says how many there are."""
    write_cassette("one.yaml", make_exchange(ask("Hi")))
    message = "claude-replay: one.yaml has 1 exchange, so there is no number 2\n"
    assert run("show", "one.yaml", "2") == (2, "", message)


def test_long_system_prompts_are_cut_unless_asked_for(run: Run) -> None:
    """A few lines, and how much was left out; `--full` shows all of it."""
    system = "\n".join(f"Rule {number:02}." for number in range(100))
    write_cassette("one.yaml", make_exchange(ask("Hi", system=[{"type": "text", "text": system}])))
    _, out, _ = run("show", "one.yaml")
    assert out.splitlines()[3:10] == [
        "  system",
        *(f"    Rule 0{number}." for number in range(5)),
        "    … 95 more lines, 760 characters (--full shows them)",
    ]
    _, out, _ = run("show", "one.yaml", "--full")
    assert "    Rule 99." in out.splitlines()
    assert "--full" not in out


def test_everything_a_message_may_hold_has_a_form(run: Run) -> None:
    """Media by type and size, results and errors of tools, calls on the server, what Claude encrypts."""
    data = base64.b64encode(b"x" * 12_345).decode()
    large = {"text": "long " * 30, "n": [1, 2]}
    user = [
        {"type": "text", "text": "Look:", "cache_control": {"type": "ephemeral"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/cat.png"}},
        {
            "type": "document",
            "title": "Plan",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "abc"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "content", "content": []}},
        {"type": "container_upload", "file_id": "file_2"},
    ]
    assistant = [
        {"type": "thinking", "thinking": "", "signature": "x"},
        {"type": "redacted_thinking", "data": "y" * 1000},
        {"type": "tool_use", "id": "a", "name": "look", "input": {}},
        {"type": "tool_use", "id": "b", "name": "write", "input": large},
        {"type": "server_tool_use", "id": "c", "name": "web_search", "input": {"query": "cats"}},
        {"type": "server_tool_use", "id": "d", "name": "run", "input": "z" * 100},
    ]
    results = [
        {"type": "tool_result", "tool_use_id": "a"},
        {"type": "tool_result", "tool_use_id": "b", "is_error": True, "content": "no\nspace"},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "c",
            "content": [{"type": "web_search_result", "title": "Cats", "encrypted_content": "e" * 500}],
        },
        {"type": "tool_result", "tool_use_id": "z", "content": [{"type": "text", "text": "?"}]},
    ]
    body = {
        "model": MODEL,
        "max_tokens": 5,
        "metadata": {"user_id": "u" * 100},
        "tools": [{"type": "web_search_20250305", "name": "web_search"}, {"type": "mcp_toolset"}],
        "messages": [
            {"role": "user", "content": user},
            {"role": "assistant", "content": assistant},
            {"role": "user", "content": results},
        ],
    }
    write_cassette("one.yaml", make_exchange(body))
    _, out, _ = run("show", "one.yaml")
    assert out.splitlines()[3:] == [
        f'  max_tokens 5 · metadata {{"user_id": "{"u" * 67}… · tools web_search, mcp_toolset',
        "  user",
        "    Look:",
        "    [image/png, 12,345 bytes]",
        "    [image https://example.org/cat.png]",
        '    [application/pdf, 3 bytes, "Plan"]',
        "    [text/plain, 3 characters]",
        "    [document file_1]",
        '    [document] {"type": "content", "content": []}',
        '    [container_upload] {"file_id": "file_2"}',
        "  assistant",
        "    [thinking, its text left out]",
        "    [redacted thinking, 1,000 characters]",
        "    look({})",
        "    write({",
        f'      "text": "{"long " * 30}",',
        '      "n": [',
        "        1,",
        "        2",
        "      ]",
        "    })",
        '    web_search({"query": "cats"}) [on the server]',
        f'    run("{"z" * 100}") [on the server]',
        "  user",
        "    result of look: (nothing)",
        "    error of write:",
        "      no",
        "      space",
        '    result of web_search: [web_search_result] {"title": "Cats", "encrypted_content": '
        f'"{"e" * 80}… (500 characters)"}}',
        "    result of z: ?",
        "  answer",
    ]


def test_answers_that_are_no_message(client: Anthropic, run: Run) -> None:
    """Errors by type and message, short JSON on one line, long JSON cut."""
    with use_cassette("talk.yaml", mode="once"):
        with pytest.raises(BadRequestError):
            client.messages.create(**make_request("[status 400]", {}))
        client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
        client.models.list()
    _, out, _ = run("show", "talk.yaml")
    lines = show_steady(out)
    assert lines[2:7] == [
        "1 · messages · claude-sonnet-5 · 400",
        *("  max_tokens 4096", "  user", "    [status 400]", "  answer"),
    ]
    assert lines[7:15] == [
        "    [error] invalid_request_error: The request is not valid",
        "",
        "2 · messages.count_tokens · claude-sonnet-5 · 200",
        *("  user", "    Hi", "  answer", lines[13], ""),
    ]
    assert re.fullmatch(r'    \{"input_tokens": \d+\}', lines[13])
    assert lines[15:19] == ["3 · GET /v1/models · 200", "  answer", "    {", '      "data": [']
    assert re.fullmatch(r"    … \d+ more lines, \d+ characters \(--full shows them\)", lines[-1])


def test_streams_that_did_not_end_well(client: Anthropic, run: Run) -> None:
    """An error in the middle stands behind what had come; where the application stopped is said."""
    with use_cassette("talk.yaml", mode="once"):
        with (
            pytest.raises(APIStatusError),
            client.messages.stream(**make_request("[error-after 2] Hi", {})) as stream,
        ):
            stream.until_done()
        with client.messages.create(**make_request("[words 500] Hi", {}), stream=True) as events:
            for event in events:
                if event.type == "content_block_delta":
                    break
    _, out, _ = run("show", "talk.yaml")
    first, second = "\n".join(show_steady(out)).split("\n\n")[1:]
    assert first.splitlines()[-3:] == [
        "  answer · (streamed, 6 events)",
        "    You said:",
        "    [error] overloaded_error: Overloaded",
    ]
    assert re.fullmatch(
        r"  answer · \(streamed, \d+ events\) \(the application stopped reading here\)",
        second.splitlines()[4],
    )


def test_citations_refusals_and_stop_sequences(run: Run) -> None:
    """What explains an answer is shown with it."""
    answer = {
        "type": "message",
        "content": [
            {"type": "text", "text": "As said.", "citations": [{"type": "char_location"}]},
            {"type": "text", "text": "And.", "citations": [{}, {}]},
        ],
        "stop_reason": "refusal",
        "stop_sequence": "END",
        "stop_details": {"type": "refusal", "category": "x"},
    }
    write_cassette("one.yaml", make_exchange(ask("Hi"), f"body: {json.dumps(answer)}"))
    _, out, _ = run("show", "one.yaml")
    assert out.splitlines()[5:] == [
        '  answer · refusal "END"',
        *("    As said.", "    [1 citation]", "    And.", "    [2 citations]"),
        '    [stop details] {"type": "refusal", "category": "x"}',
    ]


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ("text: 'Bad\n\n      gateway'", ["  answer", "    Bad", "    gateway"]),
        ("binary: !!binary aGVsbG8=", ["  answer", "    [binary, 5 bytes]"]),
        ("ended: complete", ["  answer", "    [no body]"]),
        (
            "events: [{ping: {}}]",
            ["  answer · (streamed, 1 event)", "    [these events carry no message; --raw shows them]"],
        ),
        (
            "events: [{event: error, data: 5}]\n    tail: abc",
            [
                "  answer · (streamed, 1 event)",
                "    [error] 5",
                "    [3 characters after the last whole event]",
            ],
        ),
    ],
    ids=["text", "binary", "none", "no message", "error"],
)
def test_bodies_of_every_kind_are_shown(answer: str, lines: list[str], run: Run) -> None:
    """Also what no API would send: a file may be written by anybody."""
    write_cassette("one.yaml", make_exchange(ask("Hi"), answer))
    status, out, _ = run("show", "one.yaml")
    assert status == 0
    assert out.splitlines()[5:] == lines


def test_requests_that_are_no_conversation_are_shown_as_json(run: Run) -> None:
    """Bodies of other endpoints, and what has the form of none."""
    content = [2, {"type": "text", "text": 3}, {"type": "image"}]
    odd = {"messages": [1, {"role": "assistant", "content": None}, {"role": "user", "content": content}]}
    write_cassette("odd.yaml", make_exchange({"requests": [1]}), make_exchange([1]), make_exchange(odd))
    _, out, _ = run("show", "odd.yaml")
    shown = [block.splitlines()[1:-1] for block in out.split("\n\n")[1:]]
    assert shown == [
        ["  request", '    {"requests": [1]}'],
        ["  request", "    [1]"],
        [
            *("  message", "    [block] 1", "  assistant", "  user", "    [block] 2"),
            *('    [text] {"text": 3}', "    [image] {}"),
        ],
    ]


def test_raw_shows_both_sides_exactly(client: Anthropic, server: ClaudeServer, run: Run) -> None:
    """Headers, the request's JSON indented, the answer's body byte for byte as replay sends it."""
    for mode in ("once", "none"):
        with use_cassette("talk.yaml", mode=mode):
            text = client.messages.with_raw_response.create(**make_request("Hi", {}))
            with client.messages.with_streaming_response.create(
                **make_request("[words 2]", {}), stream=True
            ) as stream:
                events = "".join(stream.iter_text())
    _, out, _ = run("show", "talk.yaml", "--raw")
    _, first, second = re.split(r"\n\n(?=\d · )", out)
    assert first.splitlines()[1:] == [
        f"POST {server.url}/v1/messages",
        *(line for line in first.splitlines() if line.startswith("anthropic-version: ")),
        "",
        "{",
        '  "max_tokens": 4096,',
        *('  "messages": [', "    {", '      "role": "user",', '      "content": "Hi"', "    }", "  ],"),
        '  "model": "claude-sonnet-5"',
        "}",
        "",
        "HTTP 200",
        "content-type: application/json",
        f"request-id: {text.headers['request-id']}",
        "",
        text.text(),
    ]
    assert second.endswith(events.removesuffix("\n"))
    assert "\nevent: content_block_delta\ndata: {" in second


def test_raw_of_one_exchange(client: Anthropic, run: Run) -> None:
    """Number and `--raw` go together."""
    with use_cassette("talk.yaml", mode="once"):
        for prompt in ("A", "B"):
            client.messages.create(**make_request(prompt, {}))
    _, out, _ = run("show", "talk.yaml", "2", "--raw")
    assert '"content": "B"' in out
    assert '"content": "A"' not in out


def test_raw_of_what_is_no_json(run: Run) -> None:
    """Bytes are counted, not printed; where reading stopped is said."""
    write_cassette(
        "odd.yaml",
        make_exchange(ask("Hi"), "binary: !!binary aGVsbG8=\n    ended: closed"),
        make_exchange(ask("Hi"), "text: plain"),
    )
    _, out, _ = run("show", "odd.yaml", "--raw")
    ends = [block.split("HTTP 200\n\n")[1] for block in re.split(r"\n\n(?=\d · )", out.rstrip("\n"))[1:]]
    assert ends == [
        "[binary, 5 bytes]\n[the application stopped reading here]",
        "plain",
    ]


def test_cassettes_of_vcrpy_are_shown_too(run: Run) -> None:
    """With what was left out, and without headers that tell who recorded."""
    key = "sk-ant-" + "api03-" + "Zz9" * 8
    headers = f"{{x-api-key: [{key}], anthropic-version: ['2023-06-01']}}"
    asked = f"headers: {headers}, method: POST, body: '{{}}'"
    answered = "{status: {code: 200}, headers: {cf-ray: [a], server: [b]}, body: {string: Hello}}"
    Path("old.yaml").write_text(
        "interactions:\n"
        f"- request: {{uri: '{URL}', {asked}}}\n  response: {answered}\n"
        f"- request: {{uri: 'https://example.org/', method: GET}}\n  response: {answered}\n"
        "version: 1\n"
    )
    _, out, _ = run("show", "old.yaml", "--raw")
    assert out.splitlines() == [
        "old.yaml · 1 exchange · written by vcrpy",
        "  interactions[1]: not a Claude exchange (example.org)",
        "",
        "1 · messages · 200",
        f"POST {URL}",
        "anthropic-version: 2023-06-01",
        "[1 more header, none that claude_replay keeps]",
        "",
        "{}",
        "",
        "HTTP 200",
        "[2 more headers, none that claude_replay keeps]",
        "",
        "Hello",
    ]
    _, out, _ = run("show", "old.yaml", "1")
    assert "interactions[1]" not in out


def test_incomplete_cassettes_say_so(run: Run) -> None:
    """With the tests that have not passed since."""
    exchange = make_exchange(ask("Hi"))
    Path("one.yaml").write_text(f"version: 1\nincomplete: ['test_a', 'test_b']\nexchanges:\n{exchange}...\n")
    _, out, _ = run("show", "one.yaml")
    assert out.splitlines()[0] == (
        "one.yaml · 1 exchange · incomplete: not passed since it was recorded: test_a, test_b"
    )


def test_secrets_are_never_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shapes of keys, credentials of the environment, what CLAUDE_REPLAY_REDACT matches; raw or not."""
    key = "sk-ant-" + "api03-" + "Zz9" * 8
    password = "correct-" + "horse-7"
    monkeypatch.setenv("SOME_API_KEY", password * 2)
    monkeypatch.setenv("CLAUDE_REPLAY_REDACT", "case-[0-9]+")
    pieces = f'{key[:20]}", index: 0, cuts: "20"'
    stream = (
        f'events: [{{text_delta: {{text: "{pieces}}}}}, {{text_delta: {{index: 0, text: "{key[20:]}"}}}}]'
    )
    write_cassette(
        "one.yaml",
        make_exchange(ask(f"{key} and {password * 2} and case-123", system=key)),
        make_exchange(ask("Hi"), stream),
    )
    for arguments in (["--full"], ["--raw"], ["1"]):
        status, out, _ = run("show", "one.yaml", *arguments)
        assert status == 0
        assert "[redacted] and [redacted] and [redacted]" in out
        assert not [secret for secret in (key, key[20:], password, "case-123") if secret in out]


def test_nothing_in_a_cassette_can_drive_the_terminal(run: Run) -> None:
    """Escape sequences, line ends in names, bidirectional marks: all are spelled out."""
    body = {
        "model": "m\n1 · messages\x1b[31m",
        "messages": [
            {
                "role": "user\n  answer",
                "content": "bell\a, red\x1b[31m, up\r, \x9b1m, \u202etxt, INVISIBLE, tab\t.",
            }
        ],
    }
    write_cassette("odd.yaml", make_exchange(body).replace("INVISIBLE", "\\U000e0041"))
    _, out, _ = run("show", "odd.yaml")
    assert out.splitlines()[2:-1] == [
        "1 · messages · m\\n1 · messages\\x1b[31m · 200",
        "  user\\n  answer",
        "    bell\\x07, red\\x1b[31m, up\\r, \\x9b1m, \\u202etxt, \\U000e0041, tab\t.",
    ]
    _, out, _ = run("show", "odd.yaml", "--raw")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", out)


def test_an_unreadable_exchange_is_an_error(run: Run) -> None:
    """Exit code 2, with file and line; the others can still be shown by their number."""
    exchange = make_exchange(ask("Hi"))
    write_cassette("one.yaml", exchange, exchange.replace("status: 200", "status: 2000"))
    status, out, err = run("show", "one.yaml")
    assert (status, out) == (2, "")
    assert err.startswith(
        "claude-replay: one.yaml:10: response.status: an HTTP status was expected, not 2000\n"
    )
    assert run("show", "one.yaml", "1")[0] == 0


def test_a_folder_or_a_missing_file_is_wrong_usage(run: Run) -> None:
    """Both messages say how to go on."""
    Path("cassettes").mkdir()
    write_cassette("cassettes/one.yaml", make_exchange(ask("Hi")))
    message = "claude-replay: cassettes is a folder; what is in it: claude-replay list cassettes\n"
    assert run("show", "cassettes") == (2, "", message)
    message = "claude-replay: there is no file or folder 'one.yml'; did you mean 'cassettes/one.yaml'?\n"
    assert run("show", "one.yml") == (2, "", message)


def test_expand_repeats_what_earlier_exchanges_have_shown(client: Anthropic, run: Run) -> None:
    """Every exchange with all its messages, system and tools, though the file has them once."""
    path = Path("cassettes/loop.yaml")
    tools: list[Any] = [
        {"name": "weather", "description": "How it is. " * 30, "input_schema": {"type": "object"}}
    ]
    messages: list[Any] = [{"role": "user", "content": "First, in a few words. [tool weather {}]"}]
    with use_cassette(path, mode="once"):
        for turn in range(3):
            answer = client.messages.create(
                model=MODEL, max_tokens=99, system="Be brief. " * 30, tools=tools, messages=messages
            )
            messages += [{"role": "assistant", "content": answer.content}]
            call = answer.content[-1].id  # type: ignore[union-attr]
            result = {"type": "tool_result", "tool_use_id": call, "content": f"{turn} [tool weather {{}}]"}
            messages += [{"role": "user", "content": [result]}]
    assert path.read_text().count("First, in a few words.") == 1
    assert run("show", str(path))[1].count("First, in a few words.") == 1
    status, out, err = run("show", "--expand", str(path))
    assert (status, err) == (0, "")
    assert out.count("First, in a few words.") == 3
    assert out.count("Be brief.") == 3 * 30
    assert out.count("  user\n") == 1 + 2 + 3
    assert "earlier message" not in out


def test_an_upload_is_shown_part_by_part(run: Run) -> None:
    """Names and texts; not the boundary, which means nothing."""
    Path("upload.yaml").write_text(
        """version: 1
exchanges:
- request:
    url: https://api.anthropic.com/v1/files
    headers: {}
    parts:
    - name: file
      filename: notes.txt
      type: text/plain
      text: Only a note.
  response:
    status: 200
    headers: {}
    body: {id: file_01, type: file}
...
"""
    )
    status, out, _ = run("show", "upload.yaml")

    assert status == 0
    assert "notes.txt" in out
    assert "Only a note." in out


def test_the_results_of_a_batch_are_shown_line_by_line(run: Run) -> None:
    """One line for each, as it came."""
    Path("results.yaml").write_text(
        """version: 1
exchanges:
- request:
    method: GET
    url: https://api.anthropic.com/v1/messages/batches/msgbatch_01/results
    headers: {}
  response:
    status: 200
    headers: {content-type: application/x-jsonl}
    lines:
    - {custom_id: a}
    - {custom_id: b}
...
"""
    )
    status, out, _ = run("show", "results.yaml")

    assert status == 0
    assert '{"custom_id": "a"}' in out
    assert '{"custom_id": "b"}' in out
