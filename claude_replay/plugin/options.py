"""Command-line options and ini keys, one for each setting."""

from __future__ import annotations

from typing import Literal

import pytest

__all__ = ["OPTIONS", "Option", "add_options"]


class Option:
    """How a setting is given for a whole run: `kind` is that of its ini key, `flag` another name than usual."""

    # No named tuple or data class: making one would take longer than all the rest of this module.
    __slots__ = ("flag", "help", "kind", "metavar")

    def __init__(
        self,
        metavar: str,
        help: str,  # as argparse calls it
        kind: Literal["string", "bool", "linelist"] = "string",
        flag: str = "",
    ) -> None:
        self.metavar, self.help, self.kind, self.flag = metavar, help, kind, flag


# The names are those of claude_replay.settings, which is too heavy to import in every pytest run; a test
# holds the two against each other.
OPTIONS = {
    "mode": Option(
        "MODE",
        "none (default): replay, and call nobody; once: record a cassette that does not exist yet; "
        "new_episodes: add what is missing; rewrite: replace it when the test has passed; "
        "all: record again what is asked; "
        "verify: call, and compare with what is recorded; off: call, and use no cassette",
        flag="--claude-record",
    ),
    "dir": Option("DIR", "folder of the cassettes below the project root (default: cassettes)"),
    "ignore": Option(
        "PATH",
        "leave this out when requests are compared, as max_tokens, messages[*].content:uuid or *:volatile",
        "linelist",
    ),
    "providers": Option(
        "HOW",
        "whether a question put to Bedrock or Vertex is another one than the same put to the API: "
        "exact (default), or any (it is the same)",
    ),
    "record_hosts": Option(
        "HOST",
        "also record and replay requests to this host, as api.example.com or *.example.com",
        "linelist",
    ),
    "redact": Option("REGEX", "never write to a cassette what this matches, but [redacted]", "linelist"),
    "keep_headers": Option("NAME", "also store this response header", "linelist"),
    "match": Option(
        "HOW",
        "exact (default): by what is asked; sequence: the n-th request of an operation gets its n-th answer, "
        "and what differs is reported as drift",
    ),
    "repeat": Option(
        "BOOL", "answer further equal requests with the last recording (default: false)", "bool"
    ),
    "pace": Option(
        "PACE",
        "how fast a replayed stream comes: instant (default), recorded, or a factor (2 is twice as fast)",
    ),
    "unplayed": Option(
        "ACTION", "when a passing test leaves recordings unplayed: fail (default), warn, ignore"
    ),
    "max_age": Option("DAYS", "tell in the summary which recordings are older than that (default: no limit)"),
    "save": Option("WHEN", "keep what a test recorded: always (default), or passed (only if it has)"),
    "record_errors": Option(
        "BOOL", "also record failures that the SDK's retries overcame (default: false)", "bool"
    ),
    "max_calls": Option(
        "N",
        "stop before the call to Claude that would be one too many; all workers count together (default: no limit)",
        flag="--claude-record-max-calls",
    ),
    "max_usd": Option(
        "USD",
        "stop before the call to Claude that could cost more than is left; needs the extra `prices` "
        "(default: no limit)",
        flag="--claude-record-max-usd",
    ),
    "block": Option(
        "HOSTS",
        "refuse unrecorded connections to claude (default), to all machines but this one, or to none (off)",
    ),
    "share_tls": Option(
        "BOOL", "while replaying, build equal default TLS contexts only once (default: true)", "bool"
    ),
    "serve_vcr_marks": Option(
        "BOOL",
        "give tests marked with vcr their cassettes, in place of pytest-recording (default: false)",
        "bool",
    ),
}


def dest_of(name: str) -> str:
    """Where argparse keeps the option of a setting."""
    return f"claude_replay_{name}"


def add_options(parser: pytest.Parser) -> None:
    """Add `--claude-record`, `--claude-replay-…` and the ini keys `claude_replay_…`."""
    group = parser.getgroup("claude_replay", "record and replay calls to Claude")
    for name, option in OPTIONS.items():
        group.addoption(
            option.flag or f"--claude-replay-{name.replace('_', '-')}",
            dest=dest_of(name),
            action="append" if option.kind == "linelist" else "store",
            default=None,
            metavar=option.metavar,
            help=f"{option.help}; may be repeated" if option.kind == "linelist" else option.help,
        )
        text = f"{option.help}; one a line" if option.kind == "linelist" else option.help
        parser.addini(f"claude_replay_{name}", text, type=option.kind, default=None)
    group.addoption(
        "--claude-replay-details",
        action="store_true",
        help="list each test's cassette and verdict, and the tokens of each model, in the summary",
    )
