"""Files that are damaged, hostile, foreign, or edited by hand."""

from __future__ import annotations

import codecs
import copy
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import yaml

from claude_replay import CassetteLoadError
from claude_replay.cassette import Entry, dump_cassette, load_cassette, parse_cassette
from claude_replay.cassette.document import load_exchange
from claude_replay.exchange import EventStream, Exchange
from exchange_samples import EXCHANGES, exchange

ADVICE = (
    "\nThe file was left as it is. Repair it by hand, take it from version control again, or delete it and "
    "record it anew: pytest --claude-record=once"
)
GOOD = dump_cassette([Entry.of(exchange("one\nline", "1\n2")), Entry.of(EXCHANGES[1])], incomplete=["a"])


def read(content: bytes) -> list[Exchange]:
    """All exchanges of a file."""
    return [entry.exchange for entry in parse_cassette(content, "c.yaml").entries]


def refuse(content: bytes) -> str:
    """The message with which a file is refused, without the advice."""
    with pytest.raises(CassetteLoadError) as caught:
        read(content)
    return str(caught.value).removesuffix(ADVICE)


def test_a_file_cut_anywhere_is_refused() -> None:
    """An answer that lost its end would often still be YAML; the last line tells."""
    for length in range(len(GOOD) - 1):
        with pytest.raises(CassetteLoadError, match=r"^c\.yaml:"):
            parse_cassette(GOOD[:length], "c.yaml")
    assert read(GOOD[:-1]) == read(GOOD)


def test_a_cut_file_says_so() -> None:
    """With the line on which it ends now."""
    lines = GOOD.splitlines(keepends=True)
    assert refuse(b"".join(lines[:20])) == (
        "c.yaml:20: the last line of a cassette is '...', and here it is missing, so the file may be cut "
        "(if it is whole, add that line)"
    )


@pytest.mark.parametrize("tail", [b"", b"\n", b"\n\n   \n", b" \n"])
def test_white_space_at_the_end_is_no_matter(tail: bytes) -> None:
    """Editors add and strip it."""
    assert read(GOOD.rstrip() + tail) == read(GOOD)


NO_MAPPING = "1: this is not a claude_replay cassette: a mapping with version and exchanges was expected"
NOT_OURS = "1: this is not a claude_replay cassette: "
NO_LIST = "1: a list of exchanges was expected under 'exchanges'; the file may be cut"
NO_LABELS = "2: 'incomplete' lists the tests that have not passed yet"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", NO_MAPPING),
        (b"# nothing\n", NO_MAPPING),
        (b"- a\n- b\n", NO_MAPPING),
        (
            b"hello: world\n",
            f"{NOT_OURS}the key 'hello' is not known; there are: version, incomplete, exchanges",
        ),
        (
            b"version: 1\nexchange: []\n",
            f"{NOT_OURS}the key 'exchange' is not known; did you mean 'exchanges'?",
        ),
        (b"exchanges: []\n", f"{NOT_OURS}the version is None, not 1"),
        (b"version: '1'\nexchanges: []\n", f"{NOT_OURS}the version is '1', not 1"),
        (b"version: true\nexchanges: []\n", f"{NOT_OURS}the version is True, not 1"),
        (b"version: 1\n", NO_LIST),
        (b"version: 1\nexchanges:\n", NO_LIST),
        (b"version: 1\nexchanges: {}\n", NO_LIST),
        (b"version: 1\nexchanges: [1]\n", " exchanges[0]: exchange: a mapping was expected, not 1"),
        (b"version: 1\nincomplete: yes\nexchanges: []\n", NO_LABELS),
        (b"version: 1\nincomplete: [1]\nexchanges: []\n", NO_LABELS),
        (b"version: 1\nversion: 1\nexchanges: []\n", "2:1: the key 'version' stands twice"),
        (
            b"version: 1\nexchanges: !!python/object/apply:os.system ['touch x']\n",
            "2:12: the tag !!python/object/apply:os.system is not allowed in a cassette",
        ),
        (b"a: &a [x]\nb: *a\n", "1:4: an anchor (&a) is not allowed in a cassette"),
        (b"version: 1\nexchanges: " + b"[" * 300, "2:211: nested deeper than 200 levels"),
        (b"version: 1\n\x00exchanges: []\n", "2:1: the unreadable character U+0000"),
        (b"version: 1\n# caf\xe9\nexchanges: []\n", "2: the file is not UTF-8 text"),
        (b"\xff\xfev\x00e\x00r\x00", "1: the file is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_cassette_is_refused(content: bytes, problem: str) -> None:
    """With its name, the line where that is known, and what was expected."""
    assert refuse(content) == f"c.yaml:{problem}"


def test_a_file_of_a_newer_release_names_the_remedy() -> None:
    """Whatever else is in it; it is not called damaged."""
    content = GOOD.replace(b"version: 1\n", b"version: 2\nnews: {}\n")
    assert refuse(content) == (
        "c.yaml:1: written as version 2 by a newer claude_replay; this one reads up to 1. "
        "Upgrade it: pip install -U pytest-claude-replay"
    )


@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_a_merge_conflict_is_called_one(start: int) -> None:
    """Wherever git has left it, from the first line on."""
    lines = GOOD.splitlines(keepends=True)
    line = [0, 3, 12, len(lines) - 2][start]
    lines[line:line] = [b"<<<<<<< HEAD\n", lines[line], b"=======\n", b"other\n", b">>>>>>> branch\n"]
    assert refuse(b"".join(lines)) == (
        f"c.yaml:{line + 1}: git left a merge conflict here ('<<<<<<< HEAD')\n"
        "Keep one side (git checkout --ours FILE, or --theirs), or both by deleting the marks, or delete the "
        "file and record it anew: pytest --claude-record=once"
    )


@pytest.mark.parametrize("mark", [b"=======\n", b">>>>>>> branch\n"])
def test_a_forgotten_conflict_mark_is_found_where_it_stands(mark: bytes) -> None:
    """The exchange in which it stands cannot be read; the others can."""
    lines = GOOD.splitlines(keepends=True)
    lines.insert(20, mark)
    first, second = parse_cassette(b"".join(lines), "c.yaml").entries
    assert second.exchange == EXCHANGES[1]
    with pytest.raises(CassetteLoadError, match=r"^c\.yaml:21:1: git merge conflict marker"):
        first.exchange  # noqa: B018  # parses it


@pytest.mark.parametrize("change", ["crlf", "bom", "both"])
def test_a_checkout_on_windows_reads_the_same(change: str) -> None:
    """Line ends and marks that git and editors add are no part of any text."""
    content = GOOD if change == "bom" else GOOD.replace(b"\n", b"\r\n")
    assert read(content if change == "crlf" else codecs.BOM_UTF8 + content) == read(GOOD)


def test_a_checkout_on_windows_keeps_the_ids() -> None:
    """Requests are still found without being parsed."""
    entries = parse_cassette(GOOD.replace(b"\n", b"\r\n"), "c.yaml").entries
    assert all(entry.find_key() for entry in entries)


def test_a_file_in_another_layout_is_read_all_the_same() -> None:
    """Other tools indent lists, use flow style, or sort keys; what was meant is what counts."""
    document = yaml.safe_load(GOOD)
    for content in (
        yaml.safe_dump(document, indent=4, sort_keys=True, allow_unicode=True),
        yaml.safe_dump(document, default_flow_style=True),
        "version: 1\nexchanges:\n# none of these is ours\n" + yaml.safe_dump(document["exchanges"]),
    ):
        loaded = parse_cassette(content.encode(), "c.yaml")
        assert [entry.exchange for entry in loaded.entries] == read(GOOD)
        assert all(entry.find_key() is None for entry in loaded.entries)
        again = parse_cassette(dump_cassette(loaded.entries), "c.yaml")
        assert [entry.exchange for entry in again.entries] == read(GOOD)


def test_an_exchange_in_another_order_is_read_all_the_same() -> None:
    """A person may put the answer first; the id then vouches for nothing, and the text is read."""
    entry = Entry.of(exchange("one", "1")).data
    start, end = entry.index(b"  request:\n"), entry.index(b"  response:\n")
    turned = entry[:start] + entry[end:] + entry[start:end]
    (again,) = parse_cassette(b"version: 1\nexchanges:\n" + turned + b"...\n", "c.yaml").entries
    assert again.find_key() is None
    assert (again.request, again.answer[0]) == (exchange("one", "1").request, exchange("one", "1").response)


def test_what_is_wrong_in_one_exchange_is_said_when_that_is_needed() -> None:
    """With file and line; the exchanges around it stay usable."""
    bad = GOOD.replace(b"stop_reason: end_turn\n", b"stop_reason: [end_turn\n", 1)
    first, second = parse_cassette(bad, "c.yaml").entries
    assert second.exchange == EXCHANGES[1]
    line = bad[: bad.index(b"[end_turn")].count(b"\n") + 1
    for look in (lambda: first.answer, lambda: first.exchange):
        with pytest.raises(CassetteLoadError) as caught:
            look()
        assert str(caught.value).startswith(f"c.yaml:{line}:")
    assert first.request == exchange("one\nline", "1\n2").request


def test_bytes_that_are_no_text_are_found_on_their_line() -> None:
    """Also deep inside an exchange."""
    bad = GOOD.replace(b"You said", b"1").replace(b"stop_reason: end_turn", b"stop_reason: \xff", 1)
    line = bad[: bad.index(b"\xff")].count(b"\n") + 1
    assert refuse(bad) == f"c.yaml:{line}: the file is not UTF-8 text"


def test_two_items_that_pass_for_one_are_refused() -> None:
    """A dash on a line of its own begins another exchange, which nobody would look for."""
    first, second = (Entry.of(exchange(name, name)).data for name in ("one", "two"))
    content = b"version: 1\nexchanges:\n" + first + second.replace(b"- id:", b"-\n  id:") + b"...\n"
    assert refuse(content) == "c.yaml:3: one exchange was expected"


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """However small it is on the disk."""
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(300_000_000_000)
    with pytest.raises(
        CassetteLoadError, match="300,000,000,000 bytes, more than the 200,000,000 a cassette may"
    ):
        load_cassette(path)


def test_a_cassette_that_would_be_too_large_is_not_written() -> None:
    """The reader would refuse it."""
    entry = Entry(name="x", line=1, data=b"- id: 0\n" + b" " * 60_000_000)
    with pytest.raises(BaseException, match="would have more than 200,000,000 bytes"):
        dump_cassette([entry] * 4)


@pytest.mark.parametrize("kind", ["folder", "nothing", "below a file"])
def test_what_is_no_file_is_told_from_what_is_not_there(tmp_path: Path, kind: str) -> None:
    """A folder in its place is an error; a path that leads nowhere is a cassette that does not exist yet."""
    path = tmp_path / "c.yaml"
    if kind == "folder":
        path.mkdir()
        with pytest.raises(CassetteLoadError, match=r"c\.yaml: cannot be read: Is a directory"):
            load_cassette(path)
        return
    if kind == "below a file":
        path.write_text("")
        path = path / "c.yaml"
    assert load_cassette(path) is None


# ---------------------------------------------------------------------- wrong values everywhere

WRONG: tuple[object, ...] = (
    None,
    True,
    -1,
    1.5,
    10**20,
    "",
    "x y",
    "http://[",
    "\x00",
    b"\xff",
    [],
    [[]],
    {},
    {"a": 1},
)


def list_places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value, inner ones too."""
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from list_places(child, (*path, key))


def replace_value(value: Any, path: tuple[Any, ...], new: object) -> Any:
    """A copy with another value in one place."""
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = replace_value(value[path[0]], path[1:], new)
    return changed


@pytest.mark.parametrize("number", range(len(EXCHANGES)))
def test_a_wrong_value_is_an_error_with_its_place_or_is_valid(number: int) -> None:
    """Whatever stands anywhere: no other exception, and what is accepted can be written again."""
    document = yaml.safe_load(Entry.of(EXCHANGES[number]).data)[0]
    for path in list_places(document):
        for wrong in WRONG:
            changed = replace_value(document, path, wrong)
            place = str(path[0]) if path else "request"
            try:
                loaded = load_exchange(changed)
            except ValueError as error:
                said = str(error)
            else:
                again = Entry(name="c.yaml", line=1, data=Entry.of(loaded).data).exchange
                said = place if again == loaded else "changed"
            assert said.startswith((place, "exchange"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"status": "200"}, "response.status: an HTTP status was expected, not '200'"),
        ({"status": 99}, "response.status: an HTTP status was expected, not 99"),
        ({"statsu": 200}, "response: the key 'statsu' is not known; did you mean 'status'?"),
        (
            {"zzz": 1},
            "response: the key 'zzz' is not known; there are: "
            "status, headers, media, body, lines, text, binary, parts, events, tail, padding, times, ended",
        ),
        ({"text": "x"}, "response: has body and text; one body was expected"),
        ({"headers": {"a": ["b"]}}, "response.headers.a: text was expected, not ['b']"),
        ({"headers": "x"}, "response.headers: a mapping was expected, not 'x'"),
        ({"times": "1 x"}, "response.times: 'x' is neither a number nor number*times"),
        ({"times": "1*99999999"}, "response.times: more than 5,000,000 numbers"),
        ({"times": "9999999999"}, "response.times: '9999999999' is neither a number nor number*times"),
        (
            {"ended": "late"},
            "response.ended: one of 'complete', 'closed', 'cancelled' was expected, not 'late'",
        ),
        (
            {"ended": "cancelled", "status": None},
            "response.status: an HTTP status was expected, it is missing",
        ),
        ({"body": {"x": [b"y"]}}, "response.body: only 'binary' can hold a !!binary value"),
    ],
)
def test_messages_name_the_place_and_what_was_expected(change: dict[str, object], problem: str) -> None:
    """So that a hand that made a mistake can mend it."""
    document = yaml.safe_load(Entry.of(EXCHANGES[0]).data)[0]
    document["response"].update(change)
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # compared below
        load_exchange(document)
    assert str(caught.value) == problem


_BAD_FRAMES: list[dict[str, object]] = [
    {"frame": []},
    {"frame": {":event-type": 1}},
    {"frame": {}, "text": 1},
    {"frame": {}, "more": ""},
    {"frame": {}, "text": "", "data": 1},
]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"ping": {}, "pong": {}}, "an event has one name, this one has 'ping', 'pong'"),
        ({}, "an event is a mapping from its name to its data"),
        ("ping", "an event is a mapping from its name to its data"),
        ({"ping": []}, "the data of 'ping' is a mapping"),
        ({"raw": 5}, "the data of 'raw' is a mapping"),
        ({"text_delta": {"index": "0", "text": "x"}}, "'text_delta' holds index, text and cuts"),
        ({"text_delta": {"index": 0, "thinking": "x"}}, "'text_delta' holds index, text and cuts"),
        ({"text_delta": {"index": 0, "text": "x", "cuts": "1-2"}}, None),
        *(
            (frame, "a frame has headers, all of them text, and beside it data or text")
            for frame in _BAD_FRAMES
        ),
    ],
)
def test_messages_about_events_name_their_number(event: object, problem: str | None) -> None:
    """Counted from zero, as in every path."""
    document = yaml.safe_load(Entry.of(EXCHANGES[1]).data)[0]
    document["response"]["events"].insert(2, event)
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # compared below
        load_exchange(document)
    place = "response.events[2]"
    expected = (
        f"{place}: {problem}" if problem else f"{place}.cuts: '1-2' is neither a number nor number*times"
    )
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"lines": "x"}, "response.lines: a list of values was expected, not 'x'"),
        ({"lines": [[b"x"]]}, "response.lines: only 'binary' can hold a !!binary value"),
        ({"parts": {}}, "response.parts: a list of parts was expected, not {}"),
        (
            {"parts": [{"nam": "x"}]},
            "response.parts[0]: a part has name, filename, type, headers, media, body, text, binary, not {'nam': 'x'}",
        ),
        (
            {"parts": [{"name": "x"}, {"name": 1}]},
            "response.parts[1]: name, filename and type are text, headers a mapping to text",
        ),
        ({"parts": [{"text": "", "body": 1}]}, "response.parts[0]: has body and text; one body was expected"),
        ({"parts": [{"text": 1}]}, "response.parts[0].text: text was expected, not 1"),
        (
            {"parts": [{"binary": "x"}]},
            "response.parts[0].binary: base64 under the tag !!binary was expected",
        ),
        ({"parts": [{"body": [b"x"]}]}, "response.parts[0].body: only 'binary' can hold a !!binary value"),
    ],
)
def test_messages_about_lines_and_parts(fields: dict[str, object], problem: str) -> None:
    """They name the line or part, counted from zero."""
    document = yaml.safe_load(Entry.of(EXCHANGES[0]).data)[0]
    del document["response"]["body"]
    document["response"].update(fields)
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # compared below
        load_exchange(document)
    assert str(caught.value) == problem


def test_messages_about_padding_say_what_was_expected() -> None:
    """It is written as the lengths of pieces are."""
    document = yaml.safe_load(Entry.of(EXCHANGES[2]).data)[0]
    document["response"]["padding"] = "3 -"
    with pytest.raises(ValueError, match=r"response\.padding: '-' is neither a number nor number\*times"):
        load_exchange(document)


def test_as_many_numbers_as_a_long_stream_has_are_read() -> None:
    """Few of them differ in a stream, and many in a process; those of many at once stand for all of them."""
    document = yaml.safe_load(Entry.of(EXCHANGES[2]).data)[0]
    words = [f"{number}" for number in range(5000)] + ["7*3", "8*2000", "7"]
    for times in (words, words[::-1]):
        document["response"]["times"] = " ".join(times)
        steps = [
            int(number)
            for word in times
            for number, _, count in [word.partition("*")]
            for _ in range(int(count or 1))
        ]
        assert load_exchange(document).meta.times == tuple(accumulate(steps))


# ---------------------------------------------------------------------- edited by hand


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ("Hello there", "Hello", ("Hel", "lo")),
        ("Hello there", "Hello there, friend", ("Hel", "lo t", "here, friend")),
        ("Hello there", "", ("",)),
        ("cuts: '3 4*2'", "cuts: '3'", ("Hello there",)),
        ("cuts: '3 4*2'", "", ("Hello there",)),
        ("cuts: '3 4*2'", "cuts: '3 4*2 9'", ("Hel", "lo t", "here", "")),
    ],
)
def test_an_edited_answer_is_cut_where_it_still_can_be(old: str, new: str, pieces: tuple[str, ...]) -> None:
    """Nothing of the text is lost, nothing is added: the last piece takes what is over."""
    text = """\
version: 1
exchanges:
- request: {url: https://api.anthropic.com/v1/messages}
  response:
    status: 200
    events:
    - text_delta:
        index: 0
        text: Hello there
        cuts: '3 4*2'
...
"""
    assert old in text
    replacement = new or ("''" if old == "Hello there" else "")
    (loaded,) = read(text.replace(old, replacement).encode())
    assert isinstance(loaded.response.body, EventStream)
    (deltas,) = loaded.response.body.items
    found = getattr(deltas, "pieces", ())
    assert "".join(found) == "".join(pieces)
    assert tuple(piece for piece in found if piece) == tuple(piece for piece in pieces if piece)
