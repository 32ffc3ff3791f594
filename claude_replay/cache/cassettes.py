"""Whether a cassette is open here, and whether it records."""

from __future__ import annotations

import sys
from typing import Literal

from claude_replay.errors import ReplayFailure

__all__ = ["state_of_cassettes"]

_SCOPE = "claude_replay.intercept.scope"


def state_of_cassettes() -> Literal["none", "recording", "replaying"]:
    """
    What holds for a call made here and now: no cassette is open, or one that may send, or one that only replays.

    What records must see every call, so a cache steps aside; what replays is answered from below the cache.
    """
    if _SCOPE not in sys.modules:
        # Nobody has opened a cassette in this process; applications need not pay for importing all that.
        return "none"
    from claude_replay.intercept.scope import current_session

    try:
        session = current_session()
    except ReplayFailure:
        # Raised again, where it belongs, as soon as the call is on its way.
        return "recording"
    if session is None:
        return "none"
    return "recording" if session.may_send else "replaying"
