"""What a user's `ignore` list can say, and what it does to both sides of a comparison."""

from __future__ import annotations

from typing import Any

import pytest

from claude_replay.normalize import (
    DEFAULT_IGNORE,
    MATCHING,
    PRESETS,
    VALUE_NORMALIZERS,
    canonicalize,
    parse_path,
    parse_rule,
)
from traffic import make_body, make_request

UUIDS = ["550e8400-e29b-41d4-a716-446655440000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"]


def are_equal(one: object, other: object, *ignore: str) -> bool:
    """Whether two bodies have one fingerprint under an `ignore` list."""
    rules = MATCHING.with_ignored(ignore)
    first, second = (canonicalize(make_request(body), rules) for body in (one, other))
    return first.fingerprint == second.fingerprint


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("max_tokens", ("max_tokens",)),
        ("a-b.c_1.é", ("a-b", "c_1", "é")),
        ("messages[*].content[0].text", ("messages", None, "content", 0, "text")),
        ("messages[-1]", ("messages", -1)),
        ('tools[0].input_schema["x y"].z', ("tools", 0, "input_schema", "x y", "z")),
        (r'["a\"b\\c"]', ('a"b\\c',)),
        ('["*"]["0"][""]', ("*", "0", "")),
        ('["a:b"]', ("a:b",)),
        ("*", (None,)),
        ("*.*[*]", (None, None, None)),
        ("messages.0", None),
        ("$.messages", None),
        (".messages", None),
        ("messages.", None),
        ("a..b", None),
        ("messages[0]content", None),
        ("messages[x]", None),
        ("messages[0", None),
        ("messages['x']", None),
        ("a b", None),
        (" a", None),
        ("0", None),
        ("", None),
        (":uuid", None),
    ],
)
def test_paths_are_made_of_keys_and_indices(text: str, steps: tuple[object, ...] | None) -> None:
    """Keys with dots between, indices in brackets, `*` for any, quotes around unusual keys; else an error."""
    if steps is None:
        with pytest.raises(ValueError, match="cannot read this path"):
            parse_rule(text)
    else:
        assert parse_path(text) == parse_rule(text).steps == steps


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "messages[*]content",
            "'messages[*]content': cannot read this path from 'content' on; write keys and indices like "
            "messages[*].content[0].text, or * for everything",
        ),
        *(
            (
                f"max_tokens{between}foo",
                f"'max_tokens{between}foo': cannot read this path from '{between}foo' on; several paths are a "
                "list, or stand one a line; write keys and indices like messages[*].content[0].text, or * for "
                "everything",
            )
            for between in (",", ", ", ";", " ")
        ),
        ("system:uid", "'system:uid': there is no normalizer 'uid'; did you mean 'uuid'?"),
        (
            "system:unixtime",
            "'system:unixtime': there is no normalizer 'unixtime'; did you mean 'unix_time'?",
        ),
        (
            "system:x",
            "'system:x': there is no normalizer 'x'; there are: uuid, datetime, date, unix_time, tmp_path, "
            "home, port, hex_id, ids, times, paths, volatile, or :/regex/",
        ),
        (
            "system:",
            "'system:': there is no normalizer ''; there are: uuid, datetime, date, unix_time, tmp_path, "
            "home, port, hex_id, ids, times, paths, volatile, or :/regex/",
        ),
        ("system:/x", "'system:/x': a regular expression stands between slashes: :/[0-9]+/"),
        ("system://", "'system://': a regular expression stands between slashes: :/[0-9]+/"),
        (
            "system:/(/",
            "'system:/(/': not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        ("!model", "'!model': only metadata, cache_control, diagnostics can be brought back with '!'"),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str) -> None:
    """The entry, the place or the name in it, and the nearest valid spelling."""
    with pytest.raises(ValueError) as error:  # noqa: PT011
        MATCHING.with_ignored([text])

    assert str(error.value) == message


def test_the_rules_say_what_they_leave_out() -> None:
    """By name, as settings spell it: for messages, and for the head of a run."""
    rules = MATCHING.with_ignored(["max_tokens", "!metadata", "system:date", "metadata", "!diagnostics"])

    assert MATCHING.describe() == DEFAULT_IGNORE
    assert rules.describe() == ("metadata", "cache_control", "max_tokens", "system:date")
    assert MATCHING.with_ignored([]) == MATCHING


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("max_tokens", make_body(), make_body(max_tokens=5)),
        ("messages[0].content", make_body("Hello"), make_body([{"type": "text", "text": "Bye"}])),
        ("messages[-1].content[0].text", make_body("Hello"), make_body("Bye")),
        ("*[*].role", make_body(), {**make_body(), "messages": [{"content": "Hello"}]}),
        ('x["a b"].*', make_body(x={"a b": {"c": 1}}), make_body(x={"a b": {"d": [2], "e": 3}})),
        ("x[*]", make_body(x=[1, {"a": 1}]), make_body(x=[None, "b"])),
        ("x[1]", make_body(x=[1, 2]), make_body(x=[1, []])),
        ("*", {}, make_body()),
    ],
)
def test_what_a_path_leads_to_is_left_out(path: str, one: object, other: object) -> None:
    """A path alone makes the value count no more, wherever it stands."""
    assert not are_equal(one, other)
    assert are_equal(one, other, path)


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("x[*]", make_body(x=[1]), make_body(x=[1, 1])),
        ("x[1]", make_body(x=[1, 2]), make_body(x=[2, 2])),
        ("x[2]", make_body(x=[1, 2]), make_body(x=[1, 3])),
        ("x[-3]", make_body(x=[1, 2]), make_body(x=[1, 3])),
        ("x.a", make_body(x=[1]), make_body(x=[2])),
        ("x[0]", make_body(x={"0": 1}), make_body(x={"0": 2})),
        ("x.a.b", make_body(x={"a": "b"}), make_body(x={"a": "c"})),
        ("max_token", make_body(), make_body(max_tokens=5)),
    ],
)
def test_what_a_path_does_not_lead_to_counts(path: str, one: object, other: object) -> None:
    """The number of elements, other elements, and values of another shape count as before."""
    assert not are_equal(one, other, path)


@pytest.mark.parametrize(
    ("entry", "one", "other"),
    [
        ("system:uuid", f"id {UUIDS[0]}", f"id {UUIDS[1]}"),
        ("system:/v[0-9]+/", "v1 and v2", "v33 and v4"),
        ("system:/(?i)RUN \\d+:/", "run 1: go", "Run 2: go"),
        ("system:/a/b/", "a/b", "a/b"),
        ("*:date", "on 2026-11-22", "on 2026-11-23"),
    ],
)
def test_values_are_replaced_within_texts(entry: str, one: str, other: str) -> None:
    """What is around a match counts, the match itself does not."""
    assert are_equal(make_body(system=one), make_body(system=other), entry)
    assert not are_equal(make_body(system=one), make_body(system=f"{other}."), entry)
    assert not are_equal(make_body(system=one), make_body(system=""), entry)


def test_a_replaced_value_is_not_a_missing_one() -> None:
    """Something must stand where something stood, and be of the kind that is named."""
    assert not are_equal(make_body(system=UUIDS[0]), make_body(), "system:uuid")
    assert not are_equal(make_body(system=UUIDS[0]), make_body(system="none"), "system:uuid")


def test_values_are_replaced_at_any_depth() -> None:
    """All below a path is looked at, keys excepted."""
    deep: dict[str, Any] = {"a": [{"b": f"x{UUIDS[0]}"}, f"<{UUIDS[0]}>", None, True], UUIDS[0]: 1}
    other = {**deep, "a": [{"b": f"x{UUIDS[0]}"}, f"<{UUIDS[1]}>", None, True]}

    assert are_equal(make_body(x=deep), make_body(x=other), "x:uuid")
    assert not are_equal(make_body(x=deep), make_body(x={**other, UUIDS[1]: 1}), "x:uuid")


def test_one_entry_may_name_several_normalizers() -> None:
    """Whatever their order, what is more specific is found first; presets are names for several."""
    one = make_body(system=f"run {UUIDS[0]} at 2026-11-22 10:00 in {fill('{h}/me')}/x")
    other = make_body(system=f"run {UUIDS[1]} at 2026-11-23 11:00 in {fill('{h}/you')}/x")

    assert are_equal(one, other, "system:date, uuid, home,datetime")
    assert are_equal(one, other, "*:volatile")
    assert are_equal(one, other, "system:ids,times,paths")
    assert not are_equal(one, other, "system:ids,times")
    assert not are_equal(one, other, "messages:volatile")
    assert not are_equal(one, make_body(system=f"{other['system']}!"), "*:volatile")


def test_presets_hold_normalizers_that_there_are() -> None:
    """The whole of them makes up `volatile`, and no name means two things."""
    assert PRESETS["volatile"] == tuple(VALUE_NORMALIZERS)
    assert all(set(names) <= set(VALUE_NORMALIZERS) for names in PRESETS.values())
    assert not set(PRESETS) & set(VALUE_NORMALIZERS)


def test_a_number_is_replaced_as_a_whole() -> None:
    """Numbers are values too; what matches a part of one is another number."""
    assert are_equal(make_body(x=1700000000), make_body(x=1800000000.5), "x:unix_time")
    assert not are_equal(make_body(x=1700000000), make_body(x=17000000001), "x:unix_time")
    assert not are_equal(make_body(x=11), make_body(x=12), "x:/1/")
    assert not are_equal(make_body(x=True), make_body(x=False), "x:/True|False/")


def test_entries_add_up() -> None:
    """Several entries are applied one after the other."""
    one = make_body(f"{UUIDS[0]} on 2026-11-22", max_tokens=1)
    other = make_body(f"{UUIDS[1]} on 2026-11-23", max_tokens=2)
    entries = ["messages[*].content:uuid", "messages[*].content:date", "max_tokens"]

    assert are_equal(one, other, *entries)
    for entry in entries:
        assert not are_equal(one, other, *(kept for kept in entries if kept != entry))


def test_defaults_brought_back_can_be_normalized() -> None:
    """A field that counts again can be left out in part."""
    one, other = (make_body(metadata={"user_id": uuid, "kind": "a"}) for uuid in UUIDS)

    assert not are_equal(one, other, "!metadata")
    assert are_equal(one, other, "!metadata", "metadata.user_id")
    assert are_equal(one, other, "!metadata", "metadata.user_id:uuid")


SAME: dict[str, list[str]] = {
    "uuid": [
        "id_<550e8400-e29b-41d4-a716-446655440000>",
        "id_<550E8400-E29B-41D4-A716-446655440000>.",
    ],
    "date": [
        "<2026-11-22>",
        "<2026/11/22>",
        "<22.11.2026>",
        "(<11/22/2026>)",
        "Today is <Sunday, November 22, 2026>.",
        "<Nov 22nd, 2026>",
        "<22 November 2026>",
        "<Sun, 22 Nov. 2026>",
        "log_<2026-11-22>.txt",
        "<2026-11-22>T10:00",
    ],
    "datetime": [
        "<2026-11-22T11:26:48Z>",
        "<2026-11-22 11:26>",
        "<2026-11-22T11:26:48.123456+01:00> on",
        "<2026-11-22 11:26:48,5 UTC>",
        "<Sun, 22 Nov 2026 11:26:48 GMT>",
        "<Sun Nov 22 11:26:48 2026>",
        "<Sun Nov  2 11:26:48 CET 2026>",
        "<November 22, 2026 at 3:04 PM>.",
        "<2026-11-22 11:26> NEXT",
    ],
    "unix_time": ["at <1700000000>.", "<1700000000.25>", "run_<1700000000123>", "<1700000000123456789>"],
    "tmp_path": [
        "open <{t}/tmpab12_x>, please",
        "<{t}/tmpab12_x>/report.txt",
        "(<{t}/tmpab12_x>).",
        "<{t}/pytest-of-me/pytest-12/test_a0>/report.txt",
        "<{t}/pytest-of-me/pytest-12/popen-gw1/test_a0>/report.txt",
        "<{t}/pytest-of-me/pytest-12>",
        "</var{t}/x>/y",
        "</private/var/folders/ab/c_d/T/tmpx>/y",
        "<C:\\Users\\me\\AppData\\Local\\Temp\\tmpx>\\y",
    ],
    "home": ["<{h}/me>/code", "in <{h}/me>.", "</Users/me>", "</root>/x", "<C:\\Users\\me>\\code"],
    "port": ["http://localhost:<8080>/", "127.0.0.1:<49152>", "[::1]:<80>", "0.0.0.0:<8000>"],
    "hex_id": ["commit <deadbeef1>", "<0123456789abcdef0123456789abcdef>", "container_<1a2b3c4d>"],
}
KEPT: dict[str, list[str]] = {
    "uuid": ["x550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-4466554400001"],
    "date": ["12026-11-22", "2026-11-223", "22/11", "version 1.2.3", "May 2026", "maybe 22"],
    "datetime": ["2026-11-22", "11:26:48", "2026-11-22 at noon"],
    "unix_time": ["11700000000", "v1.1700000000", "x1700000000", "2700000000", "170000000"],
    "tmp_path": ["{t}", "{t}foo/x", "/data{t}/x/y", "/home/me/tmp/x", "my.{t}/x"],
    "home": ["/rooted", "x{h}/me", "{h}"],
    "port": ["api.anthropic.com:443", "localhost", "localhost:123456"],
    "hex_id": ["deadbeef", "12345678", "1a2b3c4", "G1a2b3c4d"],
}


def fill(text: str) -> str:
    """A text with the names of folders that no test file should hold."""
    return text.replace("{t}", "/" + "tmp").replace("{h}", "/" + "home")


@pytest.mark.parametrize("name", SAME)
def test_named_normalizers_find_their_values(name: str) -> None:
    """What stands between the angle brackets is replaced, and nothing else."""
    for text in SAME[name]:
        marked = fill(text)
        found = VALUE_NORMALIZERS[name].sub(
            lambda match: f"<{match[0]}>", marked.replace("<", "").replace(">", "")
        )
        assert found == marked


@pytest.mark.parametrize("name", KEPT)
def test_named_normalizers_leave_the_rest(name: str) -> None:
    """What only looks alike counts."""
    assert [text for text in map(fill, KEPT[name]) if VALUE_NORMALIZERS[name].search(text)] == []


def test_every_normalizer_is_tested() -> None:
    """Each name is in both lists above."""
    assert list(SAME) == list(KEPT)
    assert set(SAME) == set(VALUE_NORMALIZERS)


def test_the_name_of_a_temporary_file_counts() -> None:
    """Which file it is that stands in a temporary folder is part of what is asked."""
    folder = fill("{t}/pytest-of-me/pytest-%d/test_a0/%s")
    rule = "system:tmp_path"

    assert are_equal(make_body(system=folder % (1, "a")), make_body(system=folder % (2, "a")), rule)
    assert not are_equal(make_body(system=folder % (1, "a")), make_body(system=folder % (2, "b")), rule)
