"""What all cassettes of one test run share, over all its processes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from claude_replay.cassette import mark_once, was_marked

__all__ = ["Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """One test run; workers of one run have the same id."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def claim_new(self, path: Path, *, exists: bool) -> bool:
        """
        Whether the cassette at `path` is new in this run; the first to ask decides for all.

        "Existed before the run" is what record mode `once` turns on: a file that another test or worker of this
        run has begun is still new.
        """
        if not exists:
            mark_once(self.id, path, "new")
            return True
        return was_marked(self.id, path, "new")

    def claim_rewrite(self, path: Path) -> bool:
        """Whether this is the first rewrite of the cassette at `path` in this run (further ones add to it)."""
        first = not was_marked(self.id, path, "rewritten")
        mark_once(self.id, path, "rewritten")
        return first
