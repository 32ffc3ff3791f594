"""A stream: text as it arrives, and the message it adds up to."""

from __future__ import annotations

import anthropic

from claude_replay import Handle


def test_a_stream_arrives_in_pieces(claude_replay: Handle) -> None:
    """The fixture activates the cassette too, and tells what was sent and answered."""
    with (
        anthropic.Anthropic() as client,
        client.messages.stream(
            model="claude-sonnet-5",
            max_tokens=200,
            messages=[{"role": "user", "content": "Count slowly. [words 12]"}],
        ) as stream,
    ):
        pieces = list(stream.text_stream)
        message = stream.get_final_message()

    assert len(pieces) > 1
    assert "".join(pieces) == claude_replay.text
    assert message.stop_reason == "end_turn"
    assert claude_replay.sent[0].json["stream"] is True
    assert claude_replay.usage.output_tokens == message.usage.output_tokens
