"""What a test sees of its cassette."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from claude_replay.api import ToolCall, assemble_message, cost_usd, message_text, message_usage, tool_calls
from claude_replay.exchange import Exchange, Request, Usage
from claude_replay.session.session import Session

if TYPE_CHECKING:
    from anthropic.types import Message

__all__ = ["Handle"]


class Handle:
    """The cassette of a test while the test runs; everything is in the order in which requests were issued."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __repr__(self) -> str:
        return f"<claude_replay {self.path} mode={self.mode} sent={len(self.sent)} played={len(self.played)}>"

    @property
    def path(self) -> Path:
        """The cassette file."""
        return self._session.path

    @property
    def mode(self) -> str:
        """The record mode in force."""
        return self._session.settings.mode

    @property
    def sent(self) -> list[Request]:
        """What this run really sent, redacted; `.json` of each is its body."""
        return [answered.request for answered in self._session.answered]

    @property
    def played(self) -> list[Exchange]:
        """The recorded exchanges that were played."""
        return [answered.exchange for answered in self._session.answered if answered.played and answered.exchange]

    @property
    def messages(self) -> list[Message]:
        """The messages Claude answered with, as the SDK's type; streams are assembled."""
        from anthropic.types import Message

        return [Message.construct(**message) for message in self._raw_messages()]

    def _raw_messages(self) -> list[dict[str, object]]:
        exchanges = [answered.exchange for answered in self._session.answered if answered.exchange is not None]
        found = [assemble_message(exchange.response.body) for exchange in exchanges]
        return [message for message in found if message is not None]

    @property
    def text(self) -> str:
        """The text of the last message; empty before there is one."""
        messages = self._raw_messages()
        return message_text(messages[-1]) if messages else ""

    @property
    def tool_calls(self) -> list[ToolCall]:
        """Every tool Claude asked for: `.name`, `.input`, `.id`."""
        return [call for message in self._raw_messages() for call in tool_calls(message)]

    @property
    def usage(self) -> Usage:
        """The tokens of all messages together."""
        return sum((message_usage(message) for message in self._raw_messages()), Usage())

    @property
    def cost_usd(self) -> float | None:
        """What these messages cost when they were live; None where a price is not known (extra `prices`)."""
        prices = [cost_usd(str(message.get("model", "")), message_usage(message)) for message in self._raw_messages()]
        known = [price for price in prices if price is not None]
        return sum(known) if len(known) == len(prices) else None
