"""`claude-replay cache export`: answers into a cassette, and a test that replays them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from claude_replay.cache.entry import EVERYTHING, Entry
from claude_replay.cassette import (
    Cassette,
    Recorded,
    cassette_name,
    dump_cassette,
    leave_out_known,
    load_cassette,
    lock_cassette,
    merge,
    write_bytes,
)
from claude_replay.cassette import Entry as Recording
from claude_replay.cli.arguments import Parser
from claude_replay.cli.cache.exchanges import to_exchange
from claude_replay.cli.cache.opening import (
    add_filters,
    add_store,
    find_entries,
    opened,
    read_selection,
    select,
)
from claude_replay.cli.cache.testfile import name_tests, write_test_file
from claude_replay.cli.files import FOLDER_HELP
from claude_replay.cli.printer import Printer, make_redactor
from claude_replay.cli.project import read_project
from claude_replay.errors import CassetteSaveError, SecretFound, SettingsError
from claude_replay.exchange import Exchange

__all__ = ["run"]


def run(arguments: Sequence[str]) -> int:
    """Write cassettes; raises SettingsError, StoreError, SecretFound and CassetteError."""
    options = _make_parser().read(arguments)
    _check(options)
    exchanges = [_clean(to_exchange(entry, stream=options.stream), entry) for entry in _read_entries(options)]
    if not exchanges:
        raise SettingsError(f"no answer in {options.store} meets these conditions; nothing was written")
    printer = Printer(sys.stdout)
    if options.test is None:
        count = _add_to(Path(options.output), exchanges)
        printer.line(f"{options.output}: {count:,} of {len(exchanges):,} exchanges added")
        return 0
    names = name_tests(exchanges)
    test = PurePosixPath(Path(options.test).as_posix())
    for name, exchange in zip(names, exchanges, strict=True):
        path = Path(options.dir or read_project().folder) / cassette_name(f"{test}::{name}")
        _add_to(path, [exchange])
        printer.line(f"{path}: 1 exchange")
    write_test_file(Path(options.test), list(zip(names, exchanges, strict=True)))
    printer.line(
        f"{options.test}: {len(names):,} test{'' if len(names) == 1 else 's'}; run it: pytest {options.test}"
    )
    return 0


def _make_parser() -> Parser:
    parser = Parser(
        "cache export",
        "Writes answers as recorded exchanges into a cassette, which is made or added to; with --test also a test\n"
        "module that asks the same and replays them. Secrets are taken out as when recording.",
        example="claude-replay cache export answers.db 1038f8b4 --test tests/test_capital.py",
    )
    add_store(parser)
    parser.add_argument(
        "keys", metavar="KEY", nargs="*", help="the first digits of a key, as `list` shows them"
    )
    add_filters(parser)
    parser.add_argument("--all", action="store_true", help="all answers of the store")
    parser.add_argument("-o", "--output", metavar="CASSETTE", help="the cassette to write or add to")
    parser.add_argument("--test", metavar="FILE", help="a new test module, each test with its own cassette")
    parser.add_argument(
        "--dir",
        metavar="DIR",
        help=f"with --test: the cassettes' folder ({FOLDER_HELP})",
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument(
        "--stream",
        dest="stream",
        action="store_const",
        const=True,
        help="as a streamed call (default: as it was asked)",
    )
    asked.add_argument(
        "--no-stream", dest="stream", action="store_const", const=False, help="as a call that is not streamed"
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    if (options.output is None) == (options.test is None):
        raise SettingsError("say where to: -o CASSETTE, or --test FILE for a test with cassettes of its own")
    if options.test is not None:
        path = Path(options.test)
        if path.is_absolute() or ".." in path.parts or path.suffix != ".py":
            raise SettingsError(
                f"--test: {options.test!r} is no .py file below this folder, the root of your project"
            )
        if path.exists():
            raise SettingsError(f"--test: {options.test} exists; nothing was written")
    chosen = read_selection(options) != EVERYTHING
    if [bool(options.keys), chosen, options.all].count(True) != 1:
        raise SettingsError("say which answers: KEYs, conditions (--model, --tag, …), or --all")


def _read_entries(options: argparse.Namespace) -> list[Entry]:
    with opened(options.store) as store:
        if options.keys:
            return find_entries(store, options.keys, name=options.store)
        # In the order in which they were asked, as recorded.
        found = [store.load(listed.key) for listed in reversed(select(store, read_selection(options)))]
        return [entry for entry in found if entry is not None]


def _clean(exchange: Exchange, entry: Entry) -> Exchange:
    redactor = make_redactor()
    clean = replace(redactor.exchange(exchange), meta=exchange.meta)
    place = redactor.find(clean)
    if place is not None:
        raise SecretFound(f"answer {entry.key[:12]} still holds a secret at {place}; nothing was written")
    return clean


def _add_to(path: Path, exchanges: Sequence[Exchange]) -> int:
    """Add exchanges to a cassette, but those it has; how many were added."""
    try:
        recorded = [Recorded(order, Recording.of(exchange)) for order, exchange in enumerate(exchanges)]
    except ValueError as error:
        raise CassetteSaveError(f"{path}: not written, for {error}") from None
    with lock_cassette(path):
        current = load_cassette(path) or Cassette()
        if current.foreign:
            raise CassetteSaveError(f"{path}: {current.foreign} has written this cassette; name another one")
        fresh = leave_out_known(current.entries, recorded)
        entries = merge(current.entries, fresh)
        write_bytes(path, dump_cassette(entries, incomplete=current.incomplete, comments=current.comments))
    return len(fresh)
