"""Cassettes in vcrpy's format, for tests of how they are read."""

from __future__ import annotations

import json

import yaml

from claude_replay.cassette.formats import find_format
from claude_replay.exchange import Exchange, Json, Request, Response

__all__ = [
    "ANSWER",
    "ANSWER_TEXT",
    "ASKED",
    "ASKED_TEXT",
    "EXPECTED",
    "JSON",
    "URL",
    "Fields",
    "cassette",
    "interaction",
    "load",
    "load_one",
    "remark",
]

Fields = dict[str, object]

URL = "https://api.anthropic.com/v1/messages"
ASKED = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hé?"}]}
ANSWER = {"type": "message", "content": [{"type": "text", "text": "Hé!"}], "date": "2026-11-22"}
ASKED_TEXT = json.dumps(ASKED)
ANSWER_TEXT = json.dumps(ANSWER)
JSON = {"content-type": ["application/json"]}


def interaction(asked: Fields | None = None, answered: Fields | None = None) -> Fields:
    """One recorded exchange as vcrpy keeps it, with some fields replaced."""
    request = {"method": "POST", "uri": URL, "headers": JSON, "body": ASKED_TEXT}
    response = {"status": {"code": 200, "message": "OK"}, "headers": JSON, "body": {"string": ANSWER_TEXT}}
    return {"request": request | (asked or {}), "response": response | (answered or {})}


def cassette(*interactions: object) -> bytes:
    """The file that holds these interactions."""
    return yaml.safe_dump({"interactions": list(interactions), "version": 1}, allow_unicode=True).encode()


def load(content: bytes | str, name: str = "c.yaml") -> tuple[list[Exchange], list[str]]:
    """The exchanges and remarks that this file gives."""
    content = content.encode() if isinstance(content, str) else content
    found = find_format(content)
    assert found is not None
    return found.load(content, name)


def load_one(asked: Fields | None = None, answered: Fields | None = None) -> Exchange:
    """The exchange of a cassette with this one interaction."""
    exchanges, remarks = load(cassette(interaction(asked, answered)))
    assert remarks == []
    return exchanges[0]


def remark(asked: Fields | None = None, answered: Fields | None = None) -> str:
    """The remark about the only interaction of a cassette, which is left out."""
    exchanges, remarks = load(cassette(interaction(asked, answered)))
    assert exchanges == []
    return remarks[0]


EXPECTED = Exchange(
    Request("POST", URL, {"content-type": "application/json"}, Json(ASKED)),
    Response(200, {"content-type": "application/json"}, Json(ANSWER)),
)
"""What `interaction()` means."""
