"""`claude-replay cache clear`: forget answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from claude_replay.cache.entry import EVERYTHING
from claude_replay.cache.stores.base import Store
from claude_replay.cli.arguments import Parser
from claude_replay.cli.cache.opening import add_filters, add_store, opened, read_selection, select
from claude_replay.cli.printer import Printer
from claude_replay.errors import SettingsError

__all__ = ["run"]


def run(arguments: Sequence[str]) -> int:
    """Forget answers and say how many; raises SettingsError and StoreError."""
    parser = Parser(
        "cache clear",
        "Forgets answers that meet all the conditions given, for every process that uses the store, and says how\n"
        "many. What was asked before and is answered after is not kept either.",
        example="claude-replay cache clear answers.db --model claude-sonnet-5 --older-than 7d",
    )
    add_store(parser)
    add_filters(parser)
    parser.add_argument("--all", action="store_true", help="everything; needed where no condition is given")
    parser.add_argument("--dry-run", action="store_true", help="only say how many that would be")
    options = parser.read(arguments)
    selection = read_selection(options)
    if selection == EVERYTHING and not options.all:
        raise SettingsError(
            "nothing was cleared: give --model, --tag, --namespace or --older-than, or --all for everything"
        )
    if selection != EVERYTHING and options.all:
        raise SettingsError("nothing was cleared: --all and a condition contradict each other")
    with opened(options.store) as store:
        found = select(store, selection)
        if not options.dry_run:
            _clear(store, options, {listed.namespace for listed in found})
    count = len(found)
    would = "would be " if options.dry_run else ""
    Printer(sys.stdout).line(
        f"{count:,} answer{'' if count == 1 else 's'} {would}cleared from {options.store}"
    )
    return 0


def _clear(store: Store, options: argparse.Namespace, namespaces: set[str]) -> None:
    # As applications do it, so that answers which are under way are not kept either.
    from claude_replay.cache.response_cache import ResponseCache

    for namespace in sorted(namespaces):
        cache = ResponseCache(store, namespace=namespace)
        cache.clear(model=options.model, tag=options.tag, older_than=options.older_than)
