"""What a miss says: read as a whole, by someone who has never seen the tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from claude_replay.errors import CassetteMiss
from claude_replay.exchange import Request, Text
from claude_replay.normalize import MATCHING, Canonical, canonicalize
from claude_replay.replay import Asked, Recordings, explain_miss
from traffic import MODEL, URL, make_body, make_request

QUESTION = "What is the capital of {}?"
UUIDS = ["550e8400-e29b-41d4-a716-446655440000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"]
ASKED = Asked("messages", MODEL, QUESTION.format("Spain"))


def form(content: object = QUESTION.format("Spain"), **fields: Any) -> Canonical:
    """The canonical form of a Messages request."""
    return canonicalize(make_request(make_body(content, **fields)), MATCHING)


def explain(sent: Canonical, recorded: Sequence[Canonical], **options: Any) -> CassetteMiss:
    """The miss of one test."""
    settings: dict[str, Any] = {
        "cassette": "cassettes/test_chat/test_capital.yaml",
        "exists": True,
        "equal": [place for place, one in enumerate(recorded) if one.fingerprint == sent.fingerprint],
        "likely": range(len(recorded)),
        "waiting": 0,
        "mode": "none",
        "ignored": MATCHING.describe(),
        "command": lambda mode: f'pytest --claude-record={mode} "test_chat.py::test_capital"',
        "spell": "@pytest.mark.claude_replay({})".format,
    }
    forms = Recordings.of(recorded)
    return explain_miss(options.pop("asked", ASKED), sent, forms, **{**settings, **options})


def difference(sent: Canonical, recorded: Canonical, **options: Any) -> str:
    """What is said about the difference, without indentation."""
    miss = explain(sent, [recorded], **options)
    assert miss.reason == "differs"
    lines = miss.message.split("\n")
    end = next(number for number, line in enumerate(lines) if line.startswith("  ignored"))
    return "\n".join(line[12:] for line in lines[4:end])


def suggestion(sent: Canonical, recorded: Canonical) -> str | None:
    """The `ignore` list that is advised, if any."""
    found = [line for line in explain(sent, [recorded]).message.split("\n") if "match it: " in line]
    start, end = "   match it: @pytest.mark.claude_replay(", ")  # makes them equal"
    return found[0].removeprefix(start).removesuffix(end) if found else None


def test_no_cassette() -> None:
    """Without a file there is nothing to compare with; the command that makes one is given."""
    miss = explain(form(), [], exists=False)

    assert miss.reason == "no_cassette"
    assert miss.message == (
        "claude_replay: no recording answers this request\n"
        '  asked     messages · claude-sonnet-5 · "What is the capital of Spain?"\n'
        "  cassette  cassettes/test_chat/test_capital.yaml (no such file, mode none)\n"
        "  why       there is no such cassette yet\n"
        '  record it: pytest --claude-record=once "test_chat.py::test_capital"'
    )


@pytest.mark.parametrize(("waiting", "counted"), [(1, "1 exchange"), (1200, "1,200 exchanges")])
def test_no_cassette_but_a_journal(waiting: int, counted: str) -> None:
    """What a killed run has left is mentioned, for it was paid for."""
    miss = explain(form(), [], exists=False, waiting=waiting)

    assert miss.message == (
        "claude_replay: no recording answers this request\n"
        '  asked     messages · claude-sonnet-5 · "What is the capital of Spain?"\n'
        "  cassette  cassettes/test_chat/test_capital.yaml (no such file, mode none)\n"
        "  why       there is no such cassette yet\n"
        f"  journal   {counted} of a run that was killed, kept beside it; recording takes up from there\n"
        '  record it: pytest --claude-record=once "test_chat.py::test_capital"'
    )


def test_an_empty_cassette() -> None:
    """A file without exchanges is no missing file."""
    miss = explain(form(), [], mode="once")

    assert miss.reason == "nothing_similar"
    assert miss.message == (
        "claude_replay: no recording answers this request\n"
        '  asked     messages · claude-sonnet-5 · "What is the capital of Spain?"\n'
        "  cassette  cassettes/test_chat/test_capital.yaml (0 exchanges, mode once)\n"
        "  why       the cassette is empty\n"
        '  record it: pytest --claude-record=new_episodes "test_chat.py::test_capital"'
    )


def test_nothing_similar() -> None:
    """What is recorded is listed in the same words as what was asked, the first few of many."""
    unlike = make_body("Zwölf Boxkämpfer", model="claude-opus-5", max_tokens=1)
    models = canonicalize(
        make_request(None, url="https://api.anthropic.com/v1/models", method="GET"), MATCHING
    )
    recorded = [canonicalize(make_request(unlike), MATCHING), models, *[models] * 3]

    miss = explain(form(), recorded)

    assert miss.reason == "nothing_similar"
    assert miss.message == (
        "claude_replay: no recording answers this request\n"
        '  asked     messages · claude-sonnet-5 · "What is the capital of Spain?"\n'
        "  cassette  cassettes/test_chat/test_capital.yaml (5 exchanges, mode none)\n"
        "  why       nothing similar is recorded; there is:\n"
        '            1  messages · claude-opus-5 · "Zwölf Boxkämpfer"\n'
        "            2  GET /v1/models\n"
        "            3  GET /v1/models\n"
        "            … and 2 more exchanges\n"
        '  record it: pytest --claude-record=new_episodes "test_chat.py::test_capital"'
    )
    assert "… and 1 more exchange\n" in explain(form(), recorded[:4]).message
    assert "more" not in explain(form(), recorded[:3]).message


def test_a_difference() -> None:
    """The nearest recording, what differs from it by path, and both ways to go on."""
    miss = explain(form(), [form("Zwölf Boxkämpfer"), form(QUESTION.format("France"))])

    assert miss.reason == "differs"
    assert miss.message == (
        "claude_replay: no recording answers this request\n"
        '  asked     messages · claude-sonnet-5 · "What is the capital of Spain?"\n'
        "  cassette  cassettes/test_chat/test_capital.yaml (2 exchanges, mode none)\n"
        "  why       number 2 comes nearest (72 % alike), and differs:\n"
        "            [-recorded-] {+sent+}\n"
        "            messages[0].content\n"
        "                What is the capital of [-France-]{+Spain+}?\n"
        "  ignored   metadata, cache_control, diagnostics\n"
        '  record it: pytest --claude-record=rewrite "test_chat.py::test_capital"  # the whole test anew\n'
        '         or: pytest --claude-record=new_episodes "test_chat.py::test_capital"'
        "  # this request too, beside the others"
    )


def test_a_difference_that_can_be_ignored() -> None:
    """Where values of a known kind are all that differs, the setting that makes them equal is given."""
    rules = MATCHING.with_ignored(["!metadata", "!cache_control", "!diagnostics"])

    miss = explain(
        form(f"Where is order {UUIDS[0]}?"), [form(f"Where is order {UUIDS[1]}?")], ignored=rules.describe()
    )

    assert miss.message == (
        "claude_replay: no recording answers this request\n"
        '  asked     messages · claude-sonnet-5 · "What is the capital of Spain?"\n'
        "  cassette  cassettes/test_chat/test_capital.yaml (1 exchange, mode none)\n"
        "  why       number 1 comes nearest (34 % alike), and differs:\n"
        "            [-recorded-] {+sent+}\n"
        "            messages[0].content\n"
        f"                Where is order [-{UUIDS[1]}-]\n"
        f"                {{+{UUIDS[0]}+}}?\n"
        "  ignored   nothing\n"
        '   match it: @pytest.mark.claude_replay(ignore=["messages[0].content:uuid"])  # makes them equal\n'
        '         or: claude_replay_ignore = ["messages[0].content:uuid"]\n'
        '  record it: pytest --claude-record=rewrite "test_chat.py::test_capital"  # the whole test anew\n'
        '         or: pytest --claude-record=new_episodes "test_chat.py::test_capital"'
        "  # this request too, beside the others"
    )


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([1], "the only equal recording (number 2) has been played already"),
        ([0, 2], "both equal recordings (numbers 1, 3) have been played already"),
        ([0, 1, 2], "all 3 equal recordings (numbers 1, 2, 3) have been played already"),
        (range(7), "all 7 equal recordings (numbers 1, 2, 3, 4, 5, …) have been played already"),
    ],
)
def test_all_played(places: Sequence[int], words: str) -> None:
    """A request that is recorded, but was asked for more often, reads differently from one that is not."""
    recorded = [form() if place in places else form("Else") for place in range(max(places) + 1)]

    miss = explain(form(), recorded)

    assert miss.reason == "all_played"
    assert miss.message == (
        "claude_replay: no recording answers this request\n"
        '  asked     messages · claude-sonnet-5 · "What is the capital of Spain?"\n'
        f"  cassette  cassettes/test_chat/test_capital.yaml ({len(recorded)} exchanges, mode none)\n"
        f"  why       {words}\n"
        '  record it: pytest --claude-record=new_episodes "test_chat.py::test_capital"  # one more\n'
        "         or: repeat=True  # answers every further one with the last"
    )


def test_what_was_not_played_yet_comes_nearer() -> None:
    """Of two recordings almost equally alike the one still expected is meant; a played one is named so."""
    recorded = [form(QUESTION.format("France")), form(QUESTION.format("Norway today"))]

    assert "why       number 1 comes nearest (72 % alike), and" in explain(form(), recorded).message
    assert (
        "why       number 2 comes nearest (66 % alike), and" in explain(form(), recorded, played={0}).message
    )
    assert (
        "number 1 comes nearest (72 % alike, played already), and"
        in explain(form(), recorded[:1], played={0}).message
    )


def test_what_differs_is_never_wholly_alike() -> None:
    """One other setting among hundreds is 99 % alike, not 100 %."""
    settings = {f"setting_{number}": number for number in range(300)}

    assert "(99 % alike)" in explain(form(**settings), [form(**{**settings, "setting_0": 5})]).message


@pytest.mark.parametrize(
    ("sent", "recorded", "words"),
    [
        (form(max_tokens=5), form(), "max_tokens: recorded 1024, sent 5"),
        (form(stream=True), form(), "stream: only in the request sent (true)"),
        (form(), form(system="Be terse."), 'system: only in the recording ("Be terse.")'),
        (
            form(system="Be very terse."),
            form(system=[{"type": "text", "text": "Be terse."}]),
            "[-recorded-] {+sent+}\nsystem\n    Be {+very +}terse.",
        ),
        (
            form([{"type": "text", "text": QUESTION.format("Spain")}, {"type": "image", "source": {}}]),
            form(QUESTION.format("Spain")),
            'messages[0].content[1]: only in the request sent ({"type": "image", "source": {}})',
        ),
        (
            form([{"type": "text", "text": "One and two"}, {"type": "text", "text": "Three"}]),
            form([{"type": "text", "text": "One or two"}, {"type": "text", "text": "Three"}]),
            "[-recorded-] {+sent+}\nmessages[0].content[0].text\n    One [-or-]{+and+} two",
        ),
        (
            form([{"type": "text", "text": "One and two", "new": 1}]),
            form([{"type": "text", "text": "One or two", "new": 1}]),
            "[-recorded-] {+sent+}\nmessages[0].content[0].text\n    One [-or-]{+and+} two",
        ),
        (
            form([{"type": "text", "text": "One and two"}]),
            form([{"type": "text", "text": "One or two"}, {"type": "text", "text": "Three"}]),
            "[-recorded-] {+sent+}\nmessages[0].content[0].text\n    One [-or-]{+and+} two\n"
            'messages[0].content[1]: only in the recording ("Three")',
        ),
    ],
)
def test_paths_are_those_of_the_request(sent: Canonical, recorded: Canonical, words: str) -> None:
    """A difference is found where it stands in the request, a lone text under `content` itself."""
    assert difference(sent, recorded) == words


def test_differences_outside_the_body_are_named_too() -> None:
    """Betas, and the endpoint."""
    body = make_body(QUESTION.format("Spain"))
    beta = canonicalize(make_request(body, anthropic_beta="files-api"), MATCHING)
    count = canonicalize(make_request(body, url=f"{URL}/count_tokens"), MATCHING)

    assert difference(beta, form()) == 'betas[0]: only in the request sent ("files-api")'
    assert difference(count, form()) == 'operation: recorded "messages", sent "messages.count_tokens"'
    assert suggestion(beta, form()) is None


def test_bodies_that_are_no_json_are_compared_as_text() -> None:
    """Uploads and the like have no paths inside."""
    one, other = (
        canonicalize(Request("POST", "https://api.anthropic.com/v1/files", {}, Text(text)), MATCHING)
        for text in ("one file of mine", "one file of yours")
    )
    empty = canonicalize(Request("POST", "https://api.anthropic.com/v1/files", {}, None), MATCHING)

    assert difference(one, other) == "[-recorded-] {+sent+}\ntext\n    one file of [-yours-]{+mine+}"
    assert difference(one, empty) == 'text: only in the request sent ("one file of mine")'


@pytest.mark.parametrize(
    ("sent", "recorded", "expected"),
    [
        (form("On 2026-11-22."), form("On 2026-11-23."), 'ignore=["messages[0].content:date"]'),
        (form("At 2026-11-22 10:00"), form("At 2026-11-23 11:00"), 'ignore=["messages[0].content:datetime"]'),
        (form(system="Run 1700000000"), form(system="Run 1700000009"), 'ignore=["system:unix_time"]'),
        (form(x={"at": 1700000000}), form(x={"at": 1700000009.5}), 'ignore=["x.at:unix_time"]'),
        (form(x={"a b": UUIDS[0]}), form(x={"a b": UUIDS[1]}), "ignore=['x[\"a b\"]:uuid']"),
        (
            form(f"Where was order {UUIDS[0]} on 2026-11-22"),
            form(f"Where was order {UUIDS[1]} on 2026-11-23"),
            'ignore=["messages[0].content:uuid", "messages[0].content:date"]',
        ),
        (
            form(f"First\n{UUIDS[0]}\nLast " + "x" * 9000),
            form(f"First\n{UUIDS[1]}\nLast " + "x" * 9000),
            'ignore=["messages[0].content:uuid"]',
        ),
        (
            form(x=[{"id": UUIDS[0]}, {"id": UUIDS[0]}]),
            form(x=[{"id": UUIDS[1]}, {"id": UUIDS[1]}]),
            'ignore=["x[*].id:uuid"]',
        ),
        (
            form(f"Where is order {UUIDS[0]}", a=UUIDS[0], b=UUIDS[0], c="2026-11-22"),
            form(f"Where is order {UUIDS[1]}", a=UUIDS[1], b=UUIDS[1], c="2026-11-23"),
            'ignore=["*:uuid,date"]',
        ),
        (form("On 2026-11-22."), form("On 2026-11-23!"), None),
        (form("On 2026-11-22.", max_tokens=5), form("On 2026-11-23."), None),
        (form("On 2026-11-22.", x=1), form("On 2026-11-23."), None),
        (form("On\n2026-11-22."), form("On 2026-11-23."), None),
        (form("Two\nlines 2026-11-22."), form("Two\nlines 2026-11-23.\nand more"), None),
        (form("word " * 2000 + "2026-11-22"), form("word " * 2000 + "2026-11-23"), None),
        (form("More", x=[UUIDS[0]] * 51), form("More", x=[UUIDS[1]] * 51), None),
    ],
)
def test_settings_are_advised_that_really_help(
    sent: Canonical, recorded: Canonical, expected: str | None
) -> None:
    """The fewest named normalizers that make the two requests equal; nothing where that is not all."""
    assert suggestion(sent, recorded) == expected


def test_what_is_advised_makes_the_requests_equal() -> None:
    """The list as printed, put into the rules, gives both requests one fingerprint."""
    bodies = [
        make_body(
            f"When will order {UUIDS[side]} come to me?",
            system=f"On 2026-11-2{side}",
            x={"a b": [UUIDS[side]]},
        )
        for side in (0, 1)
    ]
    sent, recorded = (canonicalize(make_request(body), MATCHING) for body in bodies)
    advised = suggestion(sent, recorded)
    assert advised is not None

    rules = MATCHING.with_ignored(eval(advised.removeprefix("ignore=")))

    assert len({canonicalize(make_request(body), rules).fingerprint for body in bodies}) == 1


def test_control_characters_never_reach_the_terminal() -> None:
    """Prompts, names and paths can hold anything; what cannot be seen is written as an escape."""
    evil = "one\x1b[2J\r\n\u202etwo\u2028\x9b\x00"
    asked = Asked(f"POST /v1/{evil}", f"claude-{evil}", evil)
    body = {**make_body(evil, **{evil: evil}), "model": evil}
    sent, recorded = form(evil, **{f"x{evil}": evil}), canonicalize(make_request(body), MATCHING)
    found = [
        explain(sent, [], asked=asked, cassette=evil, exists=False),
        explain(sent, [recorded], asked=asked, cassette=evil, ignored=[evil]),
        explain(sent, [form("Zwölf", max_tokens=1, model=evil)], asked=asked, cassette=evil),
        explain(sent, [sent, sent], asked=asked, cassette=evil),
    ]

    assert {miss.reason for miss in found} == {"no_cassette", "differs", "nothing_similar", "all_played"}
    for miss in found:
        assert all(line.isprintable() for line in miss.message.split("\n"))
        assert "\\x1b" in miss.message


def test_long_texts_are_cut() -> None:
    """A miss stays a screen long, however long the prompts and the names."""
    long = "word " * 50_000
    asked = Asked("x" * 5000, "y" * 5000, long)
    sent = form(
        long, system=long, tools=[{"name": f"t{number}", "input_schema": long} for number in range(99)]
    )

    miss = explain(sent, [form("word " * 49_000 + "end", system=long), form(), form()], asked=asked)

    assert miss.reason == "differs"
    assert len(miss.message.split("\n")) < 50
    assert max(map(len, miss.message.split("\n"))) < 330


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked("GET /v1/models", None, ""), "GET /v1/models"),
        (Asked("messages", "claude-x", "  one\n\ttwo  "), 'messages · claude-x · "one two"'),
        (Asked("messages", None, "é" * 81), f'messages · "{"é" * 79}…"'),
        (Asked("messages", None, " \n "), "messages"),
    ],
)
def test_a_request_in_words(asked: Asked, words: str) -> None:
    """Operation, model and the last text, on one line."""
    assert str(asked) == words
