"""Files in which exchanges point at each other, edited by people, and what is wrong in them named."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from claude_replay.cassette import (
    Entry,
    Recorded,
    dump_cassette,
    key_of,
    leave_out_known,
    merge,
    parse_cassette,
)
from claude_replay.cassette.document import load_request
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Exchange, Json
from claude_replay.normalize import MATCHING, canonicalize
from conversation_samples import Agent, answered, blocks
from exchange_samples import exchange

EXCHANGES = Agent().run(4)
TEXT = dump_cassette([Entry.of(item) for item in EXCHANGES]).decode()
HEAD, *PARTS = re.split(r"(?m)^(?=- id: )|^(?=\.\.\.$)", TEXT)
PARTS, END = PARTS[:-1], PARTS[-1]
IDS = [part.splitlines()[0].removeprefix("- id: ") for part in PARTS]


def load(text: str) -> list[Entry]:
    """The exchanges of a file."""
    return parse_cassette(text.encode(), "c.yaml").entries


def messages(entry: Entry) -> list[dict[str, object]]:
    """What a request sends."""
    found: list[dict[str, object]] = entry.request.json["messages"]
    return found


def keys(text: str) -> list[str | None]:
    """What the ids vouch for."""
    return [entry.find_key() for entry in load(text)]


def test_an_edited_turn_changes_what_all_later_turns_say() -> None:
    """And no id is believed any more that was made before, but for those of earlier turns."""
    edited = TEXT.replace("line 0\n", "line zero\n", 1)
    entries = load(edited)
    assert [key is not None for key in keys(edited)] == [True, False, False, False]
    results = [messages(entry)[2]["content"] for entry in entries[1:]]
    assert all("line zero" in str(content) for content in results)
    computed = key_of(canonicalize(entries[3].request, MATCHING).fingerprint)
    assert computed != keys(TEXT)[3]


def test_an_edited_answer_is_what_later_turns_send_back() -> None:
    """An answer is edited where it stands; its own request is still the same."""
    edited = TEXT.replace("I look at number 1.", "I look at it.", 1)
    assert [key is not None for key in keys(edited)] == [True, True, False, False]
    assert [str(messages(entry)).count("I look at it.") for entry in load(edited)] == [0, 0, 1, 1]


def test_comments_and_dates_can_be_changed_freely() -> None:
    """What is not part of request or answer changes nothing."""
    edited = TEXT.replace("recorded_at: '2026-11-22T20:40:16Z', ", "", 1)
    assert keys(edited) == keys(TEXT)


def test_exchanges_can_be_moved_and_added() -> None:
    """By id, it does not matter what stands between."""
    other = Entry.of(exchange("Hello " * 40, "Hi")).data.decode()
    moved = HEAD + PARTS[0] + other + PARTS[1] + PARTS[2] + other + PARTS[3] + END
    assert [item.exchange for item in load(moved)][3] == EXCHANGES[2]
    assert None not in keys(moved)
    assert dump_cassette(load(moved)).decode() == moved


def test_the_last_turn_can_be_deleted() -> None:
    """Nothing points at it."""
    assert [item.exchange for item in load(HEAD + "".join(PARTS[:3]) + END)] == EXCHANGES[:3]


def line_of(text: str, number: int) -> int:
    """The line at which an exchange begins, from 1."""
    starts = [place for place, line in enumerate(text.splitlines(), 1) if line.startswith("- id: ")]
    return starts[number - 1]


@pytest.mark.parametrize(
    ("text", "number", "problem"),
    [
        (HEAD + "".join(PARTS[1:]) + END, 1, f"no exchange in this file has the id '{IDS[0]}'"),
        (
            HEAD + PARTS[1] + PARTS[0] + END,
            1,
            f"only exchanges above can be continued, and '{IDS[0]}' stands below, in line ",
        ),
        (
            TEXT.replace(f"continues: {IDS[0]}", f"continues: {IDS[1]}"),
            2,
            f"and '{IDS[1]}' is this one itself",
        ),
        (
            TEXT.replace(f"continues: {IDS[1]}", f"continues: {IDS[0]}/2"),
            3,
            f"no exchange in this file has the id '{IDS[0]}/2'",
        ),
        (
            TEXT.replace(f"continues: {IDS[1]}", "continues: []"),
            3,
            "the id of an exchange was expected, not []",
        ),
        (
            TEXT.replace(f"continues: {IDS[1]}", "continues: 5"),
            3,
            "the id of an exchange was expected, not 5",
        ),
        (
            TEXT.replace(f"continues: {IDS[1]}", "continues: {a: b}"),
            3,
            "the id of an exchange was expected, not {'a': 'b'}",
        ),
        (TEXT.replace(f"    continues: {IDS[1]}\n", ""), 3, None),
    ],
)
def test_an_exchange_that_is_not_there_is_named(text: str, number: int, problem: str | None) -> None:
    """With file and line of who points at it; the others can still be read. Without the key it is as it stands."""
    entries = load(text)
    if problem is None:
        assert messages(entries[number - 1])[0] == {"earlier": "all"}
        return
    assert entries[number - 1].find_key() is None
    with pytest.raises(CassetteLoadError, match=re.escape(problem)) as caught:
        entries[number - 1].exchange  # noqa: B018  # parses it
    assert str(caught.value).startswith(f"c.yaml:{line_of(text, number)}: request.continues: ")
    assert "The file was left as it is." in str(caught.value)
    assert [entry.answer[0].status for entry in load(TEXT)] == [200] * 4


def test_what_points_at_something_broken_says_where_that_is() -> None:
    """The line of the exchange to be mended, not of the one that was looked at."""
    text = TEXT.replace(f"continues: {IDS[0]}", "continues: nothing")
    with pytest.raises(CassetteLoadError, match=rf"^c\.yaml:{line_of(text, 2)}: "):
        load(text)[3].request  # noqa: B018  # parses it
    assert load(text)[3].find_key() is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "- earlier: all\n",
            "- earlier: from 1 to 9\n",
            "messages[0]: 'from 1 to 9' is out of range: 'messages' of the request that it continues has 5",
        ),
        (
            "- earlier: all\n",
            "- earlier: 0\n",
            "messages[0]: 0 is out of range: 'messages' of the request that it continues has 5",
        ),
        ("- earlier: all\n", "- earlier: from 3 to 2\n", "messages[0]: 'from 3 to 2' is out of range"),
        (
            "- earlier: all\n",
            "- earlier: most\n",
            "messages[0]: 'all', a number or 'from 2 to 5' was expected, not 'most'",
        ),
        (
            "- earlier: all\n",
            "- {earlier: all, of: 2}\n",
            "messages[0]: 'of': 2 is none of the 1 exchanges that 'continues' names",
        ),
        (
            "- earlier: all\n",
            "- {earlier: all, off: 2}\n",
            "messages[0]: the key 'off' is not known beside 'earlier'; there are: earlier, of, unmarked, marked",
        ),
        (
            "- earlier: all\n",
            "- {earlier: all, unmarked: maybe}\n",
            "messages[0]: 'unmarked': true or 'text' was expected, not 'maybe'",
        ),
        ("- earlier: all\n", "- {earlier: 2, marked: {}}\n", None),
        (
            "- {answer: all, keys: sorted}\n",
            "- {answer: 3}\n",
            "messages[1]: 3 is out of range: the answer's blocks are 2",
        ),
        (
            "- {answer: all, keys: sorted}\n",
            "- {answer: all, keys: {text: [text]}}\n",
            "messages[1]: 'keys': 'sorted', or the names of the fields for each type of block were expected",
        ),
        (
            "- {answer: all, keys: sorted}\n",
            "- {answer: all, keys: 3}\n",
            "messages[1]: 'keys': 'sorted', or",
        ),
        ("tools: {earlier: all}", "tools: {earlier: 1}", "tools: 'earlier: all' was expected, not 1"),
        (
            "tools: {earlier: all}",
            "toolz: {earlier: all}",
            "toolz: the request that it continues has no 'toolz'",
        ),
        (
            "tools: {earlier: all}",
            "tools: {answer: all}",
            "tools: the key 'answer' is not known beside 'earlier'",
        ),
        (
            "system: {earlier: all}",
            "system: [{earlier: 1}]",
            "system[0]: 'system' of the request that it continues is no list",
        ),
    ],
)
def test_what_cannot_be_found_there_is_named(old: str, new: str, problem: str | None) -> None:
    """File, line of the exchange, place in the request, and what was expected."""
    text = HEAD + "".join(PARTS[:3]) + PARTS[3].replace(old, new) + END
    assert text != TEXT
    entry = load(text)[3]
    assert entry.find_key() is None
    if problem is None:
        assert str(messages(entry)).count("cache_control") == 1
        return
    with pytest.raises(CassetteLoadError) as caught:
        entry.exchange  # noqa: B018  # parses it
    assert str(caught.value).startswith(f"c.yaml:{line_of(text, 4)}: request.body.{problem}")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda text: text.replace("    body:\n      max", "    text: x\n    bodi:\n      max"),
            "the key 'bodi' is not known",
        ),
        (
            lambda text: re.sub(r"(?s)    body:\n.*?  response:", "    text: x\n  response:", text),
            "a mapping was expected below 'continues'",
        ),
    ],
)
def test_only_a_request_with_a_json_object_can_go_on(change: Callable[[str], str], problem: str) -> None:
    """Nothing else has parts that could stand elsewhere."""
    with pytest.raises(CassetteLoadError, match=re.escape(problem)):
        load(HEAD + PARTS[0] + change(PARTS[1]) + END)[1].exchange  # noqa: B018


def test_an_answer_that_is_no_message_cannot_be_sent_back() -> None:
    """Neither an error nor an empty message is one."""
    for content in (blocks(0), ""):
        first = answered({"messages": [{"role": "user", "content": "x"}]}, content)
        error = Exchange(first.request, first.response.__class__(500, {}, Json({"type": "error"})))
        text = dump_cassette([Entry.of(first if content == "" else error)]).decode()
        own = text.split("- id: ")[1].splitlines()[0]
        more = (
            "- id: second\n  request:\n"
            f"    continues: {own}\n    url: https://api.anthropic.com/v1/messages\n"
            "    body: {messages: [{earlier: all}, {answer: all}]}\n  response: {status: 200}\n"
        )
        with pytest.raises(
            CassetteLoadError, match="the exchange that it continues was not answered with a message"
        ):
            load(text.replace("...\n", more + "...\n"))[1].exchange  # noqa: B018


def test_hand_written_exchanges_can_have_names() -> None:
    """An id is whatever stands there; in any layout of YAML."""
    text = (
        "version: 1\nexchanges:\n"
        "- id: first\n  request:\n    url: https://api.anthropic.com/v1/messages\n"
        "    body: {messages: [{role: user, content: Hi}]}\n"
        "  response: {status: 200, body: {type: message, content: [{type: text, text: Hello}]}}\n"
        "- id: second\n  request:\n    url: https://api.anthropic.com/v1/messages\n    continues: first  # above\n"
        "    body: {messages: [{earlier: all}, {answer: text}, {role: user, content: Bye}]}\n"
        "  response: {status: 200}\n"
    )
    for laid_out in (
        text + "...\n",
        "# not our layout\n" + text.replace("exchanges:\n", "exchanges:  # all\n"),
    ):
        first, second = load(laid_out)
        assert messages(second) == [
            *messages(first),
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Bye"},
        ]
        rewritten = dump_cassette([item.renew() for item in (first, second)])
        assert [item.exchange for item in load(rewritten.decode())] == [first.exchange, second.exchange]


def test_a_message_without_blocks_cannot_be_marked() -> None:
    """There is nothing to carry the mark."""
    text = (
        "version: 1\nexchanges:\n"
        "- id: first\n  request:\n    url: https://api.anthropic.com/v1/messages\n"
        "    body: {messages: [{role: user, content: []}, 5]}\n  response: {status: 200}\n"
        "- id: second\n  request:\n    continues: first\n    url: https://api.anthropic.com/v1/messages\n"
        "    body: {messages: [{earlier: 1, marked: {}}]}\n  response: {status: 200}\n...\n"
    )
    for run in ("1", "2"):
        with pytest.raises(CassetteLoadError, match="has no block to carry a cache mark"):
            load(text.replace("earlier: 1", f"earlier: {run}"))[1].exchange  # noqa: B018


def test_an_exchange_in_no_file_has_nothing_above_it() -> None:
    """Neither exchanges nor side files can be looked for."""
    alone = {"url": "https://api.anthropic.com/v1/messages", "body": {}}
    with pytest.raises(ValueError, match="no exchange has the id 'x': this one stands alone"):
        load_request({"request": {**alone, "continues": "x"}})
    named = {"side_file": f"{'0' * 32}.png", "size": 1}
    with pytest.raises(ValueError, match=r"^request\.body\.x: the side file 0+\.png cannot be looked for"):
        load_request({"request": {**alone, "media": [named["side_file"]], "body": {"x": named}}})


def test_a_pointer_in_another_layout_names_the_place_by_number() -> None:
    """Where no line is known."""
    text = TEXT.replace("exchanges:\n", "exchanges:  # all\n").replace(
        f"continues: {IDS[0]}", "continues: nothing"
    )
    with pytest.raises(CassetteLoadError, match=r"^c\.yaml: exchanges\[1\]: request\.continues: no exchange"):
        load(text)
    odd = TEXT.replace("exchanges:\n", "exchanges:  # all\n").replace("...\n", "- 5\n")
    with pytest.raises(CassetteLoadError, match=r"exchanges\[4\]: exchange: a mapping was expected"):
        load(odd)


class TestWritingAgain:
    """What is put into a file that points at itself."""

    def test_what_pointed_at_a_replaced_exchange_is_written_anew(self) -> None:
        """It still says what it said when it was recorded; what comes after that points at it as before."""
        entries = load(TEXT)
        new = answered(EXCHANGES[1].request.json, blocks(9))
        merged = merge(entries, [Recorded(0, Entry(exchange=new), entries[1].digest)])
        text = dump_cassette(merged).decode()
        again = load(text)
        assert [entry.exchange for entry in again] == [EXCHANGES[0], new, *EXCHANGES[2:]]
        assert None not in keys(text)
        assert "I look at number 1." in text
        assert text.count("I look at number 1.") == 1

    def test_what_pointed_at_an_exchange_that_is_gone_stands_on_its_own(self) -> None:
        """Or points at another that has the same."""
        entries = load(TEXT)
        text = dump_cassette([entries[0], *entries[2:]]).decode()
        assert [entry.exchange for entry in load(text)] == [EXCHANGES[0], *EXCHANGES[2:]]
        assert None not in keys(text)
        alone = dump_cassette(entries[3:]).decode()
        assert "continues" not in alone
        assert load(alone)[0].exchange == EXCHANGES[3]

    def test_exchanges_in_another_order_point_upward_again(self) -> None:
        """Whatever stands first is written out."""
        text = dump_cassette(list(reversed(load(TEXT)))).decode()
        assert [entry.exchange for entry in load(text)] == list(reversed(EXCHANGES))
        assert None not in keys(text)

    def test_one_exchange_alone_is_written_out(self) -> None:
        """`data` of an exchange that was read is what stands in the file; of a new one it needs no other."""
        assert load(TEXT)[2].data.decode() == PARTS[2]
        (alone,) = load(f"{HEAD}{load(TEXT)[2].renew().data.decode()}{END}")
        assert alone.exchange == EXCHANGES[2]

    def test_the_second_of_equal_ones_becomes_the_first_when_that_is_gone(self) -> None:
        """So what pointed at it is written anew."""
        agent = Agent()
        asked = agent.body
        twins = [answered(asked, blocks(number)) for number in (0, 1)]
        messages = [
            *agent.messages,
            {"role": "assistant", "content": blocks(1)},
            {"role": "user", "content": "?"},
        ]
        agent.exchanges = [*twins, answered({**asked, "messages": messages}, "")]
        text = dump_cassette([Entry.of(item) for item in agent.exchanges]).decode()
        first, second, _ = (part.splitlines()[0] for part in re.split("(?m)^- id: ", text)[1:])
        # By hand: the second one as it would be if it stood alone, and so with the same id as the first.
        alone = Entry.of(twins[1]).data.decode()
        parts = re.split(r"(?m)^(?=- id: )|^(?=\.\.\.$)", text)
        edited = parts[0] + parts[1] + alone + parts[3].replace(second, f"{first}/2") + parts[4]
        one, other, last = load(edited)
        assert [item.exchange for item in (one, other, last)] == agent.exchanges
        written = dump_cassette([other, last]).decode()
        assert f"continues: {first}\n" in written
        assert [item.exchange for item in load(written)] == agent.exchanges[1:]

    def test_an_exchange_without_an_id_is_not_pointed_at(self) -> None:
        """It stands as it is, and what is recorded behind it is written out."""
        text = HEAD + PARTS[0].replace(f"- id: {IDS[0]}\n  meta", "- meta") + END
        written = dump_cassette([*load(text), Entry.of(EXCHANGES[1])]).decode()
        assert "continues" not in written
        assert [item.exchange for item in load(written)] == EXCHANGES[:2]

    def test_a_broken_pointer_stays_until_a_person_mends_it(self) -> None:
        """Recording something else into the file does not touch it."""
        text = TEXT.replace(f"continues: {IDS[1]}", "continues: nothing")
        more = answered({"messages": [{"role": "user", "content": "Hello " * 50}]}, "")
        written = dump_cassette([*load(text), Entry.of(more)]).decode()
        assert written.startswith(text.removesuffix(END))

    def test_exchanges_are_told_apart_by_what_they_say(self) -> None:
        """Not by how it is written: alone, pointing elsewhere, with comments; but for damage, by its bytes."""
        alone = [Entry.of(item) for item in EXCHANGES]
        assert [entry.digest for entry in load(TEXT)] == [entry.digest for entry in alone]
        assert leave_out_known(load(TEXT), [Recorded(0, entry) for entry in alone]) == []
        broken = TEXT.replace(f"continues: {IDS[1]}", "continues: nothing")
        digests = [entry.digest for entry in load(broken)]
        assert len(set(digests)) == 4
        assert digests[:2] == [entry.digest for entry in alone[:2]]
        assert digests == [entry.digest for entry in load(broken)]
