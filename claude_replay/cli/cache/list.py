"""`claude-replay cache list`: the answers in a store, one line for each."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from itertools import islice

from claude_replay.api import last_user_text
from claude_replay.cache.entry import Listed
from claude_replay.cache.stores.base import Store
from claude_replay.cli.arguments import Parser
from claude_replay.cli.cache.exchanges import format_day, read_request
from claude_replay.cli.cache.opening import add_filters, add_store, opened, read_selection, select
from claude_replay.cli.printer import Printer
from claude_replay.errors import StoreError

__all__ = ["run"]

_DEFAULT_LIMIT = 50
_HEADINGS = ("key", "asked", "model", "ends in", "hits", "size", "tags", "prompt")
_TO_THE_RIGHT = ("hits", "size")
_SHOWN_KEY = 12
_LONGEST_PROMPT = 48


def run(arguments: Sequence[str]) -> int:
    """Print the answers of a store; raises SettingsError and StoreError."""
    options = _make_parser().read(arguments)
    with opened(options.store) as store:
        found = select(store, read_selection(options))
        shown = found if options.all else found[: options.limit]
        rows = [(listed, _read_prompt(store, listed)) for listed in shown]
    printer = Printer(sys.stdout)
    if options.json:
        objects = [{**dataclasses.asdict(listed), "prompt": prompt} for listed, prompt in rows]
        printer.text(json.dumps(objects, indent=2))
        return 0
    if not found:
        printer.line(
            f"no answer in {options.store}" + (" meets these conditions" if _is_filtered(options) else "")
        )
        return 0
    now = time.time()
    head, *lines = _align([_HEADINGS, *(_cells(listed, prompt, now) for listed, prompt in rows)])
    printer.line(head, bold=True)
    for line in lines:
        printer.line(line)
    if len(shown) < len(found):
        printer.line(f"… and {len(found) - len(shown):,} older ones (--all lists them)")
    return 0


def _make_parser() -> Parser:
    parser = Parser(
        "cache list",
        "Lists answers, newest first: when and what was asked, of which model, when it ends, how often it was given.",
        example="claude-replay cache list answers.db --tag faq",
    )
    add_store(parser)
    add_filters(parser)
    parser.add_argument(
        "--limit",
        metavar="N",
        type=int,
        default=_DEFAULT_LIMIT,
        help=f"at most so many (default: {_DEFAULT_LIMIT})",
    )
    parser.add_argument("--all", action="store_true", help="all of them, however many")
    parser.add_argument("--json", action="store_true", help="print a list of objects, for programs")
    return parser


def _is_filtered(options: object) -> bool:
    return any(getattr(options, name) is not None for name in ("model", "tag", "namespace", "older_than"))


def _read_prompt(store: Store, listed: Listed) -> str:
    entry = store.load(listed.key)
    try:
        request = read_request(entry) if entry is not None else None
    except StoreError:
        request = None
    return last_user_text(request.body) if request is not None else ""


def _cells(listed: Listed, prompt: str, now: float) -> tuple[str, ...]:
    words = " ".join(prompt.split())
    return (
        listed.key[:_SHOWN_KEY],
        format_day(listed.created),
        listed.model,
        "never" if listed.expires is None else _show_span(listed.expires - now),
        f"{listed.hits:,}",
        f"{listed.size:,}",
        ",".join(listed.tags),
        words if len(words) <= _LONGEST_PROMPT else f"{words[: _LONGEST_PROMPT - 1]}…",
    )


def _show_span(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(int(seconds), 0)}s"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_pad(row, widths)).rstrip() for row in rows]


def _pad(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    columns = islice(zip(row, widths, _HEADINGS, strict=True), None)
    return [
        cell.rjust(width) if heading in _TO_THE_RIGHT else cell.ljust(width)
        for cell, width, heading in columns
    ]
