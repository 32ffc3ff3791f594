"""A conversation does not repeat itself: requests that point at exchanges above them, and come back whole."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import yaml

from claude_replay.bodies import encode_body
from claude_replay.cassette import Entry, dump_cassette, key_of, parse_cassette
from claude_replay.exchange import Exchange, Json, Request, Response
from claude_replay.normalize import MATCHING, canonicalize
from conversation_samples import (
    SIGNED,
    TOOLS,
    Agent,
    Item,
    answered,
    blocks,
    send_back,
    stream_of,
    tool_result,
)
from exchange_samples import JSON, exchange

MARK = {"type": "ephemeral"}
SENT_BACK = {"answer": "all", "keys": "sorted"}


def write(exchanges: Iterable[Exchange]) -> str:
    """The file with these exchanges."""
    return dump_cassette([Entry.of(item) for item in exchanges]).decode()


def check(exchanges: Sequence[Exchange]) -> str:
    """
    Write, and see that all comes back: bytes, keys and their order, found by ids that are believed.

    Also that reading in any order and writing again change nothing.
    """
    text = write(exchanges)
    for order in (range(len(exchanges)), reversed(range(len(exchanges)))):
        entries = parse_cassette(text.encode(), "c.yaml").entries
        for place in order:
            original, entry = exchanges[place], entries[place]
            assert encode_body(entry.request.body) == encode_body(original.request.body)
            assert entry.exchange == original
            assert entry.find_key() == key_of(canonicalize(original.request, MATCHING).fingerprint)
    assert dump_cassette(parse_cassette(text.encode(), "c.yaml").entries).decode() == text
    assert write(entry.exchange for entry in parse_cassette(text.encode(), "c.yaml").entries) == text
    return text


def part(text: str, number: int) -> str:
    """The text of one exchange, from 1."""
    return "- id: " + text.split("\n- id: ")[number].split("\n...\n")[0]


def asked(text: str, number: int) -> Item:
    """What stands under `request:` in an exchange, as any YAML reader reads it."""
    request: Item = yaml.safe_load(part(text, number))[0]["request"]
    return request


def messages_of(text: str, number: int) -> list[Any]:
    """The messages of an exchange as they are written."""
    messages: list[Any] = asked(text, number)["body"]["messages"]
    return messages


def label(text: str, number: int) -> str:
    """The id of an exchange."""
    return part(text, number).splitlines()[0].removeprefix("- id: ")


def test_a_turn_of_an_agent_stores_what_is_new() -> None:
    """And reads as the conversation that it is."""
    text = check(Agent().run(3))
    labels = [line.removeprefix("- id: ") for line in text.splitlines() if line.startswith("- id: ")]
    request = part(text, 3).partition("  response:\n")[0].partition("  request:\n")[2]
    assert request == (
        f"    continues: {labels[1]}\n"
        "    url: https://api.anthropic.com/v1/messages\n"
        "    headers: {anthropic-version: '2026-10-21'}\n"
        "    body:\n"
        "      max_tokens: 1000\n"
        "      messages:\n"
        "      - earlier: all\n"
        "      - {answer: all, keys: sorted}\n"
        "      - role: user\n"
        "        content:\n"
        "        - type: tool_result\n"
        "          tool_use_id: toolu_1\n"
        "          content: |2\n"
        "            line 1\n"
        "            of a result\n"
        "      model: claude-sonnet-5\n"
        "      system: {earlier: all}\n"
        "      tools: {earlier: all}\n"
    )


def test_a_file_grows_by_the_same_with_each_turn() -> None:
    """However long the history is by then."""
    text = check(Agent().run(30))
    sizes = [len(part(text, number)) for number in range(1, 31)]
    assert max(sizes[2:]) - min(sizes[2:]) < 40


def test_a_chain_of_a_thousand_is_no_trouble() -> None:
    """It is followed without recursion, from wherever it is entered: a history of which the start is dropped."""
    agent, exchanges = Agent(system="", tools=[]), list[Exchange]()
    for _ in range(1000):
        agent.step()
        agent.body["messages"] = agent.messages[-4:]
        exchanges = agent.exchanges
    text = write(exchanges)
    last = parse_cassette(text.encode(), "c.yaml").entries[-1]
    assert last.request.body == exchanges[-1].request.body
    assert parse_cassette(text.encode(), "c.yaml").entries[-1].find_key() is not None
    assert len(text) < 1000 * 1200


def mark_last(messages: Sequence[Item], count: int) -> list[Item]:
    """The messages with a cache mark on the last block of the last so many from the user."""
    marked = copy.deepcopy(list(messages))
    for message in [one for one in marked if one["role"] == "user"][-count:]:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
        message["content"][-1]["cache_control"] = MARK
    return marked


@pytest.mark.parametrize("count", [1, 2])
def test_cache_marks_that_move_on_do_not_break_it(count: int) -> None:
    """The last messages of each request carry one, and the next request has taken it off again."""
    agent, exchanges = Agent(), list[Exchange]()
    for turn in range(8):
        body = {**agent.body, "messages": mark_last(agent.messages, count)}
        exchanges.append(answered(body, blocks(turn), turn))
        agent.step()
    text = check(exchanges)
    last = messages_of(text, 8)
    assert json.dumps(last).count("cache_control") == 1
    assert json.dumps(last).count("tool_result") == 1
    one = [{"earlier": "all", "unmarked": True}, SENT_BACK]
    two = [{"earlier": "from 1 to 12", "unmarked": True}, {"earlier": 13}, SENT_BACK]
    assert last[:-1] == (one if count == 1 else two)
    assert messages_of(text, count + 1)[0] == {
        "earlier": ["all", "from 1 to 2"][count - 1],
        "unmarked": "text",
    }


def test_a_mark_that_is_put_on_an_old_message_or_on_the_answer_does_not_break_it() -> None:
    """It is written as that: this message, marked."""
    agent = Agent()
    agent.run(3)
    messages = copy.deepcopy(agent.messages)
    messages[-2]["content"][-1]["cache_control"] = MARK
    messages[0]["content"] = [{"type": "text", "text": messages[0]["content"], "cache_control": MARK}]
    messages[2]["content"][0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    agent.body["messages"] = messages
    agent.step()
    text = check(agent.exchanges)
    assert messages_of(text, 4)[:-1] == [
        {"earlier": 1, "marked": MARK},
        {"earlier": 2},
        {"earlier": 3, "marked": {"type": "ephemeral", "ttl": "1h"}},
        {"earlier": "from 4 to 5"},
        {"answer": "all", "keys": "sorted", "marked": MARK},
    ]
    again = copy.deepcopy(messages)
    again[2]["content"][0]["cache_control"] = MARK
    text = check([*agent.exchanges, answered({**agent.body, "messages": again}, blocks(5))])
    assert {"earlier": 3, "unmarked": True, "marked": MARK} in messages_of(text, 5)


def test_what_cannot_carry_a_mark_at_its_end_is_written_out() -> None:
    """A mark in the middle of a message, or as the first field of a block, is rare enough."""
    agent = Agent()
    agent.run(2)
    messages = copy.deepcopy(agent.messages)
    messages[1]["content"][0]["cache_control"] = MARK
    messages[2]["content"][0] = {"cache_control": MARK, **messages[2]["content"][0]}
    agent.body["messages"] = messages
    agent.step()
    text = check(agent.exchanges)
    assert "I look at number 0." in part(text, 3)
    assert "line 0" in part(text, 3)


def test_tools_and_system_are_marked_and_changed_without_being_repeated() -> None:
    """Tools that come, go and are marked; a system prompt of blocks."""
    agent = Agent(system=[{"type": "text", "text": "a" * 300}, {"type": "text", "text": "b" * 300}])
    agent.step()
    new_tool = {**TOOLS[0], "name": "brand_new"}
    agent.body["tools"] = [*TOOLS[:3], {**TOOLS[3], "cache_control": MARK}]
    agent.step()
    agent.body["tools"] = [*TOOLS, new_tool]
    agent.body["system"] = [*agent.body["system"][:1], {"type": "text", "text": "now"}]
    agent.step()
    agent.body["tools"] = TOOLS[2:]
    agent.body["system"] = agent.body["system"][1:]
    agent.step()
    agent.body["tools"] = TOOLS
    agent.step()
    text = check(agent.exchanges)
    bodies = [asked(text, number)["body"] for number in range(1, 6)]
    assert bodies[1]["tools"] == [{"earlier": "from 1 to 3"}, {"earlier": 4, "marked": MARK}]
    assert bodies[2]["tools"] == [{"earlier": "all", "unmarked": True}, new_tool]
    assert bodies[2]["system"] == [{"earlier": 1}, {"type": "text", "text": "now"}]
    assert bodies[3]["tools"] == [{"earlier": "from 3 to 4"}]
    assert bodies[4]["tools"] == {"earlier": "all", "of": 2}
    assert asked(text, 5)["continues"] == [label(text, 4), label(text, 1)]
    assert f"    continues: [{label(text, 4)}, {label(text, 1)}]\n" in text
    assert text.count("brand_new") == 1


def test_branches_share_what_they_have_in_common() -> None:
    """Ways on from one point, and from each answer to a request that was asked several times."""
    agent = Agent()
    agent.run(3)
    fork = copy.deepcopy(agent.messages)
    exchanges = list(agent.exchanges)
    body = {**agent.body, "messages": fork}
    answers = [blocks(number) for number in (30, 31, 32)]
    exchanges += [answered(body, content) for content in answers]
    for number, content in zip((30, 31, 32), answers, strict=True):
        ways_on = [*fork, send_back(content), tool_result(number)]
        exchanges.append(answered({**body, "messages": ways_on}, "Done."))
    exchanges.append(answered({**body, "messages": [*fork[:2], {"role": "user", "content": "No!"}]}, "", 34))
    text = check(exchanges)
    assert messages_of(text, 5) == messages_of(text, 6) == [{"earlier": "all"}]
    assert label(text, 5) == label(text, 6) != label(text, 4)
    expected = [label(text, 4), label(text, 5), f"{label(text, 5)}/2"]
    assert [asked(text, number)["continues"] for number in (7, 8, 9)] == expected
    assert messages_of(text, 9)[:-1] == [{"earlier": "all"}, SENT_BACK]
    assert messages_of(text, 10) == [{"earlier": "all"}, SENT_BACK, {"role": "user", "content": "No!"}]


def test_a_history_that_was_cut_or_summed_up_shares_the_rest() -> None:
    """Compaction and context editing: a new beginning, results cleared in the middle, thinking left out."""
    agent = Agent()
    agent.run(4)
    summary = {"role": "user", "content": "What happened so far: " + "much. " * 20}
    agent.body["messages"] = [summary, *agent.messages[3:]]
    agent.step()
    cleared = copy.deepcopy(agent.messages)
    cleared[2]["content"][0]["content"] = "[cleared]"
    agent.body["messages"] = cleared
    agent.step()
    text = check(agent.exchanges)
    assert messages_of(text, 5)[1:-1] == [{"earlier": "from 4 to 7"}, SENT_BACK]
    pieces = [{"earlier": "from 1 to 2"}, cleared[2], {"earlier": "from 4 to 7"}, SENT_BACK, cleared[-1]]
    assert messages_of(text, 6) == pieces


def test_sub_agents_that_run_side_by_side_share_a_prefix() -> None:
    """Tools and system stand in the first one; each goes on from its own turns."""
    agents = [Agent(f"{'The same briefing for all. ' * 20}\nYours: {number}") for number in range(3)]
    exchanges: list[Exchange] = []
    for turn in range(3):
        for number, agent in enumerate(agents):
            agent.turn = 10 * number + turn
            agent.step()
            exchanges.append(agent.exchanges[-1])
    text = check(exchanges)
    assert text.count("Does the thing that number 0") == 1
    assert text.count("You work through a list of tasks.") == 8
    assert all("answer: all" in part(text, number) for number in range(4, 10))
    assert [asked(text, number)["continues"] for number in (2, 3)] == [label(text, 1)] * 2


KEYS = {str(block["type"]): list(block) for block in SIGNED}


@pytest.mark.parametrize(
    ("sent_back", "written"),
    [
        (SIGNED, {"answer": "all"}),
        (send_back(SIGNED)["content"], {"answer": "all", "keys": "sorted"}),
        (SIGNED[2:], {"answer": "from 3 to 4"}),
        (SIGNED[2:3], {"answer": 3}),
        ("Yes: " + "indeed. " * 10, {"answer": "text"}),
        (
            [
                {"text": SIGNED[2]["text"], "type": "text"},
                {"type": "tool_use", **dict(reversed(SIGNED[3].items()))},
            ],
            {
                "answer": "from 3 to 4",
                "keys": {"text": ["text", "type"], "tool_use": ["type", "input", "name", "id"]},
            },
        ),
        (
            [*SIGNED[:3], {**SIGNED[3], "caller": None}],
            {"answer": "all", "keys": {**KEYS, "tool_use": ["type", "id", "name", "input", "caller"]}},
        ),
        ([*SIGNED[:3], {**SIGNED[3], "cache_control": MARK}], {"answer": "all", "marked": MARK}),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
def test_the_answer_is_pointed_at_however_it_is_sent_back(
    sent_back: object, written: Item, is_stream: bool
) -> None:
    """Signatures and tool inputs exactly; fields in another order, left out, or null that were not there."""
    first = answered({"messages": [{"role": "user", "content": "Do?"}], "max_tokens": 9}, SIGNED)
    if is_stream:
        first = Exchange(first.request, Response(200, JSON, stream_of(SIGNED)))
    messages = [*first.request.json["messages"], {"role": "assistant", "content": sent_back}]
    second = answered({"messages": [*messages, {"role": "user", "content": "And?"}], "max_tokens": 9}, "")
    text = check([first, second])
    assert messages_of(text, 2)[:-1] == [{"earlier": "all"}, written]


@pytest.mark.parametrize(
    "sent_back",
    [
        {"role": "assistant", "content": [{**SIGNED[2], "text": "No."}]},
        {"content": SIGNED, "role": "assistant"},
        {"role": "assistant", "content": SIGNED, "name": "x"},
        {"role": "assistant", "content": []},
        {"role": "assistant", "content": ["Yes"]},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": [{**SIGNED[3], "input": {"a": {"y": 2, "b": []}, "z": 1}}]},
        {"role": "user", "content": SIGNED},
        {"role": "assistant", "content": [*SIGNED, *SIGNED]},
        "assistant",
    ],
)
def test_what_an_application_made_of_an_answer_is_written_out(sent_back: object) -> None:
    """Only what comes back exactly may be left out."""
    long = {"role": "user", "content": "Do? " * 100}
    first = answered({"messages": [long], "max_tokens": 9}, SIGNED)
    second = answered({"messages": [long, sent_back], "max_tokens": 9}, "")
    text = check([first, second])
    assert "answer:" not in text


def test_blocks_of_no_type_are_sent_back_as_they_came_or_written_out() -> None:
    """Fields can be put in another order by the type of a block only."""
    long = {"role": "user", "content": "Do? " * 100}
    odd = [{"b": 1, "a": "x", "c": 3}]
    first = answered({"messages": [long]}, odd)
    for content, count in ((odd, 1), ([{"c": 3, "b": 1, "a": "x"}], 0)):
        text = check([first, answered({"messages": [long, {"role": "assistant", "content": content}]}, "")])
        assert text.count("answer:") == count


def test_short_prompts_are_read_where_they_stand() -> None:
    """Nothing is pointed at that is as short as the pointer, unless a conversation goes on."""
    text = check([exchange("Hi", "Hello"), exchange("Hi", "Hello"), exchange("Hi there", "Hello")])
    assert "continues" not in text
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "You said: Hi"}]
    first = answered({"messages": chat[:1]}, [{"type": "text", "text": "You said: Hi"}])
    second = answered({"messages": [*chat, {"role": "user", "content": "Bye"}]}, "")
    assert "messages: [{earlier: all}, {answer: text}, {role: user, content: Bye}]" in check([first, second])


def test_a_short_briefing_alone_is_read_where_it_stands() -> None:
    """Requests that have nothing else in common point at each other for much only."""
    for length, count in ((900, 0), (1100, 2)):
        bodies = [
            {"messages": [{"role": "user", "content": f"{number}"}], "system": "s" * length}
            for number in range(3)
        ]
        assert check([answered(body, "") for body in bodies]).count("continues") == count


def test_long_texts_that_stand_in_many_requests_stand_in_the_first_one_only() -> None:
    """Each points at where it is written out, so no chain of them breaks."""
    long = {"role": "user", "content": [{"type": "text", "text": "A page of a book. " * 40}]}
    schema = {"format": {"type": "json_schema", "schema": {"properties": {f"p{n}": {} for n in range(40)}}}}
    exchanges = [
        answered(
            {"messages": [long, {"role": "user", "content": f"Question {number}"}], "output_config": schema},
            "",
        )
        for number in range(4)
    ]
    text = check(exchanges)
    assert [asked(text, number)["continues"] for number in (2, 3, 4)] == [label(text, 1)] * 3
    assert asked(text, 4)["body"]["output_config"] == {"earlier": "all"}


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"earlier": "all"}], "system": "S" * 1200},
        {"messages": [{"role": "user", "content": "x"}], "tools": [{"answer": "all"}], "system": "S" * 1200},
        {
            "messages": [{"role": "user", "content": "x"}],
            "thinking": {"earlier": "all"},
            "system": "S" * 1200,
        },
    ],
)
def test_a_request_that_holds_the_words_of_the_notation_is_not_taken_for_it(body: Item) -> None:
    """It stands alone, and then they mean what they say; so may later ones not point at it wrongly."""
    plain: Item = {"messages": [{"role": "user", "content": "x"}], "system": "S" * 1200}
    text = check([answered(plain, ""), answered(body, ""), answered(plain, "")])
    assert text.count("continues") == 1
    deep = {"messages": [{"role": "user", "content": [{"earlier": "all"}]}], "system": "S" * 1200}
    assert check([answered(plain, ""), answered(deep, "")]).count("continues") == 1


@pytest.mark.parametrize(
    "body", [[1], "text", {"messages": "none"}, {"messages": []}, {}, {"messages": [1, None]}]
)
def test_requests_of_any_other_shape_stand_as_they_are(body: object) -> None:
    """Other endpoints, and what a client sent by mistake."""
    first = answered({"messages": [{"role": "user", "content": "x" * 300}]}, blocks(0))
    odd = Exchange(Request("POST", first.request.url, {}, Json(body)), first.response)
    check([odd, first, odd, odd, first])


def test_numbers_are_kept_apart_that_python_calls_equal() -> None:
    """1, 1.0 and true are three messages."""
    long = "x" * 300
    bodies = [{"messages": [{"role": "user", "content": long, "n": value}]} for value in (1, 1.0, True, 1)]
    text = check([answered(body, "") for body in bodies])
    assert [("continues" in part(text, number)) for number in (1, 2, 3, 4)] == [False, False, False, True]


def test_random_histories_come_back_exactly() -> None:
    """Whatever agents do to a history: extend, cut, edit, mark, reorder, repeat, branch, change tools."""
    for seed in range(60):
        rng = random.Random(seed)
        exchanges: list[Exchange] = []
        bodies = [Agent(f"Task {number} " + "words " * rng.randrange(60)).body for number in range(2)]
        for turn in range(14):
            body = copy.deepcopy(rng.choice(bodies))
            _change(rng, body, exchanges)
            content = rng.choice([blocks(turn % 5), SIGNED, SIGNED[2:], [], "text", [1, "a"]])
            exchanges.append(answered(body, content, turn))
            bodies.append(body)
        check(exchanges)


def _change(rng: random.Random, body: Item, exchanges: Sequence[Exchange]) -> None:
    messages: list[Any] = body["messages"]
    for _ in range(rng.randrange(4)):
        way = rng.randrange(9)
        at = rng.randrange(len(messages) + 1)
        if way < 3 and exchanges:
            answer: Any = rng.choice(exchanges).response.body
            content = copy.deepcopy(answer.value["content"])
            message = {"role": "assistant", "content": content}
            messages.append(_sort(message) if rng.random() < 0.5 else message)
        elif way == 3:
            messages.insert(at, tool_result(rng.randrange(4)))
        elif way == 4:
            del messages[at : at + 2]
        elif way == 5:
            body["messages"] = messages = mark_last([one for one in messages if _is_markable(one)], 2)
        elif way == 6:
            rng.shuffle(messages)
        elif way == 7:
            body["tools"] = rng.sample(TOOLS, rng.randrange(5))
        else:
            body["system"] = rng.choice(["short", "long " * 100, [{"type": "text", "text": "t" * 250}]])


def _sort(message: Item) -> Item:
    blocks_of = message["content"]
    plain = isinstance(blocks_of, list) and all(isinstance(block, dict) for block in blocks_of)
    return send_back(blocks_of) if plain else message


def _is_markable(message: Any) -> bool:
    content = message["content"]
    return isinstance(content, str) or (bool(content) and isinstance(content[-1], dict))
