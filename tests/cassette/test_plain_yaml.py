"""The YAML of other tools gives plain values, and nothing that a stranger writes does harm."""

from __future__ import annotations

import math

import pytest
import yaml

from claude_replay.cassette.formats import plainyaml
from claude_replay.cassette.formats.plainyaml import read_plain_documents, read_plain_yaml
from claude_replay.cassette.yamltext import Limits, YamlError

LIMITS = Limits()
ISTR = "!!python/object/apply:multidict._multidict.istr"


@pytest.fixture(params=["libyaml", "pure Python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test runs with both of PyYAML's parsers."""
    name: str = request.param
    if name == "pure Python":
        monkeypatch.setattr(plainyaml, "_LOADER", yaml.SafeLoader)
    return name


def read(text: str, limits: Limits = LIMITS) -> object:
    return read_plain_yaml(text, "c.yaml", limits)


def refusal(text: str, limits: Limits = LIMITS) -> str:
    with pytest.raises(YamlError) as caught:
        read(text, limits)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("plain", "plain"),
        ("'12'", "12"),
        ("! 12", "12"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("!!map {a: !!seq [b]}", {"a": ["b"]}),
        ("!!binary aGk=", b"hi"),
        ("!binary |\n  aG\n  k=\n", b"hi"),
        ("[1, 0x1f, 017, -2.5, 1.0e+3, 1e5]", [1, 31, 15, -2.5, 1000.0, "1e5"]),
        ("[yes, No, true, ~, null, '']", [True, False, True, None, None, ""]),
        ("[-.inf, .inf]", [-math.inf, math.inf]),
        ("[2026-11-22, 2026-11-22 10:00:00, =, <<]", ["2026-11-22", "2026-11-22 10:00:00", "=", "<<"]),
        ("{<<: {a: b}, 1: c, ~: d}", {"<<": {"a": "b"}, 1: "c", None: "d"}),
        ("a: &x [1]\nb: *x\nc: &x y\n? *x\n: *x\n", {"a": [1], "b": [1], "c": "y", "y": "y"}),
        (f"? {ISTR}\n- Accept\n: - a\n", {"Accept": ["a"]}),
        (f"[{ISTR} [Accept], &x {ISTR} [b], *x]", ["Accept", "b", "b"]),
    ],
)
def test_plain_values_are_read(text: str, value: object) -> None:
    """Scalars mean what PyYAML means by them, but for dates and merge keys; a few harmless tags are known."""
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/unicode 'x'", "1:4: the tag '!!python/unicode' is not read: it stands for more than"),
        ("a: !!python/tuple [1]", "1:4: the tag '!!python/tuple' is not read"),
        ("a: !!python/object/apply:os.system ['true']", "1:4: the tag '!!python/object/apply:os.system' is"),
        ("a: !ruby/object:X {}", "1:4: the tag '!ruby/object:X' is not read"),
        ("a: !!timestamp 2026-11-22", "1:4: the tag '!!timestamp' is not read"),
        ("a: !!set {b}", "1:4: the tag '!!set' is not read"),
        (f"a: {ISTR} [a, b]", "1:4: multidict's istr is read with one string only"),
        (f"a: {ISTR} [[a]]", "1:4: multidict's istr is read with one string only"),
        (f"a: {ISTR} {{a: b}}", "1:4: multidict's istr is read with one string only"),
        ("a: !!binary a", "1:4: a !!binary value that is not base64"),
        ("a: !!int x", "1:4: a value that is no int, or too long for one"),
        ("a: !!int ''", "1:4: a value that is no int, or too long for one"),
        ("a: !!bool maybe", "1:4: a value that is no bool, or too long for one"),
        (f"a: {'9' * 5000}", "1:4: a value that is no int, or too long for one"),
        ("? [a]\n: b\n", "1:3: a key that is a mapping or a list"),
        ("a\n--- b", "2:1: a second document starts here; one was expected"),
        ("a: *x", "1:4: an alias that stands for nothing"),
        ("a: &x [1, *x]", "1:11: an alias inside of what it stands for"),
        ("\n\na: [b}", "3:6: while parsing a flow sequence"),
        ("[" * 20_000, "1:251: nested deeper than 250 levels"),
        ("\n".join(" " * depth + "a:" for depth in range(300)), "251:251: nested deeper than 250 levels"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_at_its_place(text: str, message: str) -> None:
    """Tags that build objects, damage and endless structures are errors with line and column."""
    assert refusal(text).startswith(f"c.yaml:{message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\nc: \x01\n", "2:1: a character that YAML does not allow"),
        ('a: "\\q"', "1:"),
        ('a: "\\U00110000"', "1:"),
        ('a: "\\UFFFFFFFF"', "1:"),
    ],
)
def test_characters_that_do_not_exist_are_refused(text: str, message: str) -> None:
    """Control characters, and escapes that stand for no character."""
    assert refusal(text).startswith(f"c.yaml:{message}")


def test_an_alias_bomb_is_refused() -> None:
    """Aliases are shared, and count with all that they stand for: in values as well as in characters."""
    lists = "".join(f"- &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12))
    message = refusal(f"- &a0 [x]\n{lists}")
    assert message.endswith("more than 5,000,000 values with all aliases written out")
    long = f"- &x {'x' * 1_000_000}\n" + "- [*x, *x, *x, *x]\n" * 50
    assert refusal(long).endswith("more than 200,000,000 bytes with all aliases written out")


def test_limits_count_what_stands_there() -> None:
    """Each value and each key is one, each mapping and list too."""
    assert read("{a: [b, c]}", Limits(nodes=5, bytes=3)) == {"a": ["b", "c"]}
    assert refusal("{a: [b, c]}", Limits(nodes=4)).endswith("more than 4 values with all aliases written out")
    assert refusal("{a: [b, c]}", Limits(bytes=2)).endswith("more than 2 bytes with all aliases written out")


def test_yaml_1_2_has_fewer_words_for_numbers_and_truth() -> None:
    """What older rules take for numbers in other notations is text there."""
    text = "[1:30, 017, 0x1f, yes, No, 1_000, true, null, ~, 12, -0, 1.5, .5, 1e3, 2026-11-22, '']"
    expected = ["1:30", "017", "0x1f", "yes", "No", "1_000", True, None, None, 12, 0, 1.5, 0.5, 1000.0]
    assert read_plain_yaml(text, "c.yaml", LIMITS, core=True) == [*expected, "2026-11-22", ""]


def test_several_documents_are_read_in_order() -> None:
    """An anchor holds for its own document only."""
    assert read_plain_documents("a: &x 1\n---\nb: 2\n---\n- 3\n", "c.yaml", LIMITS) == [
        {"a": 1},
        {"b": 2},
        [3],
    ]
    assert read_plain_documents("", "c.yaml", LIMITS) == []
    with pytest.raises(YamlError, match="an alias that stands for nothing"):
        read_plain_documents("a: &x 1\n---\nb: *x\n", "c.yaml", LIMITS)
