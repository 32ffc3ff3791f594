"""Ways to ask the server, for its own tests: the SDK, sync and async, one call at a time, and plain HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from typing import Any, Protocol

from anthropic import Anthropic, AsyncAnthropic
from anthropic.types import Message, MessageParam

from standin.server import ClaudeServer

KEY = "sk-ant-" + "api03-" + "x" * 24
MODEL = "claude-sonnet-5"
TOOLS: list[dict[str, Any]] = [
    {"name": name, "description": name, "input_schema": {"type": "object", "properties": {}}}
    for name in ("weather", "clock")
]
RawReply = tuple[int, list[tuple[str, str]], bytes]


class Client(Protocol):
    """The SDK's client, sync or async, as one call at a time."""

    def create(self, prompt: str | list[MessageParam], *, retries: int = 0, **options: Any) -> Message:
        """Ask without a stream."""
        ...

    def stream(
        self, prompt: str | list[MessageParam], seen: Callable[[Any], object], **options: Any
    ) -> Message:
        """Ask with the stream helper; `seen` gets each raw event."""
        ...


def make_request(prompt: str | list[MessageParam], options: dict[str, Any]) -> dict[str, Any]:
    """Make the body of a messages request with one user text, or with whole messages."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    return {"model": MODEL, "max_tokens": 4096, "messages": messages, **options}


class SyncClient:
    """The sync SDK against one server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def create(self, prompt: str | list[MessageParam], *, retries: int = 0, **options: Any) -> Message:
        """Ask without a stream."""
        with Anthropic(base_url=self.url, api_key=KEY, max_retries=retries) as client:
            message: Message = client.messages.create(**make_request(prompt, options))
            return message

    def stream(
        self, prompt: str | list[MessageParam], seen: Callable[[Any], object], **options: Any
    ) -> Message:
        """Ask with the stream helper."""
        request = make_request(prompt, options)
        with (
            Anthropic(base_url=self.url, api_key=KEY, max_retries=0) as client,
            client.messages.stream(**request) as stream,
        ):
            for event in stream:
                seen(event)
            return stream.get_final_message()


class AsyncClient:
    """The async SDK against one server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def create(self, prompt: str | list[MessageParam], *, retries: int = 0, **options: Any) -> Message:
        """Ask without a stream."""

        async def ask() -> Message:
            async with AsyncAnthropic(base_url=self.url, api_key=KEY, max_retries=retries) as client:
                message: Message = await client.messages.create(**make_request(prompt, options))
                return message

        return asyncio.run(ask())

    def stream(
        self, prompt: str | list[MessageParam], seen: Callable[[Any], object], **options: Any
    ) -> Message:
        """Ask with the stream helper."""

        async def ask() -> Message:
            request = make_request(prompt, options)
            async with (
                AsyncAnthropic(base_url=self.url, api_key=KEY, max_retries=0) as client,
                client.messages.stream(**request) as stream,
            ):
                async for event in stream:
                    seen(event)
                return await stream.get_final_message()

        return asyncio.run(ask())


def text_of(message: Message) -> str:
    """Give the text of all text blocks."""
    return "".join(block.text for block in message.content if block.type == "text")


def read_deltas(client: Client, prompt: str | list[MessageParam], **options: Any) -> list[str]:
    """Stream an answer, and give the text of each raw text delta."""
    deltas: list[str] = []

    def see(event: Any) -> None:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            deltas.append(event.delta.text)

    client.stream(prompt, see, **options)
    return deltas


def send_raw(server: ClaudeServer, method: str, path: str, body: object, **options: Any) -> RawReply:
    """Send one request without any SDK; gives status, headers in lower-case, and the body as it was sent."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    data = body if body is None or isinstance(body, (bytes, list)) else json.dumps(body).encode()
    connection.request(method, path, data, **options)
    response = connection.getresponse()
    headers = [(name.lower(), value) for name, value in response.getheaders()]
    reply = response.status, headers, response.read()
    connection.close()
    return reply
