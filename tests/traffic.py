"""Requests and answers of the Messages API as plain values, for tests of rooms that know no transport."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from claude_replay.cassette import load_cassette
from claude_replay.cassette.formats import find_format
from claude_replay.exchange import Body, Exchange, Json, Request

__all__ = ["CORPUS", "MODEL", "URL", "load_corpus", "make_body", "make_full_body", "make_request"]

CORPUS = os.environ.get("CLAUDE_REPLAY_CORPUS", "")
MODEL = "claude-sonnet-5"
URL = "https://api.anthropic.com/v1/messages"

_SUFFIXES = (".yaml", ".yml", ".yaml.gz", ".json")


def make_request(body: object, *, url: str = URL, method: str = "POST", **headers: str) -> Request:
    """A request with a JSON body; underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    held: Body = None if body is None else Json(body)
    return Request(method, url, named, held)


def make_body(content: object = "Hello", **fields: Any) -> dict[str, Any]:
    """A body with one user message."""
    return {"model": MODEL, "max_tokens": 1024, "messages": [{"role": "user", "content": content}], **fields}


@cache
def load_corpus() -> list[tuple[str, Exchange]]:
    """The exchanges in vcrpy cassettes below CLAUDE_REPLAY_CORPUS, each with file name and number."""
    found: list[tuple[str, Exchange]] = []
    for path in sorted(Path(CORPUS).rglob("*")):
        known = find_format(path.read_bytes()) if path.name.endswith(_SUFFIXES) else None
        cassette = load_cassette(path) if known is not None and known.name == "vcrpy" else None
        entries = cassette.entries if cassette is not None else []
        found += [
            (f"{path.relative_to(CORPUS)}[{place}]", entry.exchange) for place, entry in enumerate(entries)
        ]
    return found


def make_full_body() -> dict[str, Any]:
    """A request with every kind of block, tool and setting that anthropic 2.12 has types for."""
    mark = {"type": "ephemeral", "ttl": "1h"}
    text = {"type": "text", "text": "Look.", "cache_control": mark}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0="}}
    schema = {"type": "object", "properties": {"cache_control": {"type": "string", "default": None}}}
    return {
        "model": MODEL,
        "max_tokens": 2048,
        "system": [
            {"type": "text", "text": "Be terse.", "cache_control": mark},
            {"type": "text", "text": "Now."},
        ],
        "stop_sequences": ["END", "STOP"],
        "stream": True,
        "temperature": 0.5,
        "top_k": 5,
        "service_tier": "auto",
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tool_choice": {"type": "tool", "name": "lookup", "disable_parallel_tool_use": True},
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": schema}},
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919", "keep": {"value": 3}}]},
        "container": {"id": "container_1", "skills": [{"type": "custom", "skill_id": "skill_1"}]},
        "mcp_servers": [{"type": "url", "name": "docs", "url": "https://mcp.example/sse"}],
        "betas_of_the_future": [{"enabled": True, "level": None}],
        "metadata": {"user_id": "user-1"},
        "diagnostics": {"previous_message_id": "msg_0"},
        "cache_control": mark,
        "tools": [
            {"name": "lookup", "description": "Looks up.", "input_schema": schema, "cache_control": mark},
            {"name": "strict", "input_schema": {"type": "object"}, "strict": True, "metadata": {"a": 1}},
            {
                "type": "web_search_20250305",
                "name": "web_search",
                "max_uses": 2,
                "allowed_domains": ["a.example"],
            },
            {
                "type": "mcp_toolset",
                "mcp_server_name": "docs",
                "configs": {"cache_control": {"enabled": False}},
            },
        ],
        "messages": [
            {"role": "user", "content": "First."},
            {
                "role": "user",
                "content": [text, {**image, "cache_control": mark}, _document(mark), _search_result(mark)],
            },
            {"role": "assistant", "content": _assistant_blocks(mark)},
            {"role": "user", "content": _result_blocks(text, image, mark)},
            {"role": "system", "content": [{"type": "tool_addition", "tool": _tool_definition(mark)}]},
        ],
    }


def _document(mark: object) -> dict[str, object]:
    parts = [{"type": "text", "text": "Part.", "cache_control": mark}]
    source = {"type": "content", "content": parts}
    return {"type": "document", "title": "A", "citations": {"enabled": True}, "source": source}


def _search_result(mark: object) -> dict[str, object]:
    content = [{"type": "text", "text": "Found.", "cache_control": mark}]
    return {"type": "search_result", "source": "https://a.example", "title": "A", "content": content}


def _tool_definition(mark: object) -> dict[str, object]:
    tool = {"name": "late", "input_schema": {"type": "object"}, "cache_control": mark}
    return {"type": "tool_definition", "definition": tool}


def _assistant_blocks(mark: object) -> list[dict[str, object]]:
    given = {"cache_control": {"type": "ephemeral"}, "metadata": {"a": 1}, "n": 1, "yes": True, "no": None}
    caller = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
    search: dict[str, object] = {
        "type": "server_tool_use",
        "id": "srvtoolu_1",
        "name": "web_search",
        "input": {"query": "q"},
    }
    found = {"type": "web_search_result", "title": "T", "url": "https://a.example", "encrypted_content": "e"}
    references = [{"type": "tool_reference", "tool_name": "late", "cache_control": mark}]
    tools_found = {"type": "tool_search_tool_search_result", "tool_references": references}
    citation = {"type": "char_location", "cited_text": "Part.", "document_index": 0, "start_char_index": 0}
    return [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "cmVk"},
        {**search, "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [found]},
        {"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_2", "content": tools_found},
        {
            "type": "mcp_tool_use",
            "id": "mcptoolu_1",
            "name": "read",
            "server_name": "docs",
            "input": {"id": "x"},
        },
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False, "content": "read"},
        {"type": "text", "text": "So.", "citations": [citation]},
        {"type": "tool_use", "id": "toolu_1", "name": "lookup", "input": given, "cache_control": mark},
        {"type": "tool_use", "id": "toolu_2", "name": "lookup", "input": {}, "caller": caller},
    ]


def _result_blocks(text: object, image: object, mark: object) -> list[dict[str, object]]:
    return [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": [text, image], "cache_control": mark},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": "It failed.", "is_error": True},
        {"type": "container_upload", "file_id": "file_1"},
    ]
