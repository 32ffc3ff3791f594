"""`claude-replay show`: a cassette as the conversation that it recorded."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from claude_replay.cassette import Cassette
from claude_replay.cli.arguments import Parser
from claude_replay.cli.conversation import Conversations, describe_exchange, render_exchange
from claude_replay.cli.files import read_cassette
from claude_replay.cli.printer import Printer, make_redactor
from claude_replay.cli.raw import render_raw
from claude_replay.errors import SettingsError
from claude_replay.exchange import Exchange

__all__ = ["run"]

_Numbered = list[tuple[int, Exchange]]


def run(arguments: Sequence[str]) -> int:
    """Print a cassette; raises SettingsError and CassetteLoadError."""
    options = _make_parser().read(arguments)
    path = Path(options.cassette)
    cassette = read_cassette(path)
    chosen = _choose(cassette, options.number, path)
    redactor = make_redactor(_names_of_headers(cassette, chosen))
    printer = Printer(sys.stdout, redactor)
    printer.line(_describe_cassette(path, cassette))
    for remark in cassette.skipped if options.number is None else ():
        printer.line(f"  {remark}")
    conversations = Conversations()
    for number, raw in chosen:
        exchange = redactor.exchange(raw)
        printer.line()
        printer.line(describe_exchange(number, exchange), bold=True)
        if options.raw:
            printer.text("\n".join(render_raw(exchange, hidden=_count_hidden(raw, exchange))))
            continue
        is_alone = options.expand or options.number is not None
        shown = None if is_alone else conversations.add(exchange)
        for line in render_exchange(number, exchange, shown, whole=options.full or bool(options.number)):
            printer.line(line)
    return 0


def _make_parser() -> Parser:
    parser = Parser(
        "show",
        "Prints a cassette as the conversation that it recorded: who said what, which tools were called,\n"
        "how each answer ended. What an earlier exchange has shown is not repeated. Secrets are left out.",
        example="claude-replay show cassettes/tests/test_chat/test_greeting.yaml 2",
    )
    parser.add_argument("cassette", metavar="CASSETTE", help="a cassette, also one of vcrpy")
    parser.add_argument(
        "number", metavar="N", nargs="?", type=_read_number, help="only this exchange, and all of it"
    )
    parser.add_argument(
        "--expand", action="store_true", help="repeat in each exchange what earlier ones have shown"
    )
    parser.add_argument("--full", action="store_true", help="cut nothing, however long it is")
    parser.add_argument("--raw", action="store_true", help="headers and bodies as they went over the wire")
    return parser


def _read_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"the number of an exchange was expected, from 1 on, not {text!r}")
    return int(text)


def _choose(cassette: Cassette, number: int | None, path: Path) -> _Numbered:
    count = len(cassette.entries)
    if number is not None and number > count:
        raise SettingsError(
            f"{path} has {count} exchange{'' if count == 1 else 's'}, so there is no number {number}"
        )
    numbers = [number] if number else range(1, count + 1)
    return [(place, cassette.entries[place - 1].exchange) for place in numbers]


def _names_of_headers(cassette: Cassette, chosen: _Numbered) -> set[str]:
    # Other tools keep headers that tell who recorded; of ours only what was chosen to be kept is there.
    if cassette.foreign:
        return set()
    return {
        name
        for _, exchange in chosen
        for side in (exchange.request, exchange.response)
        for name in side.headers
    }


def _describe_cassette(path: Path, cassette: Cassette) -> str:
    count = len(cassette.entries)
    parts = [str(path), f"{count:,} exchange{'' if count == 1 else 's'}"]
    parts += [f"written by {cassette.foreign}"] if cassette.foreign else []
    if cassette.incomplete:
        parts.append(f"incomplete: not passed since it was recorded: {', '.join(cassette.incomplete)}")
    return " · ".join(parts)


def _count_hidden(raw: Exchange, clean: Exchange) -> tuple[int, int]:
    return (
        len(raw.request.headers) - len(clean.request.headers),
        len(raw.response.headers) - len(clean.response.headers),
    )
