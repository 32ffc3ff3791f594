"""The environment that figures are measured in: what a user has, and the peers."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

_ROOT = Path(__file__).parents[2]
# Installed as from an index: pytest rewrites the assertions of such a plugin, which makes it slower to import than
# one that is run from its folder. uv would take a wheel that it built before, so it is told not to.
_OPTIONS = (
    "--isolated",
    "--no-editable",
    "--refresh-package=pytest-claude-replay",
    "--no-default-groups",
    "--group=bench",
    "--extra=redis",
)


def run_in_environment(arguments: Sequence[str]) -> NoReturn:
    """Start again, in an environment made for this run; the one of the project stays as it is."""
    uv = os.environ.get("UV", "uv")
    command = [uv, "run", f"--project={_ROOT}", *_OPTIONS, "python", str(Path(__file__).parent), "--here"]
    sys.stdout.flush()
    os.execvp(uv, [*command, *arguments])
