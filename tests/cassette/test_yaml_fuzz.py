"""Seeded random values and damaged texts: what we write comes back equal, for us and for PyYAML."""

from __future__ import annotations

import random

import pytest
import yaml

from claude_replay.cassette.yamltext import Flow, FlowList, YamlError, emit, read

PIECES = [
    *"\n\n\n\n    \t\r-:#|>'\"\\{}[],&*!%@`?$()+./_~=<0123456789eExobTZazAZ",
    *(
        "\u2028",
        "\u2029",
        "\x85",
        "\ufeff",
        "\ufffe",
        "\uffff",
        "\x00",
        "\x0b",
        "\x0c",
        "\x1b",
        "\x7f",
        "\x9f",
    ),
    *("\u00e9", "\u4f60", "\u00a0", "\u3000", "\u200d", "\u202e", "\U0001f600", "\U0010ffff"),
    *(
        "no",
        "yes",
        "null",
        "true",
        "off",
        "<<",
        "nan",
        ".inf",
        "1e5",
        "1_000",
        "0x1f",
        "0o7",
        "12:30:45",
        "2026-10-21",
    ),
    *(
        ": ",
        " #",
        "- ",
        "? ",
        "---",
        "...",
        "\n---\n",
        "|2-",
        "!!str ",
        "&a ",
        "*a",
        "<<<<<<< ",
        "\n=======\n",
    ),
]
NUMBER_PIECES = [*"0123456789.eE+-_:xobTZ ", "inf", "nan", "NaN", "true", "null", "~"]
DAMAGE = [
    *"\n\t\r :-#'\"{}[],&*!|>%@`?\\\x00\x85\u2028\ud800",
    *(
        "\\ud800",
        "\\x",
        "\\U00110000",
        "<<<<<<< H\n",
        "\n=======\n",
        "\n---\n",
        "\n...\n",
        "%YAML 2\n",
        "!!x ",
        "&a ",
        "*a ",
    ),
]


def _make_text(rng: random.Random, pieces: list[str]) -> str:
    return "".join(rng.choices(pieces, k=rng.randint(0, 9)))


def _make_scalar(rng: random.Random) -> object:
    if rng.random() < 0.6:
        return _make_text(rng, PIECES)
    return rng.choice(
        [
            *(None, True, False, 0, 1, -7, 10**25, 0.0, -0.0, 1.0, 1e20, 1.5e-9),
            rng.random() * 10 ** rng.randint(-20, 20),
            rng.randbytes(rng.randint(0, 90)),
        ]
    )


def _make_value(rng: random.Random, depth: int) -> object:
    kind = rng.random() if depth else 0
    if kind < 0.4:
        return _make_scalar(rng)
    size = rng.randint(0, 3)
    if kind < 0.8:
        make = _make_scalar if kind < 0.5 else lambda rng: _make_value(rng, depth - 1)
        items = {_make_text(rng, PIECES): make(rng) for _ in range(size)}
        return Flow(items) if kind < 0.55 else items
    if kind < 0.87:
        return FlowList(_make_value(rng, depth - 1) for _ in range(size))
    return [_make_value(rng, depth - 1) for _ in range(size)]


@pytest.mark.parametrize("seed", range(4))
def test_any_text_comes_back_from_any_place(seed: int) -> None:
    """As value, item and key, nested and in flow, a text is equal again, for us and for PyYAML."""
    rng = random.Random(seed)
    for _ in range(700):
        text = _make_text(rng, PIECES)
        value = {
            "k": text,
            "l": [text, [[text], {text: {text: [text]}}]],
            "f": Flow({text: text}),
            text: FlowList([text]),
        }
        written = emit(value)
        assert repr(read(written)) == repr(value)
        assert yaml.load(written, yaml.CSafeLoader) == value


@pytest.mark.parametrize("seed", range(4))
def test_any_value_comes_back_with_its_types(seed: int) -> None:
    """repr tells 1 from True and 1.0, 0.0 from -0.0, and shows the order; PyYAML's loaders agree on it."""
    rng = random.Random(seed)
    for number in range(500):
        value = _make_value(rng, 4)
        written = emit(value)
        assert emit(value) == written
        assert repr(read(written)) == repr(value)
        assert repr(yaml.load(written, yaml.CSafeLoader)) == repr(value)
        if number % 10 == 0:
            assert repr(yaml.safe_load(written)) == repr(value)


def test_any_value_comes_back_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's own parser reads the same from what we write."""
    monkeypatch.delattr(yaml, "CSafeLoader")
    rng = random.Random(99)
    for _ in range(150):
        value = {"v": _make_value(rng, 3), _make_text(rng, PIECES): _make_text(rng, PIECES)}
        assert repr(read(emit(value))) == repr(value)


def test_no_text_that_pyyaml_leaves_unquoted_becomes_a_number() -> None:
    """What PyYAML writes as text is text for us, and what we take for a value it takes for the same one."""
    rng = random.Random(5)
    for _ in range(2500):
        text = _make_text(rng, NUMBER_PIECES)
        value = {"k": text, "l": [text]}
        assert read(yaml.dump(value, Dumper=yaml.CSafeDumper)) == value
        try:
            theirs = yaml.load(text, yaml.CSafeLoader)
            ours = read(text)
        except (yaml.YAMLError, ValueError, YamlError):
            continue
        assert isinstance(ours, dict) or repr(ours) in (repr(theirs), repr(text.strip()))


def _read_or_refuse(text: str) -> tuple[str, str]:
    try:
        return "value", repr(read(text))
    except YamlError as error:
        return "refused", error.problem


def test_damaged_texts_are_read_or_refused_alike_by_both_parsers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happened to a file, the only exception is ours, and no value depends on the parser."""
    rng = random.Random(3)
    body = {
        "h": Flow({"d": 1.5, "e": "f, g"}),
        "a": "x\n y\n\n",
        "l": [[1, None], "it's: \u00e9", "\x00"],
        "b": b"abc" * 9,
    }
    intact = emit({"version": 1, "exchanges": [body]})
    texts = []
    for _ in range(700):
        text = intact
        for _ in range(rng.randint(1, 3)):
            start = rng.randrange(len(text))
            text = text[:start] + rng.choice(DAMAGE) * rng.randint(0, 1) + text[start + rng.randint(0, 2) :]
        texts.append(text)
    with_libyaml = [_read_or_refuse(text) for text in texts]
    monkeypatch.delattr(yaml, "CSafeLoader")
    without = [_read_or_refuse(text) for text in texts]
    for text, ours, other in zip(texts, with_libyaml, without, strict=True):
        assert ours == other or "refused" in (ours[0], other[0]), text
    alike = sum(ours == other for ours, other in zip(with_libyaml, without, strict=True))
    # The pure parser refuses some tabs between tokens and words some refusals differently.
    assert alike >= 0.95 * len(texts)
    assert 50 < sum(kind == "refused" for kind, _ in with_libyaml) < len(texts) - 50
