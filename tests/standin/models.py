"""The models the server knows, and pages of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

_KNOWN = (
    ("claude-opus-5", "Claude Opus 5", "opus", "2026-09-15T00:00:00Z"),
    ("claude-sonnet-5", "Claude Sonnet 5", "sonnet", "2026-06-30T00:00:00Z"),
    ("claude-haiku-4-5-20251001", "Claude Haiku 4.5", "haiku", "2025-10-15T00:00:00Z"),
)


def _describe(model_id: str, display_name: str, line: str, created_at: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model_id,
        "display_name": display_name,
        "created_at": created_at,
        "line": line,
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "max_input_tokens": 200000,
        "max_tokens": 64000,
    }


MODELS = tuple(_describe(*row) for row in _KNOWN)


def list_models(query: str) -> dict[str, Any]:
    """Give the page of models that `limit` and `after_id` in a query ask for."""
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    ids = [model["id"] for model in MODELS]
    start = ids.index(asked["after_id"]) + 1 if asked.get("after_id") in ids else 0
    page = MODELS[start : start + int(asked.get("limit", "20"))]
    return {
        "data": list(page),
        "has_more": start + len(page) < len(MODELS),
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }


def find_model(model_id: str) -> dict[str, Any] | None:
    """Find a model by its id."""
    return next((model for model in MODELS if model["id"] == model_id), None)
