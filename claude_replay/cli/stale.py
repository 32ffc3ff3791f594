"""Why a recording may be out of date, for commands that look at files."""

from __future__ import annotations

from datetime import UTC, datetime

from claude_replay.api import assemble_message, model_of, read_sdk
from claude_replay.cassette import Origin
from claude_replay.exchange import Exchange
from claude_replay.session import find_causes

__all__ = ["find_stale"]


def find_stale(exchange: Exchange, *, max_age: float | None = None) -> list[str]:
    """The causes; what is asked for now is taken from the installed SDK, for what an SDK has recorded."""
    facts, meta = read_sdk(), exchange.meta
    answered = assemble_message(exchange.response.body) or {}
    models = [str(model) for model in (model_of(exchange.request.body), answered.get("model")) if model]
    origin = Origin(meta.recorded_at, meta.sdk, exchange.request.headers.get("anthropic-version"))
    return list(
        find_causes(
            origin,
            models,
            facts,
            api_version=facts.api_version if meta.sdk else None,
            max_age=max_age,
            today=datetime.now(UTC).date(),
        )
    )
