"""What `read` takes, what it refuses, and that every refusal says where; with libyaml and without it."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys

import pytest
import yaml

from claude_replay.cassette.yamltext import MAX_DEPTH, Flow, Limits, YamlError, emit, read


@pytest.fixture(params=["libyaml", "pure python"], autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs twice, the second time as if PyYAML had been built without libyaml."""
    if request.param == "pure python":
        monkeypatch.delattr(yaml, "CSafeLoader")


def _refusal(text: str, **options: object) -> tuple[int, int, str]:
    """Line, column and problem of the error that `text` gives."""
    with pytest.raises(YamlError) as caught:
        read(text, **options)  # type: ignore[arg-type]
    return caught.value.line, caught.value.column, caught.value.problem


PLAIN = [
    (None, "~ null Null NULL"),
    (True, "true True TRUE"),
    (False, "false False FALSE"),
    (1, "1 +1"),
    (-12, "-12"),
    (0, "0 -0 +0"),
    (10**40, "1" + "0" * 40),
    (1.5, "1.5 +1.5 01.5 1.5e+0 1.50"),
    (-1.5, "-1.5"),
    (0.5, ".5 5.0e-01"),
    (1e20, "1.0e+20 1.E+20"),
]
TEXT = """
    yes Yes no NO on off y n nUll tRue nan .nan .inf -.inf = << 2026-10-21 2026-10-21T10:00:00Z 12:30 12:30:45
    190:20:30.15 0x1F 0o7 0b1 007 0123 1_000 1_0.5 1e5 12e5 0e12 1.5e3 -.5 +.5 . + 1.2.3 --1 a:b a#b
"""


@pytest.mark.parametrize(("expected", "words"), PLAIN)
def test_core_scalars_are_values(expected: object, words: str) -> None:
    """Null, true, false and decimal numbers are values, in lists and mappings, however often they stand."""
    for word in words.split():
        assert repr(read(word)) == repr(expected)
        assert repr(read(f"- {word}\n- k: {word}\n- '{word}'")) == repr([expected, {"k": expected}, word])


@pytest.mark.parametrize("word", TEXT.split())
def test_everything_else_is_text(word: str) -> None:
    """Dates, times, other notations of numbers and YAML 1.1's many booleans stay as they are written."""
    assert read(f"- {word}\n- k: {word}\n  {word}: 1") == [word, {"k": word, word: 1}]


@pytest.mark.parametrize(
    "key", ["1", "1.5", "true", "null", "~", "2026-10-21", "<<", "=", "'1'", '"1"', "!!str 1"]
)
def test_a_key_is_its_text(key: str) -> None:
    """A scalar that stands as key is never anything but text; a merge key does not merge."""
    assert read(f"{key}: {{a: 1}}") == {key.removeprefix("!!str ").strip("'\""): {"a": 1}}


def test_missing_values_are_null_and_missing_keys_are_empty() -> None:
    """`k:` holds null, `? ` before `: v` is the empty key, an empty item is null."""
    assert read("k:\n? j\nl: [~, '', \"\"]\n") == {"k": None, "j": None, "l": [None, "", ""]}
    assert read("? \n: v\n") == {"": "v"}
    assert read("-\n- \n-\n  -\n") == [None, None, [None]]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "\ufeff"])
def test_no_document_is_none(text: str) -> None:
    """A text with nothing in it is no error here."""
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeffa: 1", {"a": 1}),
        ("--- a: b\n...\n".replace(" a", "\na"), {"a": "b"}),
        ("%YAML 1.1\n---\na: 1\n", {"a": 1}),
        ("a: 1 # note\n# more\nb: [1, {c: d}]\n", {"a": 1, "b": [1, {"c": "d"}]}),
        ("a: |2-\r\n  x\r\n  y\r\n", {"a": "x\ny"}),
        (
            "a: \"x\n\n  y \\\n   z\"\nb: 'x\n  y'\nc: x\n  y\nd: >\n  x\n  y\n",
            {"a": "x\ny z", "b": "x y", "c": "x y", "d": "x y\n"},
        ),
        ('"\\u00e9\\U0001F600\\x41\\0"', "\u00e9\U0001f600A\0"),
        ("a: !!str 1\nb: !!str\nc: !!str 'x'", {"a": "1", "b": "", "c": "x"}),
        (
            "a: !!binary aGk=\nb: !!binary |\n  aG\n  k=\nc: [!!binary '']",
            {"a": b"hi", "b": b"hi", "c": [b""]},
        ),
        ("!!binary aGk=", b"hi"),
        ("100% %TAG\n", "100% %TAG"),
        ("just text", "just text"),
    ],
)
def test_what_other_tools_write_is_read(text: str, expected: object) -> None:
    """Comments, directives, folded text, CRLF and a byte order mark are no problem."""
    assert read(text) == expected


CONFLICT = "a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> theirs\n"
MISPLACED = "out of place (indentation, or a missing quote)"


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("a: 1\nb: *id001\n", 2, 4, "an alias (*id001) is not allowed in a cassette"),
        ("- *x\n", 1, 3, "an alias (*x) is not allowed in a cassette"),
        ("*x : 1\n", 1, 1, "an alias (*x) is not allowed in a cassette"),
        ("a: &id001 {}\n", 1, 4, "an anchor (&id001) is not allowed in a cassette"),
        ("a:\n- &x 1\n", 2, 3, "an anchor (&x) is not allowed in a cassette"),
        ("a: &x !!binary aGk=\n", 1, 4, "an anchor (&x) is not allowed in a cassette"),
        ("&x a: 1\n", 1, 1, "an anchor (&x) is not allowed in a cassette"),
        ("? &x [a]\n: b", 1, 3, "an anchor (&x) is not allowed in a cassette"),
        (
            "a: !!python/object/apply:os.system ['ls']",
            1,
            4,
            "the tag !!python/object/apply:os.system is not allowed in a cassette",
        ),
        ("- !!python/name:os.system x", 1, 3, "the tag !!python/name:os.system is not allowed in a cassette"),
        ("a: !mine x", 1, 4, "the tag !mine is not allowed in a cassette"),
        ("a: ! x", 1, 4, "the tag ! is not allowed in a cassette"),
        ("a: !!int '1'", 1, 4, "the tag !!int is not allowed in a cassette"),
        ("!!set {a, b}", 1, 1, "the tag !!set is not allowed in a cassette"),
        ("!!binary aGk=: 1", 1, 1, "the tag !!binary is not allowed in a cassette"),
        ("a: !!str [x]", 1, 4, "the tag !!str is not allowed in a cassette"),
        (f"a: !{'x' * 90} y", 1, 4, f"the tag !{'x' * 59}\u2026 is not allowed in a cassette"),
        (
            "a: !<tag:example.org,2026:x> y",
            1,
            4,
            "the tag tag:example.org,2026:x is not allowed in a cassette",
        ),
        ("a: !x!y z", 1, 4, "a tag that YAML does not know"),
        ("# x\n%TAG ! tag:yaml.org,2002:\n---\na: 1", 2, 1, "a %TAG line is not allowed in a cassette"),
        ("a: !!binary '%%'", 1, 4, "a !!binary value that is not base64"),
        ("a: !!binary aGk", 1, 4, "a !!binary value that is not base64"),
        ("a: !!binary \u00e9\u00e9\u00e9\u00e9", 1, 4, "a !!binary value that is not base64"),
        ("model: a\nb: 1\nmodel: c\n", 3, 1, "the key 'model' stands twice"),
        ("a: 1\r\n\U0001f600: 2\r\n  \r\n- ", 4, 1, "the indentation does not fit the lines above"),
        ("{a: 1, b: 2, 'a': 3}", 1, 14, "the key 'a' stands twice"),
        ('"a\\nb": 1\n"a\\nb": 2', 2, 1, "the key 'a\\nb' stands twice"),
        ("1: a\n'1': b", 2, 1, "the key '1' stands twice"),
        ("? [a]\n: b", 1, 3, "a key must be text, not a list"),
        ("a:\n  {b: c}: d", 2, 3, "a key must be text, not a mapping"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second document starts here, and a cassette is one"),
        ("a: 1\n... \n]", 3, 1, "more text after the end of the document"),
        ("a: 1.0e+999", 1, 4, "the number 1.0e+999 is too large"),
        ("a:\n- -" + "9" * 5000, 2, 3, "a number of 5,001 digits is too long"),
        (CONFLICT, 2, 1, "git merge conflict marker '<<<<<<<'"),
        (CONFLICT.replace("\n", "\r\n"), 2, 1, "git merge conflict marker '<<<<<<<'"),
        (CONFLICT[5:], 1, 1, "git merge conflict marker '<<<<<<<'"),
        (f'a: "\n{CONFLICT}"\n', 3, 1, "git merge conflict marker '<<<<<<<'"),
        ("a: |2-\n  x\n=======\n  y\n", 3, 1, "git merge conflict marker '======='"),
        ("a: 1\n>>>>>>> branch\n", 2, 1, "git merge conflict marker '>>>>>>>'"),
        ("a: 1\n||||||| base\nb: [\n", 2, 1, "git merge conflict marker '|||||||'"),
        ("a: 1\nb: x\x00y\n", 2, 5, "the unreadable character U+0000"),
        ("a: 1\n\U0001f600: '\x1b'", 2, 5, "the unreadable character U+001B"),
        ("a: \ud83d\n", 1, 4, "the unreadable character U+D83D"),
        ("a: \uffff\n", 1, 4, "the unreadable character U+FFFF"),
        ("a:\n\tb: c\n", 2, 1, "a tab where indentation was expected"),
        ("a: |\n\tb\n  c", 2, 1, "a tab where indentation was expected"),
        ("a: 1\nb: 'x", 2, 4, "the text ends inside the quoted value that starts here"),
        ('a: 1\nb: "x\n\n', 2, 4, "the text ends inside the quoted value that starts here"),
        ("b: 'x\n---\n", 1, 4, "a document marker stands inside the quoted value that starts here"),
        ("a: 1\nbro", 2, 1, "neither 'key: value' nor part of the value above"),
        ("a: b: c", 1, 5, f"a ':' {MISPLACED}"),
        ("a: b\n  c: d", 2, 4, f"a ':' {MISPLACED}"),
        ("a: - b", 1, 4, f"a '-' {MISPLACED}"),
        ("a:\n  b: 1\n c: 2", 3, 2, "the indentation does not fit the lines above"),
        ("- a\nb: 1", 2, 1, "the indentation does not fit the lines above"),
        ("a: [1, 2", 1, 4, "the list that starts here lacks its ']' or a comma"),
        ("a: [1, ", 1, 8, "a value is missing: the text is cut off, or a comma or bracket is too many"),
        ("a: [1 [2]]", 1, 4, "the list that starts here lacks its ']' or a comma"),
        ("a: {b: 1 {", 1, 4, "the mapping that starts here lacks its '}' or a comma"),
        ("a: ]", 1, 4, "a value is missing: the text is cut off, or a comma or bracket is too many"),
        ("a: @b", 1, 4, "a value cannot start with '@' unless it is quoted"),
        ("a: |9x\n  b", 1, 6, "only the line end may follow the '|' or '>' of a block"),
        ("a: &", 1, 4, "an alias or an anchor without a name (a missing quote)"),
        ('a: 1\nb: "\\q"', 2, 4, "a quoted value with an escape that is none"),
        ('b: "\\xzz"', 1, 4, "a quoted value with an escape that is none"),
        ("%YAML 2.0\n---\na", 1, 1, "not YAML version 1"),
        ("%YAML x\n---\na", 1, 1, "a '%' line that YAML does not know"),
        ("[" * 1_000, 1, MAX_DEPTH + 1, f"nested deeper than {MAX_DEPTH} levels"),
        ("- " * 10_000, 1, 2 * MAX_DEPTH + 1, f"nested deeper than {MAX_DEPTH} levels"),
    ],
)
def test_a_refusal_says_what_and_where(text: str, line: int, column: int, problem: str) -> None:
    """Whatever is broken or may not be there gives one error with line, column and a sentence."""
    assert _refusal(text) == (line, column, problem)
    assert _refusal(text, first_line=41)[0] == line + 40


@pytest.mark.parametrize("escape", ["\\ud83d", "\\uDC00x", "\\U00110000", "\\UFFFFFFFF"])
def test_an_escape_that_is_no_character_is_refused(escape: str) -> None:
    """Text that could never be sent or written again does not come in through an escape."""
    line, _, problem = _refusal(f'a: 1\nb: ["x{escape}"]')
    assert (line, problem) == (2, "a quoted value with an escape that is none")


def test_a_complaint_without_plain_words_is_passed_on() -> None:
    """What we have no sentence for is shown in the parser's words, with the place."""
    line, column, problem = _refusal("x: 1\na: ? b")
    assert (line, column) == (2, 4)
    assert problem.startswith("mapping keys are not allowed")


def test_an_error_prints_as_name_line_column_problem() -> None:
    """The form that terminals and editors turn into a link; it survives the way between processes."""
    with pytest.raises(YamlError) as caught:
        read("a: 1\na: 2\n", name="cassettes/chat.yaml", first_line=10)
    error = caught.value
    assert str(error) == "cassettes/chat.yaml:11:1: the key 'a' stands twice"
    assert (error.name, error.line, error.column, error.problem) == error.args
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    with pytest.raises(YamlError, match=r"^<cassette>:1:4: "):
        read("a: *b")


def test_a_broken_text_keeps_the_parsers_own_error_as_cause() -> None:
    """The sentence of ours does not hide what was said."""
    with pytest.raises(YamlError) as caught:
        read("a: [")
    assert isinstance(caught.value.__cause__, yaml.YAMLError)


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("a", 1),
        ("[]", 1),
        ("[1, 2, 3]", 4),
        ("{a: 1, b: 2}", 5),
        ("[[], [[]]]", 4),
        ("{a: {b: [1, {c: 2}]}, d: 3}", 11),
        ("- [1]\n- [2]\n- 3", 6),
    ],
)
def test_the_number_of_nodes_is_limited(text: str, nodes: int) -> None:
    """Each value and each key counts as one: so many are read, one less is refused."""
    assert read(text, limits=Limits(nodes=nodes)) == yaml.safe_load(text)
    if nodes > 1:
        assert _refusal(text, limits=Limits(nodes=nodes - 1))[2] == f"more than {nodes - 1:,} values and keys"


def test_a_small_alias_bomb_and_a_large_list_are_refused_where_they_go_too_far() -> None:
    """Neither is expanded or read to its end."""
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    assert _refusal(bomb) == (1, 4, "an anchor (&a) is not allowed in a cassette")
    assert _refusal("- x\n" * 1000, limits=Limits(nodes=10)) == (10, 3, "more than 10 values and keys")
    assert _refusal("- []\n" * 1000, limits=Limits(nodes=10)) == (10, 3, "more than 10 values and keys")
    assert _refusal("[]", limits=Limits(nodes=0)) == (1, 1, "more than 0 values and keys")


@pytest.mark.parametrize("char", ["a", "\u00e9", "\u4f60", "\U0001f600"])
def test_the_size_is_limited_in_bytes(char: str) -> None:
    """The limit is that of the file, whatever its characters are."""
    text = f"- {char * 100}"
    size = len(text.encode())
    assert read(text, limits=Limits(bytes=size)) == [char * 100]
    assert _refusal(text, limits=Limits(bytes=size - 1)) == (
        1,
        1,
        f"the text is larger than {size - 1:,} bytes",
    )
    assert _refusal(text, limits=Limits(bytes=9))[2] == "the text is larger than 9 bytes"


def test_the_limits_are_generous_by_default() -> None:
    """Large recordings load; the numbers are part of the interface."""
    assert Limits() == Limits(nodes=5_000_000, bytes=200_000_000)


@pytest.mark.parametrize("text", ["{a: " * MAX_DEPTH + "1" + "}" * MAX_DEPTH, "- " * MAX_DEPTH + "1"])
def test_the_deepest_nesting_is_read_with_little_stack_left(text: str) -> None:
    """Depth is limited by a number alone, not by where the caller stands."""

    def call_deep_down(frames: int) -> object:
        return call_deep_down(frames - 1) if frames else read(text)

    value = call_deep_down(sys.getrecursionlimit() - len(inspect.stack(0)) - 40)
    for _ in range(MAX_DEPTH):
        value = value["a"] if isinstance(value, dict) else value[0]  # type: ignore[index]
    assert value == 1


def _read_or_refuse(text: str) -> YamlError | None:
    try:
        read(text)
    except YamlError as error:
        return error
    return None


def test_a_text_cut_anywhere_is_read_or_refused_in_place() -> None:
    """A truncated file gives a shorter value or our error on one of its lines, never another exception."""
    body = {
        "a": "x\n\n y\n",
        "l": [{"b": "it's: c"}, "\u00e9\U0001f600: ", Flow({"d": 1.5, "e": "f, g"})],
        "z": b"abc" * 30,
    }
    text = emit({"version": 1, "exchanges": [body]})
    refusals = [_read_or_refuse(text[:end]) for end in range(len(text))]
    for end, error in enumerate(refusals):
        assert error is None or 1 <= error.line <= text[:end].count("\n") + 2
    assert len(text) / 10 < refusals.count(None) < len(text) * 9 / 10
    assert read(text) == {"version": 1, "exchanges": [body]}


def test_equal_texts_share_one_object() -> None:
    """A conversation repeats what was said before; it takes the memory once."""
    turn = {"role": "user", "content": "a long text\n" * 20}
    value = read(emit([turn, turn, ["word " * 30, "word " * 30]]))
    assert value == [turn, turn, ["word " * 30, "word " * 30]]
    assert isinstance(value, list)
    assert value[0]["content"] is value[1]["content"]
    assert value[2][0] is value[2][1]


def test_a_pyyaml_without_libyaml_is_enough() -> None:
    """In a process where the extension module cannot be imported, reading works all the same."""
    code = (
        "import sys; sys.modules['yaml._yaml'] = None\n"
        "import yaml; assert not yaml.__with_libyaml__\n"
        "from claude_replay.cassette.yamltext import emit, read\n"
        "value = {'a': ['x\\ny', 1.5, None, b'z']}\n"
        "assert read(emit(value)) == value\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
