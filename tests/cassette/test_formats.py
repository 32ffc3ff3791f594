"""Files that earlier releases wrote."""

from __future__ import annotations

from pathlib import Path

from claude_replay.bodies import encode_body
from claude_replay.cassette import dump_cassette, key_of, load_cassette
from claude_replay.normalize import MATCHING, RULES_VERSION, canonicalize
from conversation_samples import format_samples
from exchange_samples import EXCHANGES, exchange

FORMATS = Path(__file__).parent.parent / "formats"


def test_a_file_of_version_1_is_read_as_it_was_meant() -> None:
    """Every feature of the format, and what people have done to the file since."""
    loaded = load_cassette(FORMATS / "v1.yaml")
    assert loaded is not None
    edited = exchange("Hello", "You said: Hello")
    assert [entry.exchange for entry in loaded.entries] == [edited, *EXCHANGES[1:]]
    assert loaded.incomplete == ["tests/test_chat.py::test_chat[é]", "use_cassette('shared.yaml')"]
    assert (loaded.foreign, loaded.skipped) == (None, ())


def test_a_file_of_version_1_is_written_back_as_it_is() -> None:
    """Recording one more exchange into it changes nothing above."""
    content = (FORMATS / "v1.yaml").read_bytes()
    loaded = load_cassette(FORMATS / "v1.yaml")
    assert loaded is not None
    assert dump_cassette(loaded.entries, incomplete=loaded.incomplete, comments=loaded.comments) == content


def test_the_ids_of_version_1_still_find_their_requests() -> None:
    """While the rules of matching are those they were made with; but for the request that was edited."""
    assert RULES_VERSION == 1, (
        "ids made under older rules must not be trusted: find_key() of all gives None now"
    )
    loaded = load_cassette(FORMATS / "v1.yaml")
    assert loaded is not None
    keys = [entry.find_key() for entry in loaded.entries]
    computed = [key_of(canonicalize(entry.request, MATCHING).fingerprint) for entry in loaded.entries]
    assert keys == [None, *computed[1:]]
    assert computed[0] != loaded.entries[0].short_id[:16]


def test_a_conversation_of_version_1_is_read_as_it_was_meant() -> None:
    """Every way of pointing at what stands above, a side file, and ids that are believed."""
    loaded = load_cassette(FORMATS / "v1_conversation.yaml")
    assert loaded is not None
    assert [encode_body(entry.request.body) for entry in loaded.entries] == [
        encode_body(item.request.body) for item in format_samples()
    ]
    assert [entry.exchange for entry in loaded.entries] == format_samples()
    computed = [key_of(canonicalize(entry.request, MATCHING).fingerprint) for entry in loaded.entries]
    assert [entry.find_key() for entry in loaded.entries] == computed
    content = dump_cassette(loaded.entries, comments=loaded.comments)
    assert content == (FORMATS / "v1_conversation.yaml").read_bytes()
