"""Requests that no stored answer can serve, because what they refer to lies elsewhere or changes by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
) -> str | None:
    """
    Why a request is not to be cached, as one word; None where it may be.

    `body` is that of the request without the parts given apart.
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
    return _find_pointer([messages, system])


def _runs_on_server(tool: object) -> bool:
    kind = tool.get("type") if isinstance(tool, dict) else None
    return kind is not None and not str(kind).startswith(_CLIENT_TOOLS)


def _find_pointer(value: list[object]) -> str | None:
    """Whether a block's content lies in a file on the server or behind an address; not what a tool is given."""
    waiting: list[Any] = [value]
    # Grows while it is looked through: requests hold few objects, and long texts.
    for found in waiting:
        if isinstance(found, list):
            waiting += [item for item in found if isinstance(item, (dict, list))]
        else:
            kind = found.get("type")
            if "file_id" in found and kind in ("file", "container_upload"):
                return "file_source"
            if kind == "url" and "url" in found:
                return "url_source"
            waiting += [
                item for name, item in found.items() if name != "input" and isinstance(item, (dict, list))
            ]
    return None
