"""
Everything this package raises.

BaseException
└── ReplayFailure                   passes `except Exception` and the SDK's retries untouched
    ├── CassetteMiss                a request that no recorded exchange answers
    ├── LiveCallRefused             a request to Claude that no cassette and no record mode covers
    │   └── BudgetReached           a request that would cost more than the run may
    └── RecordingEnded              an application read on where the recorded one had stopped
Exception
└── ClaudeReplayError
    ├── SettingsError               an option, marker, ini value or argument that is not valid
    ├── CassetteError               a cassette that cannot be read or written
    │   ├── CassetteLoadError       unreadable, truncated, foreign, too new, too large
    │   └── CassetteSaveError       cannot be written; what was recorded is kept in the journal
    ├── CacheError                  the response cache cannot do what was asked
    │   ├── StoreError              entries cannot be kept or read: damaged, foreign or newer file, lost server
    │   └── CacheMiss               mode "only": the answer is not in the cache
    ├── SecretFound                 what was to be written still contained a secret
    ├── UnplayedExchanges           recorded exchanges that no request asked for
    └── UnusedFault                 a fault that was injected and did not happen
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

__all__ = [
    "BudgetReached",
    "CacheError",
    "CacheMiss",
    "CassetteError",
    "CassetteLoadError",
    "CassetteMiss",
    "CassetteSaveError",
    "ClaudeReplayError",
    "LiveCallRefused",
    "RecordingEnded",
    "ReplayFailure",
    "SecretFound",
    "SettingsError",
    "StoreError",
    "UnplayedExchanges",
    "UnusedFault",
]


if TYPE_CHECKING:
    _Base = BaseException
else:
    # Within pytest, a failed test: of all that is no Exception, fixtures are set up and torn down in order
    # only after pytest's own outcomes; after any other the rest of them stays open.
    _loaded = sys.modules.get("pytest")
    _Base = _loaded.fail.Exception if hasattr(_loaded, "fail") else BaseException


class ReplayFailure(_Base):
    """
    A request was stopped; the message says why and what to run.

    Derives from BaseException because the SDK turns any Exception raised in its transport into
    `APIConnectionError("Connection error.")` and retries, and applications catch Exception to fall back.
    """

    # What pytest's own failures have: the text, and to show that alone.
    pytrace = False

    def __init__(self, message: str) -> None:
        BaseException.__init__(self, message)
        self.message = self.msg = message

    def __str__(self) -> str:
        return self.message


class CassetteMiss(ReplayFailure):
    """
    No recorded exchange answers this request.

    `reason` is "no_cassette", "nothing_similar", "differs", "all_played", or "unreadable".
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class LiveCallRefused(ReplayFailure):
    """A request was on its way to Claude although no record mode asked for it."""


class BudgetReached(LiveCallRefused):
    """A request was not sent, for it would have exceeded the budget of the run (`max_calls`, `max_usd`)."""


class RecordingEnded(ReplayFailure):
    """The recorded application stopped reading this stream here, so nothing more is known."""


class ClaudeReplayError(Exception):
    """Base of every ordinary error of this package."""


class SettingsError(ClaudeReplayError):
    """A setting has a name or value that is not valid."""


class CassetteError(ClaudeReplayError):
    """A cassette file cannot be used."""


class CassetteLoadError(CassetteError):
    """A cassette cannot be read; the message names file and line, and the file is left as it is."""


class CassetteSaveError(CassetteError):
    """A cassette cannot be written; the message says where the recorded exchanges were kept."""


class CacheError(ClaudeReplayError):
    """The response cache cannot do what was asked of it."""


class StoreError(CacheError):
    """
    A store of the response cache cannot keep or read entries.

    While a request is served the cache turns it into a live call and a warning; it reaches the application
    where a store is opened whose file is damaged, not ours, or of a newer version, and from `cache.clear()`.
    """


class CacheMiss(CacheError):
    """
    The cache was told to answer alone (mode "only"), and holds no answer.

    `reason` is what `cache.stats()` counts it under.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class SecretFound(ClaudeReplayError):
    """What looks like a secret would have been written; the message names its place, never its value."""


class UnplayedExchanges(ClaudeReplayError):
    """Recorded exchanges were not asked for by a passing test."""


class UnusedFault(ClaudeReplayError):
    """A fault that was injected did not happen, so a passing test shows nothing."""
