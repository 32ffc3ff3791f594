"""JSON bodies survive the way through plain objects, or stay text."""

from __future__ import annotations

import json
from random import Random

import pytest

from claude_replay.bodies import decode_body, dump_json, encode_body, load_json, media_type
from claude_replay.bodies.jsontext import MAX_DEPTH
from claude_replay.exchange import Binary, Json, JsonLines, Text

JSON = "application/json"

COMPACT = [
    b"null",
    b"true",
    b'"text"',
    b"[]",
    b"{}",
    b"0",
    b"-1",
    b"1.0",
    b"1e+22",
    b"123456789012345678901234567890",
    b'{"b":1,"a":[true,false,null,1,1.5,"x"],"":{"":""}}',
    '{"text":"naïve 日本 🎉 \u2028\u2029\x7f"}'.encode(),
    rb'{"text":"\"\\\n\r\t\b\f\u0000\u001f"}',
]
# What json.loads accepts, or half accepts, and a plain object cannot hold.
LOSSY = [
    b'{"a":1,"a":2}',
    b'{"a":1,"\\u0061":2}',
    b'{"deep":[{"a":1,"a":1}]}',
    b"NaN",
    b"[Infinity,-Infinity]",
    b"1e400",
    b"[-1e400]",
    b'"\\ud800"',
    b'{"\\udFFF":1}',
    b'"\\ude00\\ud83d"',
    b"9" * 5000,
    b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
]
NOT_JSON = [b"{", b"{}x", b"[1,]", b"'a'", b"\xef\xbb\xbf{}", "\u00a0{}".encode(), b"01", b'"a\nb"', b"oops"]


@pytest.mark.parametrize("content", COMPACT)
def test_compact_json_comes_back_byte_for_byte(content: bytes) -> None:
    """Compact JSON with unescaped text is the serializer's own form."""
    body = decode_body(content, JSON)

    assert isinstance(body, Json)
    assert encode_body(body) == content


@pytest.mark.parametrize(
    "content",
    [
        b' {\n  "b" : 1.50,\t"a": [ 1E5, -0.0, 2e-3 ]\r\n}\n',
        b'{"text":"caf\\u00e9 \\ud83c\\udf89 \\/"}',
    ],
)
def test_other_spellings_come_back_as_equal_objects(content: bytes) -> None:
    """Spacing and escapes may change; keys, their order, values and their types do not."""
    body = decode_body(content, JSON)

    assert isinstance(body, Json)
    assert repr(json.loads(encode_body(body))) == repr(body.value) == repr(json.loads(content))


@pytest.mark.parametrize("content", [*LOSSY, *NOT_JSON], ids=lambda content: repr(content[:12]))
def test_what_is_no_plain_json_stays_text(content: bytes) -> None:
    """What plain objects cannot hold without loss, or what is not JSON, is kept byte for byte."""
    body = decode_body(content, JSON)

    assert isinstance(body, Text)
    assert encode_body(body) == content


def test_nesting_has_a_limit() -> None:
    """So many levels are JSON, whatever the number of brackets beside them; what is deeper stays text."""
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    wide = b"[" + b",".join([b'{"a":[]}'] * 500) + b"]"

    assert encode_body(decode_body(deep, JSON)) == deep
    assert isinstance(decode_body(deep, JSON), Json)
    assert isinstance(decode_body(wide, JSON), Json)
    assert isinstance(decode_body(b"[1,{" + b'"a":' + deep + b"}]", JSON), Text)


@pytest.mark.parametrize("content_type", ["", JSON, "application/problem+json"])
def test_json_is_told_by_its_content_type(content_type: str) -> None:
    """JSON is read under its types and where the type is not known."""
    assert decode_body(b"[1]", content_type) == Json([1])


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-protobuf", "multipart/form-data"])
def test_other_content_types_stay_text(content_type: str) -> None:
    """What does not claim to be JSON is not read as JSON."""
    assert decode_body(b"[1]", content_type) == Text("[1]")


@pytest.mark.parametrize("content_type", ["application/x-jsonl", "application/x-ndjson"])
def test_json_lines_are_a_list_of_values(content_type: str) -> None:
    """One value a line, with or without an end of the last one; written back with it."""
    content = '{"custom_id":"ä","n":1.0}\n[]\n"\u2028"\n'.encode()
    values: tuple[object, ...] = ({"custom_id": "ä", "n": 1.0}, [], "\u2028")

    assert decode_body(content, content_type) == JsonLines(values)
    assert decode_body(content.rstrip(), content_type) == JsonLines(values)
    assert decode_body(content.replace(b"\n", b"\r\n"), content_type) == JsonLines(values)
    assert encode_body(JsonLines(values)) == content


@pytest.mark.parametrize("text", ["{}\nno\n", "{}\n\n{}\n", '{"a":1,"a":2}\n', "\n"])
def test_lines_that_are_not_all_json_stay_text(text: str) -> None:
    """Nothing of them is lost."""
    assert decode_body(text.encode(), "application/x-jsonl") == Text(text)


def test_bytes_that_are_no_text_stay_bytes() -> None:
    """What is not UTF-8 is kept as it is, whatever it claims to be."""
    content = b'{"a":"\xff"}'

    for content_type in (JSON, "text/event-stream", "image/png"):
        assert decode_body(content, content_type) == Binary(content)
    assert encode_body(Binary(content)) == content


def test_no_content_is_no_body() -> None:
    """Empty content is None, and None is empty content."""
    assert decode_body(b"", JSON) is None
    assert encode_body(None) == b""


def make_value(random: Random, depth: int = 0) -> object:
    """Any JSON value."""
    kind = random.randrange(8 if depth < 5 else 6)
    if kind == 0:
        return random.choice([None, True, False])
    if kind == 1:
        return random.choice([0, 1, -1, 2**53 + 1, -(10**40), random.getrandbits(64)])
    if kind == 2:
        return random.choice([0.1, 1.0, -2.5e-7, 1e300, 5e-324, random.random()])
    if kind < 6:
        return "".join(
            random.choice('ab"\\/\n\t\x00\x1f\x7fé\u2028日🎉') for _ in range(random.randrange(12))
        )
    if kind == 6:
        return [make_value(random, depth + 1) for _ in range(random.randrange(5))]
    return {str(make_value(random, 9)): make_value(random, depth + 1) for _ in range(random.randrange(5))}


def test_random_values_survive() -> None:
    """Any value, however it was spelled, comes back equal, in type and order too."""
    random = Random(20261122)
    for _ in range(2_000):
        value = make_value(random)
        ascii_only, indent = random.random() < 0.5, random.choice([None, 1])
        content = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()

        body = decode_body(content, JSON)

        assert isinstance(body, Json)
        assert repr(body.value) == repr(value)
        assert repr(json.loads(encode_body(body))) == repr(value)
        assert encode_body(body) == dump_json(value)


def test_damaged_json_is_never_lost() -> None:
    """JSON with bytes changed at random either reads as any reader would, or is kept byte for byte."""
    random = Random(22112026)
    for _ in range(3_000):
        content = bytearray(dump_json(make_value(random)))
        for _ in range(random.randrange(1, 4)):
            place = random.randrange(len(content) + 1)
            content[place : place + random.randrange(2)] = random.choice(
                [b"", b"{", b'"', b"1", b"\\u", b"\xff", b","]
            )

        body = decode_body(bytes(content), JSON)

        if isinstance(body, Json):
            assert repr(body.value) == repr(json.loads(content))
            assert repr(json.loads(encode_body(body))) == repr(body.value)
        else:
            assert encode_body(body) == content


def test_loading_says_none_for_what_is_no_json() -> None:
    """A text is a Json, of null too, or None."""
    assert load_json("null") == Json(None)
    assert load_json("nil") is None


def test_the_media_type_is_what_stands_before_its_parameters() -> None:
    """Lower case, without parameters; empty where the headers name none."""
    assert media_type({"content-type": " Application/JSON ; charset=utf-8"}) == JSON
    assert media_type({}) == ""
