"""The API's error JSON."""

from __future__ import annotations

from typing import Any

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_MESSAGES = {
    400: "The request is not valid",
    401: "invalid x-api-key",
    403: "This key may not use what was asked for",
    404: "Not found",
    405: "Method not allowed",
    413: "Request exceeds the maximum size",
    422: "The request cannot be processed",
    429: "The rate limit of this organization is reached",
    500: "Internal server error",
    529: "Overloaded",
}


def build_error(status: int, message: str | None, request_id: str) -> dict[str, Any]:
    """Build the body of an error; without a message it has the usual one of its status."""
    error = {
        "type": _TYPES.get(status, "api_error"),
        "message": message or _MESSAGES.get(status, f"Status {status}"),
    }
    return {"type": "error", "error": error, "request_id": request_id}


def is_retryable(status: int) -> bool:
    """Tell whether the API tells its clients to try again after this status."""
    return status in (408, 409, 429) or status >= 500
