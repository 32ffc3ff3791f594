"""What we know of Claude's API: whose a request is, what it asks for, what an answer says and costs."""

from __future__ import annotations

from claude_replay.api.assembly import assemble_message
from claude_replay.api.endpoints import Endpoint, describe_endpoint, identify, is_claude_host, is_loopback
from claude_replay.api.estimates import estimate_usd
from claude_replay.api.messages import (
    ToolCall,
    is_finished,
    last_user_text,
    message_text,
    message_usage,
    model_of,
    tool_calls,
    wants_stream,
)
from claude_replay.api.others import AUTHORITY, describe_other, endpoint_of, is_named
from claude_replay.api.prices import cost_usd, has_prices
from claude_replay.api.providers import Place, plain_model
from claude_replay.api.sdk import SdkFacts, model_name, read_sdk

__all__ = [
    "AUTHORITY",
    "Endpoint",
    "Place",
    "SdkFacts",
    "ToolCall",
    "assemble_message",
    "cost_usd",
    "describe_endpoint",
    "describe_other",
    "endpoint_of",
    "estimate_usd",
    "has_prices",
    "identify",
    "is_claude_host",
    "is_finished",
    "is_loopback",
    "is_named",
    "last_user_text",
    "message_text",
    "message_usage",
    "model_name",
    "model_of",
    "plain_model",
    "read_sdk",
    "tool_calls",
    "wants_stream",
]
