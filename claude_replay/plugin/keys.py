"""
What a request without a key is told.

The SDK refuses to build one (`_validate_headers` of both clients, anthropic 0.49 to 2.12), so it comes neither to a
cassette nor to the guard, and its error speaks of keys alone. Nobody needs one to replay.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from claude_replay.intercept.imports import Patches
from claude_replay.plugin.network import find_scopes

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["WATCHED", "KeyHints"]

WATCHED = ("anthropic",)
"""All modules that are changed."""

_RECORDING = "claude_replay: recording calls Claude, which takes a key: set ANTHROPIC_API_KEY"
_UNCOVERED = (
    "claude_replay: no cassette covers this request, and it would not have been sent\n"
    "  mark the test: @pytest.mark.claude_replay; then record it, with a key: pytest --claude-record=once"
)


class KeyHints:
    """Adds a note to that error, until `uninstall`."""

    def __init__(self) -> None:
        self._patches = Patches()

    def patch(self, module: ModuleType) -> None:
        for name in ("Anthropic", "AsyncAnthropic"):
            self._patches.replace(getattr(module, name, None), "_validate_headers", self._explain)

    def uninstall(self) -> None:
        self._patches.undo()

    def _explain(self, validate: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(validate)
        def validate_headers(client: Any, *args: Any, **options: Any) -> None:
            try:
                validate(client, *args, **options)
            except TypeError as error:
                # Of a run of pytest within another, which has its own below, and of one that is over, one is enough.
                if not hasattr(error, "__notes__"):
                    scopes = find_scopes()
                    is_covered = scopes is not None and scopes.current_session() is not None
                    error.add_note(_RECORDING if is_covered else _UNCOVERED)
                raise

        return validate_headers
