"""What all cassettes of one test run share, over all its processes."""

from __future__ import annotations

import atexit
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from claude_replay.cassette import forget_run, mark_once, was_marked

__all__ = ["Mark", "Run"]

Mark = Literal["new", "rewritten", "rejected"]
"""What a run remembers of a cassette: it made the file, replaced it, or put something that failed aside."""


def _begin() -> str:
    run_id = uuid.uuid4().hex
    atexit.register(forget_run, run_id)
    return run_id


@dataclass(frozen=True, slots=True)
class Run:
    """One test run; workers of one run are given the id of the process that began it, which outlives them."""

    id: str = field(default_factory=_begin)

    def claim_new(self, path: Path, *, exists: bool) -> bool:
        """
        Whether the cassette at `path` is new in this run; the first to ask decides for all.

        "Existed before the run" is what record mode `once` turns on: a file that another test or worker of
        this run has begun is still new. Raises CassetteSaveError where nothing can be remembered.
        """
        if exists:
            return self.is_marked(path, "new")
        self.mark(path, "new")
        return True

    def mark(self, path: Path, mark: Mark) -> None:
        """Remember `mark` for the cassette at `path`; raises CassetteSaveError where that cannot be."""
        mark_once(self.id, path, mark)

    def is_marked(self, path: Path, mark: Mark) -> bool:
        """Whether any process of this run has remembered `mark` for the cassette at `path`."""
        return was_marked(self.id, path, mark)
