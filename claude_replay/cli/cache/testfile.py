"""Recorded exchanges as a test module that asks the same."""

from __future__ import annotations

import inspect
import pprint
import re
from collections.abc import Sequence
from pathlib import Path

from claude_replay.api import assemble_message, last_user_text, message_text
from claude_replay.errors import CassetteSaveError
from claude_replay.exchange import Exchange

__all__ = ["name_tests", "write_test_file"]

_HEAD = '''"""Answers that were kept by the response cache, written by `claude-replay cache export`."""

import anthropic
import pytest
'''
_CALL = """

@pytest.mark.claude_replay
def {name}():
    client = anthropic.Anthropic()

    message = client.{resource}.create(
{arguments}
    )

{checks}
"""
_STREAMED = """

@pytest.mark.claude_replay
def {name}():
    client = anthropic.Anthropic()

    with client.{resource}.stream(
{arguments}
    ) as stream:
        message = stream.get_final_message()

{checks}
"""
_NO_WORD = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 50
_LONGEST_START = 60


def name_tests(exchanges: Sequence[Exchange]) -> list[str]:
    """A name for the test of each exchange, after what was asked; no two are equal."""
    names: list[str] = []
    for exchange in exchanges:
        words = _NO_WORD.sub("_", last_user_text(exchange.request.body).lower()).strip("_")
        stem = f"test_{words[:_LONGEST_NAME].rstrip('_') or 'answer'}"
        name, number = stem, 1
        while name in names:
            number += 1
            name = f"{stem}_{number}"
        names.append(name)
    return names


def write_test_file(path: Path, tests: Sequence[tuple[str, Exchange]]) -> None:
    """Write a module that does not exist yet; raises CassetteSaveError."""
    text = _HEAD + "".join(_write_test(name, exchange) for name, exchange in tests)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise CassetteSaveError(f"{path}: cannot be written: {error.strerror}") from None


def _write_test(name: str, exchange: Exchange) -> str:
    body = dict(exchange.request.json)
    streamed = body.pop("stream", False) is True
    betas = exchange.request.headers.get("anthropic-beta", "")
    arguments = _arguments(body)
    if betas:
        arguments["extra_headers"] = {"anthropic-beta": betas}
    lines = "\n".join(f"        {key}={_literal(value)}," for key, value in arguments.items())
    message = assemble_message(exchange.response.body) or {}
    checks = [f"    assert message.stop_reason == {message.get('stop_reason')!r}"]
    start = message_text(message)[:_LONGEST_START]
    if start:
        checks.append(
            f'    text = "".join(block.text for block in message.content if block.type == "text")\n'
            f"    assert text.startswith({start!r})"
        )
    template = _STREAMED if streamed else _CALL
    return template.format(name=name, resource="messages", arguments=lines, checks="\n".join(checks))


def _arguments(body: dict[str, object]) -> dict[str, object]:
    """What `create` takes by name, and the rest of the body as `extra_body`."""
    from anthropic.resources.messages import Messages

    known = inspect.signature(Messages.create).parameters
    arguments: dict[str, object] = {key: value for key, value in body.items() if key in known}
    extra = {key: value for key, value in body.items() if key not in known}
    return {**arguments, "extra_body": extra} if extra else arguments


def _literal(value: object) -> str:
    return pprint.pformat(value, width=96, sort_dicts=False).replace("\n", "\n        ")
