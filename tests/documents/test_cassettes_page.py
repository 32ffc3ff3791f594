"""What docs/cassettes.md shows is what is written and read."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from claude_replay.cassette import dump_cassette, parse_cassette
from claude_replay.cassette.expand import ANSWER_KEYS, EARLIER_KEYS
from claude_replay.cassette.media import find_names, take_out

PAGE = (Path(__file__).parents[2] / "docs" / "cassettes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_conversation_is_a_cassette_as_it_is_written() -> None:
    """Its ids vouch for it, it says what the text says, and writing it anew gives the same."""
    text = next(block for block in BLOCKS if block.startswith("# claude_replay cassette"))
    first, second = parse_cassette(text.encode(), "page.yaml").entries
    assert None not in (first.find_key(), second.find_key())
    asked = second.request.json
    assert [message["role"] for message in asked["messages"]] == ["user", "assistant", "user"]
    assert asked["messages"][:1] == first.request.json["messages"]
    assert asked["tools"] == first.request.json["tools"]
    renewed = [item.renew() for item in parse_cassette(text.encode(), "page.yaml").entries]
    assert dump_cassette(renewed).decode() == text


def test_the_side_file_is_written_that_way() -> None:
    """With the keys that the code writes."""
    block = next(block for block in BLOCKS if "side_file" in block)
    shown = yaml.safe_load(block)
    source = shown["body"]["messages"][0]["content"][0]["source"]
    assert find_names(block.encode()) == set(shown["media"]) == {source["data"]["side_file"]}
    written = take_out({**source, "data": "QUJD" * 2000}, {})
    assert isinstance(written, dict)
    assert written["data"].keys() == source["data"].keys()


def test_every_word_of_the_notation_is_explained() -> None:
    """In the table."""
    for word in {"continues", *EARLIER_KEYS, *ANSWER_KEYS}:
        assert re.search(rf"^\|.*\b{word}: .*\|", PAGE, re.MULTILINE), word
