"""llm with llm-anthropic: Claude from the command line tool's library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llm

from claude_replay import Handle


def test_a_prompt(round_trip: Callable[[Callable[[], Any]], Handle]) -> None:
    """Streamed, as llm does by default, and not."""

    def ask() -> Any:
        model = llm.get_model("claude-opus-4.8")
        model.key = "k" * 20
        return model.prompt("Hello [pieces a|b]", max_tokens=100).text(), model.prompt(
            "Again", stream=False, max_tokens=100
        ).text()

    assert round_trip(ask).text == "You said: Again"
