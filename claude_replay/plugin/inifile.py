"""Settings in the ini file that do not exist: pytest only warns of them, and its list is not public."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from claude_replay.plugin.options import OPTIONS

__all__ = ["find_unknown_keys"]

# Of pytest.ini and tox.ini, setup.cfg, and the TOML files.
_SECTIONS = ("pytest", "tool:pytest", "tool.pytest", "tool.pytest.ini_options")
_LINE = re.compile(
    r"""^\s*(?:\[(?P<section>[^\[\]]+)\]|(?P<quote>["']?)(?P<key>claude_replay_\w+)(?P=quote)\s*[=:])"""
)


def find_unknown_keys(path: Path | None, overrides: Iterable[str]) -> list[str]:
    """The keys `claude_replay_…` in the file at `path`, and in `-o KEY=VALUE`, that are no settings."""
    found = [override.partition("=")[0].strip() for override in overrides]
    if path is not None:
        found += _read_keys(path)
    known = {f"claude_replay_{name}" for name in OPTIONS}
    return [key for key in found if key.startswith("claude_replay_") and key not in known]


def _read_keys(path: Path) -> Iterable[str]:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    section = ""
    for line in text.splitlines():
        if match := _LINE.match(line):
            section = match["section"] or section
            if match["key"] and section.strip() in _SECTIONS:
                yield match["key"]
