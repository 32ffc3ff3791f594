"""`claude-replay cache`: look into a store of the response cache, clear it, take answers out as cassettes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from claude_replay.cli.arguments import make_group_parser
from claude_replay.errors import SettingsError
from claude_replay.settings import nearest

__all__ = ["run"]

_COMMANDS = {
    "stats": "how much there is, what it was used for, what it saved",
    "list": "the answers in a store, one line for each",
    "show": "one answer with what was asked, as a conversation",
    "clear": "forget answers: by model, tag, age, or all",
    "export": "answers into a cassette, and a test that replays them",
}
_WRONG_USAGE = 2


def run(arguments: Sequence[str]) -> int:
    """Run one of the commands below `cache`; raises SettingsError and what that command raises."""
    if arguments and arguments[0] in _COMMANDS:
        status: int = import_module(f"{__name__}.{arguments[0]}").run(arguments[1:])
        return status
    if arguments and not arguments[0].startswith("-"):
        name = arguments[0]
        raise SettingsError(
            f"there is no command 'cache {name}'; {nearest(name, _COMMANDS)}\nsee: claude-replay cache --help"
        )
    parser = make_group_parser(
        "cache",
        "Looks into a store of the response cache: a SQLite file, or a URL of Redis or Valkey.\n"
        "For an encrypted store set CLAUDE_REPLAY_CACHE_KEY to its key (several are separated by commas).",
        _COMMANDS,
        example="claude-replay cache stats answers.db",
    )
    parser.read(arguments)
    parser.print_help(sys.stderr)
    return _WRONG_USAGE
