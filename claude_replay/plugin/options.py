"""Command-line options and ini keys, one for each setting."""

from __future__ import annotations

import pytest

__all__ = ["HELP", "LISTS", "add_options", "dest_of"]

# A copy of the names in claude_replay.settings.FIELDS, which is too heavy to import in every pytest run; a test
# holds the two against each other.
HELP = {
    "mode": "record mode: none, once, new_episodes, rewrite, all, verify, off",
    "dir": "folder of the cassettes, below the project root (default: cassettes)",
    "ignore": "a path that matching leaves out, as max_tokens or messages[*].content[0].text:uuid",
    "redact": "a regular expression; what it matches is never written",
    "keep_headers": "a further response header to store, by name",
    "repeat": "answer again with the last recording when all equal ones are played: true, false",
    "pace": "how fast a replayed stream comes: instant (default), recorded, or a factor (2 is twice as fast)",
    "unplayed": "what recorded exchanges that nobody asked for do to a passing test: fail (default), warn, ignore",
    "save": "keep what a failing test recorded: always (default), passed",
    "record_errors": "also record failures that the SDK's retries overcame: true, false",
    "block": "connections refused outside recording: claude (default), all but this machine, off",
    "share_tls": "while replaying, build identical default TLS contexts once per process: true (default), false",
}
LISTS = ("ignore", "redact", "keep_headers")


def dest_of(name: str) -> str:
    """Where argparse keeps the option of a setting."""
    return f"claude_replay_{name}"


def add_options(parser: pytest.Parser) -> None:
    """Add `--claude-record`, `--claude-replay-…` and the ini keys `claude_replay_…`."""
    group = parser.getgroup("claude_replay", "record and replay calls to Claude")
    for name, text in HELP.items():
        option = "--claude-record" if name == "mode" else f"--claude-replay-{name.replace('_', '-')}"
        if name in LISTS:
            group.addoption(
                option, dest=dest_of(name), action="append", default=None, metavar=name.upper(), help=f"{text}; may be repeated"
            )
        else:
            group.addoption(option, dest=dest_of(name), default=None, metavar=name.upper(), help=text)
        parser.addini(f"claude_replay_{name}", text, type="linelist" if name in LISTS else None, default=None)
    group.addoption(
        "--claude-replay-details",
        dest="claude_replay_details",
        action="store_true",
        help="name each test's cassette and verdict in the summary",
    )
