"""What our YAML looks like, compared as whole texts, and what `emit` refuses to write."""

from __future__ import annotations

import enum
import inspect
import sys
from collections import OrderedDict
from functools import reduce
from typing import Any, cast

import pytest
import yaml

from claude_replay.cassette.yamltext import MAX_DEPTH, Flow, FlowList, emit, read

EXCHANGE = {
    "id": "6f1c0d9a4b7e",
    "recorded_at": "2026-11-22T11:26:48Z",
    "duration": 1.84,
    "request": {
        "url": "https://api.anthropic.com/v1/messages",
        "headers": Flow({"anthropic-version": "2026-10-21", "content-type": "application/json"}),
        "body": {
            "model": "claude-sonnet-5",
            "max_tokens": 1024,
            "stream": False,
            "system": "You are terse.",
            "messages": [
                {
                    "role": "user",
                    "content": "Explain prompt caching\nin two sentences.\n\n  Really \U0001f600\t\n",
                },
                {"role": "assistant", "content": [{"type": "text", "text": "No."}, {"type": "end"}]},
            ],
            "stop_sequences": [],
            "metadata": {},
        },
    },
    "response": {"status": 200, "stop": FlowList(["end_turn", None, "a, b"])},
}
EXCHANGE_TEXT = """\
version: 1
exchanges:
- id: 6f1c0d9a4b7e
  recorded_at: '2026-11-22T11:26:48Z'
  duration: 1.84
  request:
    url: https://api.anthropic.com/v1/messages
    headers: {anthropic-version: '2026-10-21', content-type: application/json}
    body:
      model: claude-sonnet-5
      max_tokens: 1024
      stream: false
      system: You are terse.
      messages:
      - role: user
        content: |2
          Explain prompt caching
          in two sentences.

            Really \U0001f600\t
      - role: assistant
        content:
        - type: text
          text: No.
        - type: end
      stop_sequences: []
      metadata: {}
  response:
    status: 200
    stop: [end_turn, null, 'a, b']
"""


def test_an_exchange_reads_like_a_document() -> None:
    """Structure is block style, text with line breaks is a literal block, headers fit on one line."""
    assert emit({"version": 1, "exchanges": [EXCHANGE]}) == EXCHANGE_TEXT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", "k: |2-\n  a\n  b\n"),
        ("a\nb\n", "k: |2\n  a\n  b\n"),
        ("a\nb\n\n\n", "k: |2+\n  a\n  b\n\n\n"),
        ("a\n\n\n\n\nb", "k: |2-\n  a\n\n\n\n\n  b\n"),
        ("\n\na", "k: |2-\n\n\n  a\n"),
        ("\n", "k: |2+\n\n"),
        ("\n\n", "k: |2+\n\n\n"),
        ("a \n\tb\t\n  c", "k: |2-\n  a \n  \tb\t\n    c\n"),
        ("a\n  \nb\n \n", "k: |2\n  a\n    \n  b\n   \n"),
        (
            "\U0001f600 caf\u00e9\n\u4f60: # '\"\n- x\n---\n",
            "k: |2\n  \U0001f600 caf\u00e9\n  \u4f60: # '\"\n  - x\n  ---\n",
        ),
        ("\u200d\u00a0\nx", "k: |2-\n  \u200d\u00a0\n  x\n"),
    ],
)
def test_text_with_line_breaks_is_a_literal_block(text: str, expected: str) -> None:
    """The block says how deep it is and how it ends; empty lines carry no spaces."""
    assert emit({"k": text}) == expected
    assert read(expected) == {"k": text}


@pytest.mark.parametrize(
    ("char", "escape"),
    [
        ("\r", "\\r"),
        ("\x00", "\\u0000"),
        ("\x08", "\\b"),
        ("\x0c", "\\f"),
        ("\x1b", "\\u001b"),
        ("\x7f", "\\u007f"),
        ("\x85", "\\u0085"),
        ("\x9f", "\\u009f"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
        ("\ufeff", "\\ufeff"),
        ("\ufffe", "\\ufffe"),
        ("\uffff", "\\uffff"),
    ],
)
def test_what_a_block_cannot_hold_is_escaped_on_one_line(char: str, escape: str) -> None:
    """A character that a literal block would change or refuse makes the whole text a double-quoted line."""
    text = f'a{char}\n\t"\\\u00e9\U0001f600'
    expected = f'k: "a{escape}\\n\\t\\"\\\\\u00e9\U0001f600"\n'
    assert emit({"k": text}) == expected
    assert emit({"k": char}) == f'k: "{escape}"\n'
    assert read(expected) == {"k": text}


# No reader of YAML 1.1 or 1.2, nor one with notations of its own, may take these for anything but text.
WORDS = """
    null Null NULL ~ true True TRUE false yes Yes YES no No NO on On ON off OFF y Y n N nan NaN inf Infinity
    = << < 1 -1 +1 0 007 0o7 0x1F 0xag 0XAG 0b1 0B1 1_000 1,000 1.5 -1.5 .5 -.5 1. 1e5 12e5 0e12 1E+3 1.0e+3
    .inf -.INF .nan 12:30 12:30:45 190:20:30.15 2026-10-21 2026-10-21T10:00:00Z 2001-1-1 1d 1f 1L 1p 10t - --
    --- ... ? : , [ ] { } # & * ! | > ' " % @ ` -a ?a a: :a ,a [a {a #a &a *a !a |a >a %a @a `a +a .a ~a =a
"""
PHRASES = [
    "",
    " ",
    " a",
    "a ",
    "a: b",
    "a #b",
    "- a",
    "2026-10-21 10:00:00",
    "\u3000a",
    "a\u3000",
    "3 of 4",
    "a: |2-",
]


@pytest.mark.parametrize("text", [*WORDS.split(), *PHRASES])
def test_text_that_could_be_something_else_is_quoted(text: str) -> None:
    """Quotes keep it text for us and for PyYAML's loaders, as a value, an item and a key."""
    value = {"k": text, "l": [text], text: 1, "f": Flow({"k": text, text: 1})}
    written = emit(value)
    assert written.startswith(("k: '", 'k: "'))
    assert read(written) == value
    assert yaml.safe_load(written) == value


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "claude-sonnet-5",
        "You are terse.",
        "https://api.anthropic.com/v1/messages?beta=true",
        "Sat, 22 Nov 2026 10:00:00 GMT",
        "max-age=31536000; includeSubDomains",
        'it\'s "fine" [really] {yes} & so on',
        "C:\\dir\\file",
        "a#b",
        "_private",
        "/usr/bin",
        "(aside)",
        "6f1c0d9a4b7e",
        "\u00e9t\u00e9",
        "\u4f60\u597d",
        "\U0001f600 done",
        "nothing",
        "x" * 5000,
        "word " * 400 + "end",
    ],
)
def test_ordinary_text_stays_plain_and_on_one_line(text: str) -> None:
    """What every reader takes for text needs no quotes, however long it is."""
    assert emit({"k": text}) == f"k: {text}\n"
    assert yaml.safe_load(emit({"k": text})) == read(emit({"k": text})) == {"k": text}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: b", "'a: b'"),
        ('{"a": 1}', "'{\"a\": 1}'"),
        ("it's: b", '"it\'s: b"'),
        ('it\'s: "b"', "'it''s: \"b\"'"),
        ("it's: \\b", "'it''s: \\b'"),
        ("\u00e9\U0001f468\u200d\U0001f469: ", "'\u00e9\U0001f468\u200d\U0001f469: '"),
        ("a\tb", '"a\\tb"'),
    ],
)
def test_quotes_are_the_ones_that_need_least_escaping(text: str, expected: str) -> None:
    """Single quotes, double ones instead of doubled single ones, escapes only for what cannot be seen."""
    assert emit([text]) == f"- {expected}\n"
    assert read(emit([text])) == [text]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (-(10**30), "-1" + "0" * 30),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e20, "1.0e+20"),
        (1.5e-07, "1.5e-07"),
        (1e-07, "1.0e-07"),
        (b"", '!!binary ""'),
        ({}, "{}"),
        ((), "[]"),
        (Flow(), "{}"),
        (FlowList(), "[]"),
    ],
)
def test_scalars_have_one_form(value: object, expected: str) -> None:
    """Each scalar reads back with its type under YAML 1.1 as well: floats always have a dot."""
    assert emit(value) == f"{expected}\n"
    assert emit({"k": value}) == f"k: {expected}\n"
    assert repr(read(expected)) == repr(yaml.safe_load(expected))


def test_subclasses_of_plain_types_are_written_as_those() -> None:
    """Enumeration members and ordered dicts show their content, not their class."""

    class Word(enum.StrEnum):
        ONE = "no"
        TWO = "a\nb"

    class Number(enum.IntEnum):
        ONE = 1

    value = OrderedDict(
        {Word.ONE: Word.ONE, "t": Word.TWO, "i": Number.ONE, "f": FlowList([Word.ONE, Number.ONE])}
    )
    assert emit(value) == "'no': 'no'\nt: |2-\n  a\n  b\ni: 1\nf: ['no', 1]\n"


def test_bytes_are_base64_in_lines_of_76() -> None:
    """Bytes carry the only tag there is, and in a flow collection stay on its line."""
    data = bytes(range(60))
    expected = (
        "- !!binary |\n"
        "  AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4\n"
        "  OTo7\n"
        '- {a: !!binary "AAE="}\n'
    )
    value = [data, Flow({"a": b"\x00\x01"})]
    assert emit(value) == expected
    assert read(expected) == yaml.safe_load(expected) == value


def test_containers_nest_compactly() -> None:
    """Lists in lists share a line, lists in mappings are not indented, tuples are lists."""
    value = {"a": [[1, [2, "x\ny"]], ({"b": [3]},), [[]], {"c": {"d": "e"}}]}
    expected = "a:\n- - 1\n  - - 2\n    - |2-\n      x\n      y\n- - b:\n    - 3\n- - []\n- c:\n    d: e\n"
    assert emit(value) == expected
    assert yaml.safe_load(expected) == read(expected)


def test_indent_shifts_every_line_that_is_not_empty() -> None:
    """An indented text fits below a key of another document."""
    value = [{"a": "x\n\ny", "b": [1]}]
    assert emit(value, indent=2) == "  - a: |2-\n      x\n\n      y\n    b:\n    - 1\n"
    assert read("k:\n" + emit(value, indent=2)) == {"k": value}
    assert emit("a\nb", indent=2) == "  |2-\n    a\n    b\n"


def test_a_flow_collection_is_one_line_of_scalars() -> None:
    """Inside it text needs quotes sooner, and text with line breaks is escaped."""
    value = [
        Flow(
            {
                "a": "b",
                "c: d": "e, f",
                "g": "h\ni",
                "j": "https://x",
                "k": 1,
                "l": None,
                "m": "a b",
                "n-o": "\u00e9",
            }
        ),
        FlowList(["a", "b]", True, 1.5, "#", "\ta", "no"]),
    ]
    assert emit(value) == (
        "- {a: b, 'c: d': 'e, f', g: \"h\\ni\", j: 'https://x', k: 1, l: null, m: a b, n-o: '\u00e9'}\n"
        "- [a, 'b]', true, 1.5, '#', \"\\ta\", 'no']\n"
    )
    assert yaml.safe_load(emit(value)) == read(emit(value)) == value


def test_flow_collections_nest_on_one_line() -> None:
    """What is marked all the way down, and what is empty, stays on the line."""
    value = [Flow({"a": FlowList([1, Flow({"b": "c, d"}), FlowList()]), "e": {}, "f": []})]
    assert emit(value) == "- {a: [1, {b: 'c, d'}, []], e: {}, f: []}\n"
    assert yaml.safe_load(emit(value)) == read(emit(value)) == value


def test_a_flow_collection_that_holds_a_block_is_a_block() -> None:
    """The marker is a wish: what does not fit on one line in a readable way is written as usual."""
    long = "x" * 1100
    value = {"a": Flow({"b": {"c": 1}}), "d": FlowList([1, [2]]), "e": Flow({long: 1})}
    assert emit(value) == f"a:\n  b:\n    c: 1\nd:\n- 1\n- - 2\ne:\n  ? {long}\n  : 1\n"


@pytest.mark.parametrize("key", ["x" * 2000, "x: " * 500, "\n" * 600, "\U0001f600" * 1500])
def test_a_key_too_long_for_a_parser_is_marked_as_key(key: str) -> None:
    """Parsers look for a key's colon in the next 1,024 characters only."""
    value = {"a": [{key: "v\nw", "z": {key: [1, {key: {"b": key}}]}}]}
    assert (
        read(emit(value)) == yaml.safe_load(emit(value)) == yaml.load(emit(value), yaml.CSafeLoader) == value
    )


def test_what_stands_twice_is_written_twice() -> None:
    """There are no anchors and aliases, which other tools and reviewers would have to resolve."""
    shared = {"a": [1]}
    assert emit([shared, shared]) == "- a:\n  - 1\n- a:\n  - 1\n"


@pytest.mark.parametrize(
    "value", [{1: "a"}, {"a": [{None: 1}]}, {True: 1}, Flow(cast(Any, {1: 2})), {b"a": 1}]
)
def test_a_key_that_is_not_text_is_refused(value: object) -> None:
    """JSON has no other keys, and each YAML reader would make something else of them."""
    with pytest.raises(TypeError, match=r"^a mapping key must be text, not (int|NoneType|bool|bytes)$"):
        emit(value)


@pytest.mark.parametrize("value", [object(), [{1}], {"a": 1j}, Flow({"a": object()})])
def test_a_type_that_is_not_plain_is_refused(value: object) -> None:
    """Nothing is written as its repr."""
    with pytest.raises(TypeError, match=r"^a cassette cannot hold a value of type (object|set|complex)$"):
        emit(value)


@pytest.mark.parametrize(
    "value",
    [
        "\ud83d",
        "a\nb\udc00",
        {"\ud83d\ude00": 1},
        [Flow({"a": "\udfff"})],
        float("inf"),
        [-float("inf")],
        float("nan"),
    ],
)
def test_what_yaml_cannot_carry_is_refused(value: object) -> None:
    """Lone surrogates, infinities and NaN raise, so that the caller can keep the original bytes."""
    with pytest.raises(
        ValueError, match=r"^a cassette cannot hold the (lone surrogate U\+D|number -?(inf|nan)$)"
    ):
        emit(value)


def _nest(depth: int, *, as_list: bool) -> object:
    value: object = "x\ny"
    for _ in range(depth):
        value = [value] if as_list else {"k": value}
    return value


@pytest.mark.parametrize("as_list", [True, False])
def test_nesting_is_limited_by_a_number_and_not_by_the_stack(as_list: bool) -> None:
    """The deepest round trips, even when the caller has hardly any stack left; one level more raises."""

    def call_deep_down(frames: int) -> str:
        return call_deep_down(frames - 1) if frames else emit(_nest(MAX_DEPTH, as_list=as_list))

    frames_here = len(inspect.stack(0))
    text = call_deep_down(sys.getrecursionlimit() - frames_here - 30)
    assert read(text) == yaml.load(text, yaml.CSafeLoader) == _nest(MAX_DEPTH, as_list=as_list)
    with pytest.raises(ValueError, match=rf"^nested deeper than {MAX_DEPTH} levels$"):
        emit(_nest(MAX_DEPTH + 1, as_list=as_list))


@pytest.mark.parametrize(
    ("innermost", "levels"),
    [
        ([], 1),
        ({}, 1),
        (FlowList([1]), 1),
        (Flow({"a": FlowList([FlowList(), {}])}), 3),
        (reduce(lambda value, _: FlowList([value]), range(90), FlowList()), 91),
    ],
)
def test_what_is_written_is_never_too_deep_to_be_read(innermost: object, levels: int) -> None:
    """Empty and one-line containers count as levels, for the writer as for the reader."""
    value = reduce(lambda value, _: [value], range(MAX_DEPTH - levels), innermost)
    assert read(emit(value)) == value
    with pytest.raises(ValueError, match=r"^nested deeper than"):
        emit([value])


def test_a_cycle_is_refused_as_too_deep() -> None:
    """A container that holds itself ends in the same error instead of a full memory."""
    value: list[object] = []
    value.append({"a": value})
    with pytest.raises(ValueError, match=r"^nested deeper than"):
        emit(value)
