"""
The command line: `claude-replay list`, `show`, `check`, `cache`.

One module per command, imported when it is asked for. Exit codes: 0 fine, 1 findings (`check`, `verify`), 2 wrong
usage or a file that cannot be read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from claude_replay.errors import ClaudeReplayError, SettingsError

__all__ = ["main"]

_COMMANDS = {
    "list": "what is in a folder of cassettes, one line for each",
    "show": "a cassette as the conversation that it recorded",
    "check": "find damage, secrets and loose ends (pre-commit, CI)",
    "verify": "call Claude with what is recorded, and tell what it answers otherwise now",
    "prune": "remove side files that no cassette names, and orphans that you name",
    "migrate": "rewrite other tools' cassettes in our format, all or none",
    "export": "write cassettes as vcrpy keeps them",
    "cache": "look into a store of the response cache, clear it, export from it",
}
_WRONG_USAGE = 2
_INTERRUPTED = 130
_PIPE_CLOSED = 141


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one command and return its exit code; `argv` is the command line without the program's name.

    Errors become a message on stderr; an interrupt, or a reader that went away (`| head`), ends it quietly.
    """
    try:
        # Not `list`: from its first use on, that is the module of the command.
        status = _run(tuple(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except ClaudeReplayError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename or 'input or output'}: {error.strerror or error}")
    except Exception as error:
        # A file from a stranger may hold what nobody thought of.
        return _fail(_explain_accident(error))
    return status


def _run(arguments: Sequence[str]) -> int:
    try:
        if arguments and arguments[0] in _COMMANDS:
            status: int = import_module(f"claude_replay.cli.{arguments[0]}").run(arguments[1:])
            return status
        return _answer_itself(arguments)
    except SystemExit as stop:
        # So argparse ends once it has printed a help text.
        return int(stop.code or 0)


def _answer_itself(arguments: Sequence[str]) -> int:
    from claude_replay.cli.arguments import make_main_parser
    from claude_replay.settings import nearest

    if arguments and not arguments[0].startswith("-"):
        name = arguments[0]
        raise SettingsError(
            f"there is no command {name!r}; {nearest(name, _COMMANDS)}\nsee: claude-replay --help"
        )
    parser = make_main_parser(_COMMANDS)
    if parser.read(arguments).version:
        import claude_replay
        from claude_replay.cli.printer import Printer

        Printer(sys.stdout).line(f"claude-replay {claude_replay.__version__}")
        return 0
    parser.print_help(sys.stderr)
    return _WRONG_USAGE


def _explain_accident(error: Exception) -> str:
    import traceback

    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__}: {error} ({os.path.basename(place.filename)}:{place.lineno})\n"
        "This should not happen; please report it together with the file that caused it."
    )


def _fail(message: str) -> int:
    from claude_replay.cli.printer import Printer

    try:
        sys.stdout.flush()
        Printer(sys.stderr).text(f"claude-replay: {message}")
    except BrokenPipeError:
        _drop_output()
    return _WRONG_USAGE


def _drop_output() -> None:
    # Python flushes once more when it ends, and would complain there.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
