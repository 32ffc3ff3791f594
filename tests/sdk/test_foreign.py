"""The SDK is answered from other tools' cassettes as they are, with no conversion, no key and no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import pytest

from claude_replay import CassetteMiss, use_cassette
from foreign_samples import ASKED, SAMPLES

QUESTION: Any = {key: ASKED[key] for key in ("model", "max_tokens", "messages")}


@pytest.fixture(params=SAMPLES)
def cassette(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of each tool; what the tool is, the name does not say."""
    suffix, content = SAMPLES[request.param]
    path = tmp_path / f"{'agent' if request.param == 'ddapm-test-agent' else 'chat'}{suffix}"
    path.write_bytes(content)
    return path


def test_a_message_and_a_stream_are_replayed(cassette: Path) -> None:
    """Mode none, which is the default; the file stays as it was."""
    before = cassette.read_bytes()
    with use_cassette(cassette, unplayed="fail"), anthropic.Anthropic() as client:
        message = client.messages.create(**QUESTION)
        assert (message.content[0].text, message._request_id) == ("Yes: 1:30", "req_1")
        if cassette.stem != "agent":
            with client.messages.stream(**QUESTION) as stream:
                assert list(stream.text_stream) == ["Né", "ver\n", "mind"]
    assert cassette.read_bytes() == before


def test_another_question_is_a_miss(cassette: Path) -> None:
    """The body is compared, also where the tool that recorded did not."""
    with pytest.raises(CassetteMiss, match="no recording answers this request"), use_cassette(cassette):
        anthropic.Anthropic().messages.create(**{**QUESTION, "max_tokens": 10})
