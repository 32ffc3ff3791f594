"""
Record and replay for code that calls Claude.

Importing this package costs next to nothing; what a name needs is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claude_replay.public import *  # noqa: F403


def __getattr__(name: str) -> Any:
    from claude_replay.public import find

    # Not kept: who removes our modules from `sys.modules`, as pytester does, wants those of the next import.
    return find(name)


def __dir__() -> list[str]:
    from claude_replay.public import __all__

    return sorted(__all__)
