"""`claude-replay export`: our cassettes as those of another tool."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from claude_replay.cassette import Cassette, write_bytes
from claude_replay.cassette.formats.vcrpyfile import dump_vcrpy
from claude_replay.cli.arguments import Parser
from claude_replay.cli.files import find_files, read_cassette
from claude_replay.cli.printer import Printer, make_redactor
from claude_replay.errors import SecretFound, SettingsError
from claude_replay.exchange import Exchange
from claude_replay.redact import Redactor

__all__ = ["run"]

_TOOLS = ("vcrpy",)


def run(arguments: Sequence[str]) -> int:
    """
    Write the files and name them; 0.

    Raises SettingsError for a path that does not exist and for a file that would be overwritten,
    CassetteLoadError for a cassette that cannot be read, SecretFound; nothing is written then.
    """
    options = _make_parser().read(arguments)
    redactor = make_redactor()
    out = Path(options.out)
    places = {path: out / _place(path, options.paths) for path in find_files(options.paths).cassettes}
    _refuse_overwriting(places, force=options.force)
    exported = [_export(path, target, redactor) for path, target in places.items()]
    printer = Printer(sys.stdout, redactor)
    for target, content, lines in exported:
        write_bytes(target, content)
        for line in lines:
            printer.line(line)
    return 0


def _make_parser() -> Parser:
    parser = Parser(
        "export",
        "Writes cassettes as vcrpy and pytest-recording keep them, in a folder of their own; yours stay as\n"
        "they are. Streams become their whole text; when it was and how long it took is not kept.",
        example="claude-replay export --to vcrpy --out vcrpy-cassettes cassettes",
    )
    parser.add_argument("paths", metavar="CASSETTE", nargs="+", help="cassettes, or folders to search")
    parser.add_argument("--to", choices=_TOOLS, required=True, help="the tool that is to read them")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="where to write them")
    parser.add_argument("--force", action="store_true", help="overwrite what is there")
    return parser


def _place(path: Path, named: Sequence[str]) -> Path:
    """Where a cassette goes below the folder for all of them: as it stands below what was named."""
    for folder in map(Path, named):
        if folder.is_dir() and path.is_relative_to(folder):
            return path.relative_to(folder)
    return Path(path.name)


def _refuse_overwriting(places: Mapping[Path, Path], *, force: bool) -> None:
    taken: dict[Path, Path] = {}
    for path, target in places.items():
        if target in taken:
            raise SettingsError(
                f"{taken[target]} and {path} would both become {target}; export them one by one"
            )
        taken[target] = path
        if target.exists() and not force:
            raise SettingsError(f"{target} is there already; to overwrite it: --force")


def _export(path: Path, target: Path, redactor: Redactor) -> tuple[Path, bytes, list[str]]:
    """Where to, what, and what to say about it."""
    kept, notes = _read_exchanges(read_cassette(path))
    # Another tool's cassette may hold what ours never do.
    clean = [redactor.exchange(exchange) for exchange in kept]
    content = dump_vcrpy(clean)
    if any(map(redactor.find, clean)) or redactor.find_in_text(content.decode("utf-8")):
        raise SecretFound(
            f"{path}: what was to be written still holds a secret; see: claude-replay check {path}"
        )
    count = f"{len(kept)} exchange{'' if len(kept) == 1 else 's'}"
    return target, content, [f"{target}: {count}", *(f"  {note}" for note in notes)]


def _read_exchanges(cassette: Cassette) -> tuple[list[Exchange], list[str]]:
    kept: list[Exchange] = []
    notes: list[str] = []
    for number, entry in enumerate(cassette.entries, 1):
        exchange = entry.exchange
        if not exchange.response.status:
            notes.append(f"left out: exchange {number}, whose call was cancelled before an answer came")
            continue
        kept.append(exchange)
        if exchange.response.ended != "complete":
            notes.append(f"exchange {number} was not read to its end; for vcrpy it ends where it was left")
    return kept, notes
