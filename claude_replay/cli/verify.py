"""`claude-replay verify`: ask Claude again what was recorded, and tell what has changed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from claude_replay.cli.arguments import Parser, read_number
from claude_replay.cli.files import FOLDER_HELP, find_files
from claude_replay.cli.printer import Printer, make_redactor
from claude_replay.cli.project import read_project
from claude_replay.cli.verification import Outcome, Verified, Verifier
from claude_replay.errors import SettingsError
from claude_replay.settings import is_ci

__all__ = ["run"]

_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def run(arguments: Sequence[str]) -> int:
    """
    Print what has changed; 1 where something has, 2 where something could not be verified for a fault.

    Raises SettingsError where calls are not allowed or there is no key, or for a path that does not exist.
    """
    options = _make_parser().read(arguments)
    files = find_files(options.paths).cassettes
    _refuse_by_accident(is_live=options.live)
    command_line = {
        "mode": "verify",
        "match": "exact",
        "max_calls": options.max_calls,
        "max_usd": options.max_usd,
    }
    verifier = Verifier(read_project(command_line).settings, os.environ, options.min_similarity)
    printer = Printer(sys.stdout, make_redactor())
    found: list[tuple[Path, list[Verified]]] = []
    for path in files:
        found.append((path, verifier.verify(path)))
        if not options.json:
            _print(printer, *found[-1])
    outcomes = [one.outcome for _, verified in found for one in verified]
    if options.json:
        printer.text(json.dumps(_as_json(found, outcomes), indent=2))
    else:
        printer.line(_sum_up(len(files), outcomes))
    if "failed" in outcomes:
        return 2
    return 1 if "changed" in outcomes else 0


def _make_parser() -> Parser:
    parser = Parser(
        "verify",
        "Calls Claude with every recorded request, once each, and compares the answers: status, stop reason, kinds\n"
        "of content, tools called with their arguments, and the shape of JSON; how alike texts are, tokens and\n"
        "seconds are told, too. It costs what those calls cost, and changes no file.\n"
        "\n"
        "The key is taken from ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, the address from ANTHROPIC_BASE_URL.\n"
        "Requests that hold [redacted] cannot be sent as they were and are skipped, as is what would change\n"
        "something on the server.\n"
        "The exit code is 0 where nothing has changed, 1 where something has, 2 where a call failed.",
        example="claude-replay verify --max-usd 1 cassettes/tests/test_chat",
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help=f"cassettes, or folders to search ({FOLDER_HELP})",
    )
    parser.add_argument("--json", action="store_true", help="print one object, for programs")
    parser.add_argument("--live", action="store_true", help="call also where CI is set")
    parser.add_argument("--max-calls", metavar="N", help="stop before the call that would be one too many")
    parser.add_argument(
        "--max-usd", metavar="USD", help="stop before the call that could cost more than is left"
    )
    parser.add_argument(
        "--min-similarity",
        metavar="R",
        type=read_number,
        default=0.0,
        help="texts that are less alike than this (0 to 1) have changed (default: 0, any text will do)",
    )
    return parser


def _refuse_by_accident(*, is_live: bool) -> None:
    if is_ci(os.environ) and not is_live:
        raise SettingsError("CI is set, so Claude is not called by accident; to call it there: verify --live")
    if not any(os.environ.get(name) for name in _KEYS):
        raise SettingsError(f"verify calls Claude, and needs a key in the environment: {' or '.join(_KEYS)}")


def _print(printer: Printer, path: Path, verified: Sequence[Verified]) -> None:
    printer.line(str(path), bold=True)
    for one in verified:
        printer.line(f"  {one.number:3}  {one.asked}: {one.describe()}")
        for drift in one.drift:
            printer.line(f"       {drift.text}")


def _sum_up(cassettes: int, outcomes: Sequence[Outcome]) -> str:
    counts = [(outcomes.count(name), name) for name in ("same", "changed", "skipped", "failed")]
    said = ", ".join(f"{count:,} {name}" for count, name in counts if count)
    return f"{cassettes:,} cassette{'' if cassettes == 1 else 's'}: {said or 'nothing recorded'}"


def _as_json(found: Sequence[tuple[Path, list[Verified]]], outcomes: Sequence[Outcome]) -> dict[str, object]:
    return {
        "cassettes": [
            {"path": str(path), "exchanges": [one.as_dict() for one in verified]} for path, verified in found
        ],
        **{name: outcomes.count(name) for name in ("same", "changed", "skipped", "failed")},
    }
