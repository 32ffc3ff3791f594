"""The fast reader: what it takes it reads as `read` does, and it takes what the recorder writes."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from claude_replay.cassette.entry import Entry
from claude_replay.cassette.yamltext import MAX_DEPTH, Flow, FlowList, emit, fast, read
from claude_replay.cassette.yamltext.fast import DECLINED
from claude_replay.exchange import (
    Deltas,
    Event,
    EventStream,
    Exchange,
    Json,
    Meta,
    RawEvent,
    Request,
    Response,
    Text,
)
from yaml_damage import MUTATIONS, WORDS, make_value


def _make_layout(rng: random.Random) -> str:
    """Lines that look like ours, put together without regard for what fits."""
    lines = []
    for _ in range(rng.randint(1, 7)):
        dashes = rng.choice(("", "", "", "- ", "- ", "- - "))
        key = rng.choice(("", "a:", "b:", "c: ", "d: ", "'1': ", '"\\t": ', "e f: "))
        value = rng.choice(("", "|2", "|2-", "|2+", "{}", "[]", "[a, {b: 1}]", "{a: [1], b: x}", *WORDS))
        lines.append(rng.choice(("", "", "  ", "  ", "    ", "      ")) + dashes + key + value)
    return "\n".join(lines) + rng.choice(("\n", "\n", "\n", "", "\n\n"))


def _make_mutant(rng: random.Random, intact: list[str]) -> str:
    text = _make_layout(rng) if rng.random() < 0.2 else rng.choice(intact)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        text = rng.choice(MUTATIONS)(text, rng)
    return text


def read_own(text: str) -> object:
    """What is read of the bytes of a text; those of surrogates are no UTF-8."""
    return fast.read_own(text.encode("utf-8", "surrogatepass"))


def _assert_same(text: str) -> bool:
    """Whether `text` is taken; fails if it is, and is not read as `read` does; `repr` shows all types."""
    value = read_own(text)
    if value is DECLINED:
        return False
    assert repr(value) == repr(read(text)), text
    return True


def fuzz(seed: int, count: int) -> tuple[int, int]:
    """Try so many damaged texts; how many were taken and declined."""
    rng = random.Random(seed)
    intact: list[str] = []
    taken = 0
    for number in range(count):
        if number % 40 == 0:
            intact = [emit({"k": make_value(rng, 5)}), *(emit([make_value(rng, 3)]) for _ in range(4))]
            if number % 400 == 0:
                intact.append(Entry.of(rng.choice(EXCHANGES)).data.decode())
        taken += _assert_same(_make_mutant(rng, intact))
    return taken, count - taken


PROMPT = "Say \u201ehello\u201c to \u4f60\u597d \U0001f600: it's 100 % of\n\n  this # text\tand\u00a0that\n"
TOOL = {
    "name": "get_weather",
    "description": "What the weather is:\n- now\n- later\n",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F", "null", "1"]}, "7": {}},
    },
}
USAGE = {
    "input_tokens": 15,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 1,
    "service_tier": "standard",
}
TIMES = Meta("2026-11-22T20:30:13Z", 1.5, (5, 18, 23, 23, 24, 24, 24, 24))


def _ask(**more: object) -> Request:
    headers = {"anthropic-version": "2026-10-21", "anthropic-beta": "a-2026-01-01,b-2026-02-02"}
    messages = [{"role": "user", "content": PROMPT}, {"role": "assistant", "content": [{"text": "No."}]}]
    body = Json({"model": "claude-sonnet-5", "max_tokens": 1024, "messages": messages, **more})
    return Request("POST", "https://api.anthropic.com/v1/messages?beta=true", headers, body)


def _answer(**block: object) -> Response:
    message = {
        "model": "claude-sonnet-5",
        "id": "msg_01wuJV68z9rHYmedFNFGpyoF",
        "content": [block],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }
    headers = {"content-type": "application/json", "request-id": "req_011CJr3fbuJAzjab6ex2aq6F"}
    return Response(200, headers, Json(message))


def _event(kind: str, **data: object) -> Event:
    return Event(kind, {"type": kind, **data})


STREAM = EventStream(
    (
        _event("message_start", message={"id": "msg_01", "content": [], "usage": USAGE}),
        _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        _event("ping"),
        Deltas(0, "text_delta", ("Hel", "lo", " \U0001f600", "\n\n", "1. one\n2. two\n", " \n", "x" * 200)),
        Deltas(0, "thinking_delta", ("short", " one")),
        Deltas(1, "input_json_delta", ("", '{"ci', 'ty": "S\u00e3o', ' Paulo", "n": [1, 2]}')),
        Deltas(2, "signature_delta", ("WnkrFjXS5/F4YZ5A804w+I975xBj==",)),
        _event("content_block_stop", index=0),
        RawEvent(": keep-alive"),
        _event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}),
        Event(None, {"type": "message_stop"}),
    ),
    "event: cut",
)
EXCHANGES = [
    Exchange(_ask(), _answer(type="text", text="One line, no more."), Meta("2026-11-22T20:30:13Z", 0.028)),
    Exchange(_ask(system="Be terse.\nVery."), _answer(type="text", text=f"# {PROMPT}\n\n"), Meta(None, 12)),
    Exchange(
        _ask(tools=[TOOL], stop_sequences=[], metadata={}, temperature=0.7),
        _answer(type="tool_use", id="toolu_01", input={"city": "S\u00e3o: \U0001f600", "n": -1.5e-7}),
    ),
    Exchange(
        _ask(stream=True), Response(200, {"content-type": "text/event-stream"}, STREAM, "closed"), TIMES
    ),
    Exchange(_ask(), Response(529, {"retry-after": "1"}, Json({"type": "error", "error": {"type": "x"}}))),
    Exchange(_ask(), Response(502, {}, Text("<html>\n<h1>Bad Gateway</h1>\n</html>\n"))),
]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_exchange_as_recorded_is_taken(exchange: Exchange) -> None:
    """As a whole and without its request, an item of a cassette is read, and read as `read` does."""
    item = Entry.of(exchange).data.decode()
    start, end = item.index("  request:\n"), item.index("  response:\n")
    assert _assert_same(item)
    assert _assert_same(item[:start] + item[end:])


def test_an_exchange_is_taken_whatever_its_id() -> None:
    """Ids start with a letter or a digit, and stand without quotes either way."""
    rng = random.Random(4)
    for _ in range(300):
        assert _assert_same(f"- id: {rng.getrandbits(64):016x}-{rng.getrandbits(32):08x}\n  response: {{}}\n")


@pytest.mark.parametrize("seed", range(4))
def test_what_emit_writes_is_taken_or_declined(seed: int) -> None:
    """Random values come back with types and order; only what is no collection may be declined."""
    rng = random.Random(seed)
    for _ in range(900):
        value = {"k": make_value(rng, 4), "l": [make_value(rng, 3)], "f": FlowList([make_value(rng, 2)])}
        assert repr(read_own(emit(value))) == repr(value)
        _assert_same(emit(make_value(rng, 3)))


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_text_is_declined_or_read_as_read_does(seed: int) -> None:
    """Whatever happened to a text, a value comes from the fast reader only if `read` has the same."""
    taken, declined = fuzz(seed, 10_000)
    assert taken > 2000
    assert declined > 2000


def test_two_values_share_no_collection() -> None:
    """Who changes what was read changes nothing that is read later, though lines are remembered."""
    text = emit({"a": Flow({"b": Flow({}), "c": FlowList([1, [], 2])}), "d": [[], {}], "e": Flow({"g": 1})})
    first = read_own(text)
    assert isinstance(first, dict)
    first["a"]["b"]["x"] = first["a"]["c"][1].append(2)
    first["d"][0].append(first["d"][1].update(x=1))
    first["e"].clear()
    assert repr(read_own(text)) == repr(read(text))


def test_long_lines_and_keys_are_taken() -> None:
    """What is too long to be remembered is read all the same, up to the longest key that `emit` writes."""
    long = "a long line, it's longer: " * 500
    flow = Flow({long[:900]: long, "y" * 999: "z" * 99})
    value = {"x": long, "k" * 999: [long + ".", flow], "t": "\n".join([long] * 9)}
    assert repr(read_own(emit(value))) == repr(value)
    assert read_own(emit({"k" * 1000: 1})) is DECLINED
    assert read_own(f"{'k' * 1000}: 1\n") is DECLINED


@pytest.mark.parametrize("step", ["- ", "a: ", "mixed"])
def test_the_deepest_nesting_is_taken_and_no_deeper(step: str) -> None:
    """Depth is counted as `read` counts it, in blocks and in flow, empty collections included."""
    wrap: dict[str, Callable[[object, int], object]] = {
        "- ": lambda value, _: [value],
        "a: ": lambda value, _: {"a": value},
        "mixed": lambda value, number: [value] if number % 3 else {"a": value},
    }
    for leaf, depth in (("x", 0), ([], 1), (FlowList([1, 2]), 1), (Flow({"a": FlowList([1])}), 2)):
        value: object = leaf
        for number in range(MAX_DEPTH - depth - 1):
            value = wrap[step](value, number)
        assert repr(read_own(emit({"k": value}))) == repr({"k": value})
        inner = emit(value, indent=4)
        outer = "- - " + inner[4:] if inner.lstrip(" ").startswith("-") else "- k:\n" + inner
        assert read_own(outer) is DECLINED


def _split(texts: str) -> list[str]:
    """Texts between semicolons, with their line ends as they can be seen, but for the last one."""
    return [text.replace("\u23ce", "\n") + "\n" for text in texts.split(" ; ")]


ODD = {
    "nothing or no collection": ["", "\n", *_split("a ; {} ; [] ; {a: 1} ; [a] ; 'a' ; |2⏎  a")],
    "line ends": ["a: 12", *_split("a: 1⏎⏎b: 2 ; ⏎a: 1 ; a: 1⏎ ; a: 1\r⏎b: 2\r ; a: 1\rb: 2")],
    "comments": _split(
        "# x⏎a: 1 ; a: 1⏎# x ; a: 1 # x ; a: # x⏎  b: 1 ; - # x⏎  - 1 ; a: 'b c' # x ; "
        "a: |2 # x⏎  b ; a: |2⏎  b⏎# x ; a: [b, # x⏎  c] ; a: [b # x, c] ; a: {} # x"
    ),
    "tabs": _split("a: b\t ; a:\tb ; a:⏎\tb: 1 ; -\ta ; a: [b,\tc] ; \ta: 1 ; a: |2⏎\tb"),
    "spaces": _split(
        "a: b  ; a: ⏎  b: 1 ; a : b ; a: 'b: c'  ; a: [b]  ; a:  b ; -  a ; - ⏎- a ; "
        "a: |2 ⏎  b ; a: [ b ] ; a: [b,c] ; a: [b,  c] ; a: [b , c] ; a: {b:  c} ;  "
    ),
    "indentation": _split(
        "  a: 1 ; a:⏎ b: 1 ; a:⏎   b: 1 ; a:⏎    b: 1 ; a:⏎  - b ;  - a ; -⏎  a: 1 ; "
        "a: 1⏎  b: 2 ; a:⏎  b:⏎    c: 1⏎   d: 2 ; a:⏎  b: 1⏎ c: 2 ; - a: 1⏎   b: 2"
    ),
    "what does not fit there": _split(
        "a: 1⏎- b ; - a⏎b: 1 ; a:⏎- 1⏎  b: 2 ; - - a⏎  b: 1 ; : a ; a: b⏎  c ; - a: 1⏎ b ; "
        "a: - b ; a: b: c ; a: 'b⏎  c: d' ; a: \"b⏎  c: d\" ; a: 'b: c ; a: 'b: c'd ; "
        "a⏎b: 1"
    ),
    "no value": _split(
        "a:⏎b: 1 ; a: 1⏎b: ; - ; - a:⏎- b ; a: ; ? a⏎: 1 ; a: {b: } ; a: [b, ] ; 'a|2':⏎b: 1⏎  c: 2"
    ),
    "keys that stand twice": _split("a: 1⏎b: 2⏎a: 3 ; a:⏎- 1⏎a: 3 ; a: 1⏎a:⏎- 3 ; k: {a: 1, a: 2}"),
    "keys": _split("1: a ; null: a ; 'a': 1 ; [a]: 1 ; a#b: 1 ; \xe9: 1 ; k: {1: a} ; k: {'a': 1}"),
    "anchors, aliases, tags": [
        *_split(
            "a: &x b ; a: &x⏎  b: 1 ; - *x ; a: *x ; *x : a ; <<: {a: 1} ; a: [*x] ; "
            "a: [&x b] ; a: !!str b ; a: !!map {b: 1} ; a: !!map⏎  b: 1 ; a: !x b ; a: [!x b]"
        ),
        *(emit({"a": b"\xff"}), emit({"a": b"\xff" * 99}), emit({"a": Flow({"b": b"\xff"})})),
    ],
    "documents": _split(
        "---⏎a: 1 ; --- ⏎- 1 ; a: 1⏎... ; a: 1⏎---⏎b: 1 ; %YAML 1.1⏎---⏎a: 1 ; "
        "\ufeffa: 1 ; a: 1⏎<<<<<<< ours⏎b: 2 ; a: 1⏎=======⏎b: 1 ; %TAG ! x⏎---⏎a: 1"
    ),
    "quotes": _split(
        'a: \'b\' ; a: "b" ; a: "1" ; a: [\'b\'] ; a: ["b"] ; a: [\'b: c] ; '
        "a: ['b: c' d] ; a: 'it''s: b' ; a: \"'\\\\ #'\" ; a: '\x07' ; a: \"\x07\" ; "
        "a: '\ud800' ; a: 'b: c\t'"
    ),
    "escapes": _split(
        'a: "\\x07" ; a: "\\u001B" ; a: "\\u0041" ; a: "\\/" ; a: "\\e" ; a: "\\ud83d\\ude00" ; a: "\\ud800"'
    ),
    "plain text": [
        *_split(
            "a: @b ; a: yes ; a: 2026-10-21 ; a: ~ ; a: True ; a: NULL ; a: +1 ; a: 1.50 ; "
            "a: -0 ; a: 1.0E+20 ; a: .5 ; a: 0x1f ; a: 1e5 ; a: b\u2028c ; a: b\x85c ; "
            "a: \ud800 ; a: b\ufeff ; a: [b?c] ; a: [\xe9] ; a: [b:c]"
        ),
        *(f"a: {'9' * 400}.0\n", f"a: {'9' * 5000}\n"),
    ],
    "blocks": _split(
        "a: |⏎  b ; a: >2⏎  b ; a: |4⏎    b ; a: |-2⏎  b⏎  c ; a: |2⏎b: 1 ; a: |2 ; "
        "a: |2⏎  b⏎ ; a: |2-⏎  b⏎ ; a: |2⏎⏎b: 1 ; a: |2-⏎⏎b: 1 ; a: |2+⏎  b ; "
        "a: |2+⏎b: 1 ; a:⏎  b: |2⏎    c⏎   ⏎    d ; a:⏎  b: |2⏎    c⏎   d ; "
        "a: |2⏎  b\u2028c ; a: |2⏎  b\x85c ; a: |2⏎  b\x00 ; a: |2⏎  b\r ; a: [|2] ; "
        "a: |2⏎ b ; a: 1|2⏎  b ; - a|2⏎  b"
    ),
    "flow": _split(
        "a: [b,⏎  c] ; a: [b, c ; a: [b]] ; a: [b} ; a: [b][c] ; a: [b], [c] ; a: [[b]c] ; "
        "a: [, b] ; a: {b} ; a: {b: c, d} ; a: [b: c] ; a: {[b]} ; a: {b: c}, d ; "
        "a: {{}: b} ; a: [[], ] ; a: [b c: d] ; a: ['b: c', d]e ; a: {b: c: d} ; "
        "a: [{b: c} {d: e}] ; a: [} ; a: ['b: c'],  ; a: [b'c: d'] ; a: [[b]c]]"
    ),
}


@pytest.mark.parametrize("texts", ODD.values(), ids=ODD.keys())
def test_whatever_emit_writes_differently_is_declined(texts: list[str]) -> None:
    """People's own notation, and damage of any kind, is left to `read`."""
    assert [text for text in texts if read_own(text) is not DECLINED] == []


def test_a_text_beyond_any_exchange_is_declined() -> None:
    """Limits of size are enforced by `read` alone."""
    assert read_own(emit(["x\n" * 2_500_000])) is DECLINED


def test_unclosed_quotes_take_no_quadratic_time() -> None:
    """A line that a stranger made of quotes is given up at once, not after hours."""
    for odd in ('"\\', "'a", '"a', "{'", '["', "a: ", "'k': ", "[", "- "):
        assert read_own(f"a: [{odd * 100_000}\n") is DECLINED
        assert read_own(f"- {odd * 100_000}\n") is DECLINED
