"""Which changes are found between two bodies, and at which paths."""

from __future__ import annotations

import pytest

from claude_replay.matching import Change, differences, summarize


def say(role: str, text: str) -> dict[str, object]:
    """A message of one text block."""
    return {"role": role, "content": [{"type": "text", "text": text}]}


def call(number: int, city: str) -> dict[str, object]:
    """A message that calls a tool, with a numbered id as canonical forms have it."""
    block = {"type": "tool_use", "id": f"id-{number}", "name": "weather", "input": {"city": city}}
    return {"role": "assistant", "content": [block]}


def result(number: int, text: str) -> dict[str, object]:
    """A message that answers the tool call of that number."""
    block = {
        "type": "tool_result",
        "tool_use_id": f"id-{number}",
        "content": [{"type": "text", "text": text}],
    }
    return {"role": "user", "content": [block]}


def places(sent: object, recorded: object) -> list[tuple[str, str]]:
    """The kinds and paths of the differences."""
    return [(change.kind, change.path) for change in differences(sent, recorded)]


def test_a_changed_text_is_named_by_its_path() -> None:
    """A path leads to the innermost value that differs."""
    sent = {"messages": [say("user", "one"), say("assistant", "two"), say("user", "three")]}
    recorded = {"messages": [say("user", "one"), say("assistant", "two"), say("user", "drei")]}
    assert differences(sent, recorded) == [
        Change("messages[2].content[0].text", "changed", sent="three", recorded="drei")
    ]


def test_equal_bodies_have_no_differences() -> None:
    """The order of keys and the spelling of a number are no differences."""
    assert differences({"a": 1, "b": [2.0, None]}, {"b": [2, None], "a": 1.0}) == []


@pytest.mark.parametrize(
    ("sent", "recorded"), [(True, 1), (0, False), (None, 0), ("1", 1), ([], {}), ("", None)]
)
def test_values_of_two_types_are_never_equal(sent: object, recorded: object) -> None:
    """JSON types are kept apart, true and 1 as well."""
    assert differences({"x": sent}, {"x": recorded}) == [Change("x", "type", sent, recorded)]


def test_keys_of_one_side_only_are_added_or_removed() -> None:
    """What only the request has is added, what only the recording has is removed, in document order."""
    sent = {"model": "m", "temperature": 0.5, "tools": []}
    recorded = {"top_p": 1, "model": "m", "stop": "x", "tools": []}
    assert differences(sent, recorded) == [
        Change("top_p", "removed", None, 1),
        Change("stop", "removed", None, "x"),
        Change("temperature", "added", 0.5, None),
    ]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("x_1", "outer.x_1"),
        ("x y", 'outer["x y"]'),
        ("", 'outer[""]'),
        ("1st", 'outer["1st"]'),
        ('say "a\\b"', r'outer["say \"a\\b\""]'),
    ],
)
def test_keys_that_are_not_identifiers_are_quoted(key: str, path: str) -> None:
    """A key that would not read as a name stands in brackets and quotes."""
    assert places({"outer": {key: 1}}, {"outer": {key: 2}}) == [("changed", path)]


def test_the_root_itself_can_differ() -> None:
    """Bodies that are no objects are compared as well; the path is empty then."""
    assert differences("a", "b") == [Change("", "changed", "a", "b")]
    assert places([1, 2], [1, 3]) == [("changed", "[1]")]


def test_an_inserted_message_is_one_difference() -> None:
    """What follows an inserted message is compared with its counterpart, not with its neighbor."""
    tail = [say("user", f"question {n}") for n in range(5)]
    sent = {"messages": [say("user", "new"), *tail]}
    assert places(sent, {"messages": tail}) == [("added", "messages[0]")]
    assert places({"messages": tail}, sent) == [("removed", "messages[0]")]


def test_a_removed_message_and_a_changed_one_are_two_differences() -> None:
    """Removal and change side by side are told apart by which messages are alike."""
    recorded = [say("user", "Hello there"), say("assistant", "Hi"), say("user", "Tell me about the sea")]
    sent = [say("user", "Tell me about the big sea")]
    assert places({"messages": sent}, {"messages": recorded}) == [
        ("removed", "messages[0]"),
        ("removed", "messages[1]"),
        ("changed", "messages[0].content[0].text"),
    ]


def test_further_turns_are_added_at_the_end() -> None:
    """A conversation that went on differs by its new messages only."""
    recorded = [say("user", "Weather?"), call(1, "Paris"), result(1, "sunny")]
    sent = [*recorded, call(2, "Rome"), result(2, "rain")]
    assert places({"messages": sent}, {"messages": recorded}) == [
        ("added", "messages[3]"),
        ("added", "messages[4]"),
    ]


def test_a_message_by_another_role_with_the_same_text_is_a_changed_role() -> None:
    """Messages are paired by what they say, so a role that differs is named as such."""
    assert differences({"messages": [say("user", "a b c")]}, {"messages": [say("assistant", "a b c")]}) == [
        Change("messages[0].role", "changed", "user", "assistant")
    ]


def test_blocks_of_another_type_are_not_compared_with_each_other() -> None:
    """An image in place of a text is one removed and one added block."""
    image = {"type": "image", "source": {"type": "url", "url": "u"}}
    sent = {"content": [image, {"type": "text", "text": "What is it?"}]}
    recorded = {"content": [{"type": "text", "text": "Look."}, {"type": "text", "text": "What is it?"}]}
    assert places(sent, recorded) == [("removed", "content[0]"), ("added", "content[0]")]


def test_a_renumbered_tool_call_is_not_a_difference_beside_others() -> None:
    """One call more renumbers those behind it; only the call itself is named."""
    recorded = [say("user", "Weather?"), call(1, "Paris"), result(1, "sunny")]
    sent = [say("user", "Weather?"), call(1, "Oslo"), result(1, "snow"), call(2, "Paris"), result(2, "sunny")]
    assert places({"messages": sent}, {"messages": recorded}) == [
        ("added", "messages[1]"),
        ("added", "messages[2]"),
    ]


def test_numbers_of_tool_calls_are_named_when_nothing_else_differs() -> None:
    """Results assigned to each other's calls differ in nothing but their ids, and that is said."""
    sent = {"content": [{"type": "tool_result", "tool_use_id": "id-2", "content": "same"}]}
    recorded = {"content": [{"type": "tool_result", "tool_use_id": "id-1", "content": "same"}]}
    assert differences(sent, recorded) == [Change("content[0].tool_use_id", "changed", "id-2", "id-1")]


def test_ids_that_are_no_numbers_of_tool_calls_are_always_named() -> None:
    """Only the canonical `id-1` kind of id follows from the order of calls."""
    assert places({"a": 1, "id": "x"}, {"a": 2, "id": "y"}) == [("changed", "a"), ("changed", "id")]


def test_tools_are_paired_by_name() -> None:
    """A tool is compared with the tool of its name wherever it stands."""
    search = {"name": "search", "description": "Finds.", "input_schema": {"x y": {"type": "string"}}}
    read = {"name": "read", "description": "Reads."}
    write = {"name": "write", "description": "Writes."}
    sent = {"tools": [{**search, "input_schema": {"x y": {"type": "number"}}}, write]}
    assert places(sent, {"tools": [read, search]}) == [
        ("removed", "tools[0]"),
        ("changed", 'tools[0].input_schema["x y"].type'),
        ("added", "tools[1]"),
    ]


def test_tools_in_another_order_are_named() -> None:
    """The same tools in another order are another request, and the order is all that is said."""
    first, second = {"name": "a"}, {"name": "b"}
    assert differences({"tools": [first, second]}, {"tools": [second, first]}) == [
        Change("tools", "changed", sent=["a", "b"], recorded=["b", "a"])
    ]


def test_elements_of_equal_names_are_paired_by_content() -> None:
    """Names that occur twice decide nothing."""
    sent = {"content": [{"name": "t", "input": "one"}, {"name": "t", "input": "two"}]}
    recorded = {"content": [{"name": "t", "input": "two"}]}
    assert places(sent, recorded) == [("added", "content[0]")]


def test_scalars_in_lists_are_aligned() -> None:
    """A replaced scalar is a change, a new one an addition, one of another type both."""
    assert places({"betas": ["a", "new", "c"]}, {"betas": ["a", "old", "c"]}) == [("changed", "betas[1]")]
    assert places({"stop": ["a", "b"]}, {"stop": ["b"]}) == [("added", "stop[0]")]
    assert places({"x": [1, 2]}, {"x": [1, 3]}) == [("changed", "x[1]")]
    assert places({"x": [1, True]}, {"x": [1, "s"]}) == [("removed", "x[1]"), ("added", "x[1]")]
    assert places({"query": [["limit", "1"]]}, {"query": [["limit", "2"]]}) == [("changed", "query[0][1]")]


def test_long_lists_without_anything_in_common_are_paired_by_position() -> None:
    """Comparing each with each would take too long, so the first is paired with the first."""
    sent, recorded = {"x": list(range(100))}, {"x": list(range(1000, 1101))}
    assert places(sent, recorded) == [
        *(("changed", f"x[{position}]") for position in range(100)),
        ("removed", "x[100]"),
    ]


def test_deep_nesting_is_compared_to_the_bottom() -> None:
    """As deep as bodies are accepted, differences are found."""
    sent: object = "sent"
    recorded: object = "recorded"
    for _ in range(200):
        sent, recorded = [sent], [recorded]
    assert places(sent, recorded) == [("changed", "[0]" * 200)]


def test_a_summary_names_three_paths_and_counts_the_rest() -> None:
    """The summary is one line, whatever the number of changes."""
    changes = [Change(f"p{number}", "added", 1, None) for number in range(5)]
    assert summarize(changes[:2]) == "p0, p1"
    assert summarize(changes[:3]) == "p0, p1, p2"
    assert summarize(changes) == "p0, p1, p2 and 2 more"
    assert summarize([Change("", "changed", "a", "b")]) == "the whole body"
    assert summarize([Change("a\x1bb", "added", 1, None)]) == r"a\x1bb"
    assert summarize([]) == "no differences"
