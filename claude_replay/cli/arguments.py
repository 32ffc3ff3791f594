"""Command lines: parsers that raise our errors and name the nearest thing there is."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from claude_replay.errors import SettingsError
from claude_replay.settings import nearest

__all__ = ["Parser", "make_group_parser", "make_main_parser"]

_OPTION = re.compile(r"--?[a-z][a-z-]*")


class Parser(argparse.ArgumentParser):
    """
    The parser of one command; wrong usage raises SettingsError.

    `example` is a command line that does something useful, shown below the options.
    """

    def __init__(
        self, command: str, description: str, *, example: str, epilog: str = "", usage: str | None = None
    ) -> None:
        super().__init__(
            prog=f"claude-replay {command}".rstrip(),
            usage=usage,
            description=description,
            epilog="\n\n".join(filter(None, [epilog, f"example:\n  {example}"])),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse the arguments of the command."""
        options, surplus = self.parse_known_args(arguments)
        for word in surplus:
            if word.startswith("-"):
                known = _OPTION.findall(self.format_usage())
                self.error(f"there is no option {word!r}; {nearest(word, known)}")
            self.error(f"{word!r} is one argument too many")
        return options

    def error(self, message: str) -> NoReturn:
        """Raise SettingsError with the message and the way to the help text."""
        raise SettingsError(f"{message}\nsee: {self.prog} --help")


def make_main_parser(commands: Mapping[str, str]) -> Parser:
    """The parser for everything that stands before a command; `commands` maps names to one line of help."""
    parser = make_group_parser(
        "",
        "Looks at cassettes: the exchanges with Claude that your tests recorded.",
        commands,
        example="claude-replay show cassettes/tests/test_chat/test_greeting.yaml",
        options="[-h] [--version]",
    )
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    return parser


def make_group_parser(
    name: str, description: str, commands: Mapping[str, str], *, example: str, options: str = "[-h]"
) -> Parser:
    """The parser for what stands before one of several commands; `options` is the part of the usage line."""
    width = max(map(len, commands)) + 2
    listing = "\n".join(f"  {command:{width}}{text}" for command, text in commands.items())
    program = f"claude-replay {name}".rstrip()
    return Parser(
        name,
        description,
        epilog=f"commands:\n{listing}\n\n`{program} COMMAND --help` says more about one of them.",
        example=example,
        usage=f"{program} {options} COMMAND ...",
    )


def read_number(text: str) -> float:
    """The value of an option that is a number from 0 on."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", text):
        raise argparse.ArgumentTypeError(f"a number from 0 on was expected, not {text!r}")
    return float(text)
