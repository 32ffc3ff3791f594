"""Requests that no stored answer can serve, because what they refer to lies elsewhere or changes by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

__all__ = ["find_reason"]

# State on the server that the body only points at (anthropic 2.12, beta messages).
_SERVER_STATE = ("thread", "container", "fallback_credit_token")
# Typed tools that the application runs itself; every other type runs on the server and looks at the world.
_CLIENT_TOOLS = ("custom", "bash_", "text_editor_", "computer_", "memory_")


def find_reason(
    body: Mapping[str, object],
    tools: object,
    messages: Sequence[object],
    system: object,
    text: str,
) -> str | None:
    """
    Why a request is not to be cached, as one word; None where it may be.

    `body` is that of the request without the parts given apart; `text` all of it as JSON.
    """
    for name in _SERVER_STATE:
        if body.get(name) is not None:
            return "server_state"
    if body.get("mcp_servers"):
        return "mcp_servers"
    if body.get("max_tokens") == 0:
        # Only warms the cache on Anthropic's side.
        return "prewarming"
    if any(map(_runs_on_server, tools if isinstance(tools, list) else ())):
        return "server_tools"
    if '"file_id"' in text or '"url"' in text:
        # A search for text is all that most requests pay.
        return _find_pointer([messages, system])
    return None


def _runs_on_server(tool: object) -> bool:
    kind = tool.get("type") if isinstance(tool, dict) else None
    return kind is not None and not str(kind).startswith(_CLIENT_TOOLS)


def _find_pointer(value: object) -> str | None:
    """Whether a block's content lies in a file on the server or behind an address."""
    for block in _objects(value):
        kind = block.get("type")
        if "file_id" in block and kind in ("file", "container_upload"):
            return "file_source"
        if kind == "url" and "url" in block:
            return "url_source"
    return None


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    """Every object that is a block or its source; not what a tool is given."""
    if isinstance(value, dict):
        yield value
        for name, item in value.items():
            if name != "input":
                yield from _objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)
