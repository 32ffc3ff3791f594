"""instructor: a typed answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import instructor
from pydantic import BaseModel

from claude_replay import Handle


class City(BaseModel):
    """What is asked for."""

    name: str


def test_a_typed_answer(round_trip: Callable[[Callable[[], Any]], Handle]) -> None:
    """The model's arguments of a tool become an object."""

    def ask() -> Any:
        client = instructor.from_anthropic(anthropic.Anthropic())
        city = client.messages.create(
            model="claude-sonnet-5",
            max_tokens=100,
            messages=[{"role": "user", "content": 'Which? [tool City {"name": "Paris"}]'}],
            response_model=City,
        )
        return city.model_dump()

    handle = round_trip(ask)

    assert handle.tool_calls[0].input == {"name": "Paris"}
