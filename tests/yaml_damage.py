"""Values and texts that are hard for YAML, and what happens to texts."""

from __future__ import annotations

import random

from claude_replay.cassette.yamltext import Flow, FlowList

# fmt: off
STRANGE = [
    *"\t\r\x00\x07\x0b\x0c\x1b\x7f\x85\x9f\xa0\u200d\u2028\u2029\u202e\u3000\ud800\ufeff\ufffe\uffff",
    *"\xe9\u4f60\U0001f600\U0010ffff",
]
MEANINGS = """
    null true false ~ yes no on off y n nan .nan .inf NULL True 0 -0 1 +1 -7 12 007 0x1f 0o7 1_000 1.5 -1.5 1.
    .5 1e5 1.0e+20 1.5e-9 0.0 -0.0 12:30 12:30:45 2026-10-21 6f1c0d9a4b7e 12e5 << = a b-c d/e f.g it's x|2
    claude-sonnet-5 https://x.example/y?z#q 6f1c0d9a4b7e2c11-5d41402a 1234567890123456-12345678
"""
WORDS = MEANINGS.split()
TOKENS = [
    *" \n:#-?|>'\"\\{}[],&*!%@`.~=<",
    *("\n", "\n\n", "\n  ", "\n    ", "  ", "    ", ": ", ", ", " #", "# x", "#", "- ", "- - "),
    *("? ", "- k: ", "---", "...", "\n---\n", "\n...\n", "%TAG", "%YAML 1.2", "<<<<<<< x"),
    *("|", "|2", "|2-", "|2+", "|-", "|1", "|2 ", ">2", "|2\n", "&a ", "*a", "!x ", "!!str ", "!!binary "),
    *("''", "'", '""', "\\n", "\\x41", "\\u00e9", "\\ud800", "\\/", "\\U0001f600", "\\\n"),
    *("{}", "[]", "{a: 1}", "[a]", "k:", "k: v", "'k': v"),
    *("- a\n", "k: v\n", "k:\n", "k:\n- a\n", "k:\n  k: v\n", "k: |2\n  x\n"),
]
# fmt: on


def make_text(rng: random.Random) -> str:
    alphabet = (*WORDS, *STRANGE, *TOKENS, *"abcxyzABC 0123456789\n\n")
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(WORDS)
    if kind < 0.45:
        return "\n".join(rng.choice(("", " ", "a", "  b", "c: d", "# e", "- f", "\t")) for _ in range(5))
    return "".join(rng.choices(alphabet, k=rng.randint(0, 6)))


def make_scalar(rng: random.Random) -> object:
    if rng.random() < 0.65:
        return make_text(rng).replace("\ud800", "")
    numbers = (0, 1, -7, 10**30, 0.0, -0.0, 1.0, 1e20, 1.5e-9, rng.random() * 10.0 ** rng.randint(-20, 20))
    return rng.choice((None, True, False, *numbers))


def make_value(rng: random.Random, depth: int) -> object:
    kind = rng.random() if depth else 0.0
    if kind < 0.4:
        return make_scalar(rng)
    values = [make_value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    if kind < 0.75:
        keyed = {make_text(rng).replace("\ud800", ""): value for value in values}
        return Flow(keyed) if rng.random() < 0.4 else keyed
    return FlowList(values) if rng.random() < 0.4 else values


def change_part(text: str, rng: random.Random) -> str:
    """Something else where a few characters stood, or those never or several times."""
    start = rng.randrange(len(text) + 1)
    end = min(start + rng.choice((0, 1, 1, 2, 5)), len(text))
    other: str = rng.choice((*TOKENS, *STRANGE, *WORDS))
    return text[:start] + rng.choice((other, text[start:end] * rng.randint(0, 3))) + text[end:]


def shift_word(text: str, rng: random.Random) -> str:
    """Another word where one stands, or two words that change places."""
    words = text.split(" ")
    first, second = rng.randrange(len(words)), rng.randrange(len(words))
    if rng.random() < 0.5:
        words[first], words[second] = words[second], words[first]
    else:
        words[first] = rng.choice((*WORDS, *TOKENS))
    return " ".join(words)


def shift_lines(text: str, rng: random.Random) -> str:
    """Lines doubled, dropped, joined, moved, or indented differently."""
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    end = place + rng.choice((1, 1, 2, 3))
    kind = rng.randrange(6)
    if kind == 0:
        lines.insert(rng.randrange(len(lines) + 1), lines[place])
    elif kind == 1:
        lines[place:end] = [rng.choice(("", " ", ", ")).join(lines[place:end])]
    elif kind == 2:
        other = rng.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    elif kind == 3:
        lines[place:end] = [line[rng.choice((1, 2, 2, 4, 99)) :] for line in lines[place:end]]
    else:
        margin = rng.choice((" ", "  ", "  ", "    ", "- ", "\t"))
        lines[place:end] = [margin + line for line in lines[place:end]]
    return "\n".join(lines)


MUTATIONS = (change_part, change_part, shift_word, shift_lines)
