"""`claude-replay list`: what is in a folder of cassettes, one line for each."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from claude_replay.api import assemble_message, endpoint_of, message_usage, model_of
from claude_replay.cassette import Cassette, load_cassette
from claude_replay.cli.arguments import Parser
from claude_replay.cli.files import FOLDER_HELP, find_files
from claude_replay.cli.printer import Printer, make_redactor
from claude_replay.cli.problems import read_problem
from claude_replay.cli.project import read_project
from claude_replay.cli.stale import find_stale
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Usage

__all__ = ["run"]

_MOST_NAMES = 3
_HEADINGS = ("cassette", "exchanges", "asked for", "tokens", "size", "recorded", "state")
_TO_THE_RIGHT = ("exchanges", "tokens", "size")


@dataclass(slots=True)
class _Row:
    """
    What one file holds; `bytes` is its size.

    `state` is "complete", "incomplete", "foreign" or "unreadable"; `reason` says which tests are to come,
    which tool wrote the file, or why it cannot be read; `stale` why it may be out of date.
    """

    path: str
    state: str
    reason: str = ""
    bytes: int = 0
    exchanges: int = 0
    operations: dict[str, int] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    recorded_at: str | None = None
    stale: list[str] = field(default_factory=list)


def run(arguments: Sequence[str]) -> int:
    """Print the table, or JSON; raises SettingsError for a path that does not exist."""
    options = _make_parser().read(arguments)
    rows = [_read_row(path) for path in find_files(options.paths).cassettes]
    printer = Printer(sys.stdout, make_redactor())
    if options.json:
        printer.text(json.dumps([dataclasses.asdict(row) for row in rows], indent=2))
        return 0
    if not rows:
        printer.line(f"no cassette in {', '.join(options.paths) or read_project().folder}")
        return 0
    head, *lines = _align([_HEADINGS, *map(_show_cells, rows)])
    printer.line(head, bold=True)
    for line in [*lines, "", _sum_up(rows)]:
        printer.line(line)
    return 0


def _make_parser() -> Parser:
    parser = Parser(
        "list",
        "Lists cassettes: what was asked of which model, tokens, size, the day of the first recording, and\n"
        "the state: complete, incomplete, foreign (another tool's), unreadable; and why it may be stale: its model\n"
        "is deprecated or retired, the SDK or the version of the API has changed since.",
        example="claude-replay list cassettes/tests/test_chat",
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help=f"cassettes, or folders to search ({FOLDER_HELP})",
    )
    parser.add_argument("--json", action="store_true", help="print a list of objects, for programs")
    return parser


def _read_row(path: Path) -> _Row:
    try:
        cassette = load_cassette(path) or Cassette()
        row = _describe(path, cassette)
    except CassetteLoadError as error:
        problem = read_problem(error, path)
        row = _Row(
            str(path), "unreadable", f"line {problem.line}: {problem.text}" if problem.line else problem.text
        )
    row.bytes = path.stat().st_size
    return row


def _describe(path: Path, cassette: Cassette) -> _Row:
    row = _Row(str(path), "complete", exchanges=len(cassette.entries))
    if cassette.foreign:
        row.state, row.reason = "foreign", cassette.foreign
    elif cassette.incomplete:
        row.state, row.reason = "incomplete", ", ".join(cassette.incomplete)
    models: dict[str, None] = {}
    operations: Counter[str] = Counter()
    for entry in cassette.entries:
        exchange = entry.exchange
        message = assemble_message(exchange.response.body) or {}
        operations[endpoint_of(exchange.request).operation] += 1
        model = model_of(exchange.request.body) or message.get("model")
        models.update({str(model): None} if model else {})
        row.usage += message_usage(message)
        if exchange.meta.recorded_at:
            row.recorded_at = min(row.recorded_at or exchange.meta.recorded_at, exchange.meta.recorded_at)
        row.stale += [cause for cause in find_stale(exchange) if cause not in row.stale]
    row.operations, row.models = dict(operations), list(models)
    return row


def _show_cells(row: _Row) -> tuple[str, ...]:
    operations = [name if count == 1 else f"{count} {name}" for name, count in row.operations.items()]
    asked = " · ".join(filter(None, [_name_some(operations), _name_some(row.models)]))
    state = row.state if row.state in ("complete", "incomplete") else f"{row.state}: {row.reason}"
    if row.stale:
        state += f"; stale: {', '.join(row.stale)}"
    day = (row.recorded_at or "")[:10]
    return (
        row.path,
        f"{row.exchanges:,}",
        asked,
        f"{row.usage.total_tokens:,}",
        _show_size(row.bytes),
        day,
        state,
    )


def _name_some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _show_size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"


def _align(rows: Iterable[Sequence[str]]) -> list[str]:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(_pad(row, widths)).rstrip() for row in table]


def _pad(row: Sequence[str], widths: Sequence[int]) -> Iterable[str]:
    for cell, width, heading in zip(row, widths, _HEADINGS, strict=True):
        yield cell.rjust(width) if heading in _TO_THE_RIGHT else cell.ljust(width)


def _sum_up(rows: Sequence[_Row]) -> str:
    exchanges, tokens = sum(row.exchanges for row in rows), sum(row.usage.total_tokens for row in rows)
    states = Counter(row.state for row in rows)
    parts = [
        f"{len(rows):,} cassette{'' if len(rows) == 1 else 's'}",
        f"{exchanges:,} exchange{'' if exchanges == 1 else 's'}",
        f"{tokens:,} tokens",
        _show_size(sum(row.bytes for row in rows)),
        *(f"{states[state]:,} {state}" for state in ("incomplete", "foreign", "unreadable") if states[state]),
    ]
    return " · ".join(parts)
