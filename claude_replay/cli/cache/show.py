"""`claude-replay cache show`: one answer with what was asked, as a conversation."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from claude_replay.cache.envelope import load_answer
from claude_replay.cli.arguments import Parser
from claude_replay.cli.cache.exchanges import format_day, to_exchange
from claude_replay.cli.cache.opening import add_store, find_entries, opened
from claude_replay.cli.conversation import describe_exchange, render_exchange
from claude_replay.cli.printer import Printer, make_redactor
from claude_replay.cli.raw import render_raw

__all__ = ["run"]


def run(arguments: Sequence[str]) -> int:
    """Print answers; raises SettingsError and StoreError."""
    parser = Parser(
        "cache show",
        "Prints answers with what was asked, as a conversation. Looking does not count as use.",
        example="claude-replay cache show answers.db 1038f8b4",
    )
    add_store(parser)
    parser.add_argument(
        "keys", metavar="KEY", nargs="+", help="the first digits of a key, as `list` shows them"
    )
    parser.add_argument("--raw", action="store_true", help="headers and bodies as they went over the wire")
    options = parser.read(arguments)
    with opened(options.store) as store:
        entries = find_entries(store, options.keys, name=options.store)
    redactor = make_redactor()
    printer = Printer(sys.stdout, redactor)
    for number, entry in enumerate(entries, 1):
        exchange = redactor.exchange(to_exchange(entry))
        printer.line(f"key {entry.key}", bold=True)
        end = "" if entry.expires is None else f" · ends {format_day(entry.expires)} UTC"
        tags = f" · tags {', '.join(entry.tags)}" if entry.tags else ""
        space = f" · namespace {entry.namespace}" if entry.namespace else ""
        printer.line(f"answered by {load_answer(entry.envelope).model}{end}{tags}{space}")
        printer.line(describe_exchange(number, exchange), bold=True)
        lines = (
            render_raw(exchange, hidden=(0, 0))
            if options.raw
            else render_exchange(number, exchange, None, whole=True)
        )
        printer.text("\n".join(lines))
        printer.line()
    return 0
