"""What was sent, as plain data that is equal in every run."""

from __future__ import annotations

import base64

from plugin_project import Project

TEST = r"""
import hashlib, itertools

IMAGE = "{image}"

def test_one(claude_replay):
    assert claude_replay.sent_snapshot() == []
    with make_client() as client:
        client.messages.create(
            model="claude-sonnet-5",
            max_tokens=100,
            system="Today is {day}.",
            metadata={{"user_id": "{user}"}},
            tools=[{{"name": "look", "input_schema": {{"type": "object"}}}}],
            messages=[
                {{"role": "user", "content": "Look."}},
                {{"role": "assistant", "content": [
                    {{"type": "text", "text": "Yes."}},
                    {{"type": "tool_use", "id": "toolu_{user}", "name": "look", "input": {{"content": [1]}}}},
                ]}},
                {{"role": "user", "content": [
                    {{"type": "tool_result", "tool_use_id": "toolu_{user}", "content": [
                        {{"type": "image", "source":
                            {{"type": "base64", "media_type": "image/png", "data": IMAGE}}}},
                    ]}},
                ]}},
            ],
            extra_headers={{"anthropic-beta": "b,a"}},
        )
    (sent,) = claude_replay.sent_snapshot()
    assert list(sent) == ["operation", "betas", "body"]
    assert (sent["operation"], sent["betas"]) == ("messages", ["a", "b"])
    body = sent["body"]
    assert body["system"] == "Today is <date>."
    assert "metadata" not in body
    call, result = body["messages"][1]["content"][1], body["messages"][2]["content"][0]
    assert call == {{"type": "tool_use", "id": "id-1", "name": "look", "input": {{"content": [1]}}}}
    assert result["tool_use_id"] == "id-1"
    digest = hashlib.sha256(IMAGE.encode()).hexdigest()[:12]
    assert result["content"][0]["source"]["data"] == f"<{{len(IMAGE)}} characters, sha256 {{digest}}>"
    assert claude_replay.sent_text.startswith("- operation: messages\n  betas:")
    with open("sent.txt", "a") as file:
        file.write(claude_replay.sent_text + "=\n")
"""


def test_the_snapshot_of_what_was_sent_is_the_same_in_every_run(project: Project) -> None:
    """Plain data and text, without what is ignored, whatever differs from run to run."""
    project.ini('claude_replay_ignore = ["system:date"]\n')
    image = base64.b64encode(bytes(range(256))).decode()
    for number, mode in enumerate(["once", "none", "none"]):
        text = TEST.format(image=image, day=f"2026-11-2{number}", user=f"u{number}")
        project.test(text)
        (project.record if mode == "once" else project.run)().assert_outcomes(passed=1)

    texts = (project.path / "sent.txt").read_text().split("=\n")[:-1]
    assert len(texts) == 3
    assert len(set(texts)) == 1
