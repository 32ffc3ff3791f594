"""
Record and replay for code that calls Claude.

Importing this package costs next to nothing; what a name needs is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claude_replay.cache import MemoryStore, SQLiteStore
    from claude_replay.cache.response_cache import ResponseCache
    from claude_replay.cache.similar import EmbeddingMemo, Similar
    from claude_replay.cache.stores.encrypted import EncryptedStore
    from claude_replay.cache.stores.redis import RedisStore
    from claude_replay.errors import (
        BudgetReached,
        CacheError,
        CacheMiss,
        CassetteError,
        CassetteLoadError,
        CassetteMiss,
        CassetteSaveError,
        ClaudeReplayError,
        LiveCallRefused,
        RecordingEnded,
        ReplayFailure,
        SecretFound,
        SettingsError,
        StoreError,
        UnplayedExchanges,
        UnusedFault,
    )
    from claude_replay.exchange import Exchange, Request, Response, Usage
    from claude_replay.intercept.inject import inject
    from claude_replay.intercept.use import use_cassette
    from claude_replay.session import Drift, Handle

__all__ = [
    "BudgetReached",
    "CacheError",
    "CacheMiss",
    "CassetteError",
    "CassetteLoadError",
    "CassetteMiss",
    "CassetteSaveError",
    "ClaudeReplayError",
    "Drift",
    "EmbeddingMemo",
    "EncryptedStore",
    "Exchange",
    "Handle",
    "LiveCallRefused",
    "MemoryStore",
    "RecordingEnded",
    "RedisStore",
    "ReplayFailure",
    "Request",
    "Response",
    "ResponseCache",
    "SQLiteStore",
    "SecretFound",
    "SettingsError",
    "Similar",
    "StoreError",
    "UnplayedExchanges",
    "UnusedFault",
    "Usage",
    "inject",
    "use_cassette",
]

_HOMES = {
    "Drift": "session",
    "EmbeddingMemo": "cache.similar",
    "EncryptedStore": "cache.stores.encrypted",
    "Exchange": "exchange",
    "Handle": "session",
    "MemoryStore": "cache",
    "RedisStore": "cache.stores.redis",
    "Request": "exchange",
    "Response": "exchange",
    "ResponseCache": "cache.response_cache",
    "SQLiteStore": "cache",
    "Similar": "cache.similar",
    "Usage": "exchange",
    "inject": "intercept.inject",
    "use_cassette": "intercept.use",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-claude-replay")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
