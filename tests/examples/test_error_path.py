"""An error path: what the application does when Claude refuses the request."""

from __future__ import annotations

import anthropic
import pytest


def ask(client: anthropic.Anthropic, question: str) -> str:
    """The application under test: tells its user what went wrong."""
    try:
        message = client.messages.create(
            model="claude-sonnet-5", max_tokens=100, messages=[{"role": "user", "content": question}]
        )
    except anthropic.BadRequestError as error:
        return f"Claude did not accept the question (request {error.response.headers['request-id']})."
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.claude_replay
def test_a_refused_request_is_explained() -> None:
    """Recorded errors come back as the SDK's own exceptions, headers that matter included."""
    with anthropic.Anthropic() as client:
        answer = ask(client, "Too much of everything. [status 400]")

    assert answer.startswith("Claude did not accept the question (request req_")
