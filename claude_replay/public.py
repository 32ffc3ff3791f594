"""
The names that other people's code may import from `claude_replay`, and where each is made.

Not in the package itself, which pytest reads piece by piece at the start of every run (see `plugin`).
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


def find(name: str) -> Any:
    """What `claude_replay.<name>` is; raises AttributeError."""
    package = __name__.rpartition(".")[0]
    if name == "__all__":
        return __all__
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-claude-replay")
    if name not in __all__:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(import_module(f"{package}.{_HOMES.get(name, 'errors')}"), name)
