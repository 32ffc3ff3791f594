"""`claude-replay prune`: takes away side files that no cassette names, and cassettes that are named."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from claude_replay.cassette import has_journals
from claude_replay.cassette.media import ATTRIBUTES
from claude_replay.cli.arguments import Parser
from claude_replay.cli.files import FOLDER_HELP, find_files, is_cassette
from claude_replay.cli.printer import Printer, make_redactor
from claude_replay.cli.sidefiles import find_side_files
from claude_replay.errors import SettingsError

__all__ = ["run"]


def run(arguments: Sequence[str]) -> int:
    """List what would go, or remove it; raises SettingsError for a path that is none or holds what is paid for."""
    options = _make_parser().read(arguments)
    if options.paths or not options.orphan:
        find_files(options.paths)
    orphans = [_check_orphan(Path(name)) for name in options.orphan]
    without = {path.resolve() for path in orphans}
    unused = [file.path for file in find_side_files(options.paths, without) if not file.is_used]
    printer = Printer(sys.stdout, make_redactor())
    verb = "removed" if options.delete else "would remove"
    sizes = 0
    for path, reason in _reasons(orphans, unused):
        size = path.stat().st_size
        sizes += size
        if options.delete:
            _remove(path)
        printer.line(f"{verb} {path} ({size:,} bytes): {reason}")
    printer.line(_sum_up(len(orphans) + len(unused), sizes, is_done=options.delete))
    return 0


def _make_parser() -> Parser:
    parser = Parser(
        "prune",
        "Lists side files (images, PDFs, files of requests and answers) that no cassette names any more, and\n"
        "the cassettes given as orphans with the side files that only they name. Nothing is removed without\n"
        "--delete. Which cassettes are orphans pytest says, at the end of a run of all tests.",
        example="claude-replay prune --orphan cassettes/tests/test_old/test_gone.yaml --delete",
    )
    parser.add_argument("paths", metavar="PATH", nargs="*", help=f"folders to search ({FOLDER_HELP})")
    parser.add_argument(
        "--orphan",
        metavar="FILE",
        action="append",
        default=[],
        help="a cassette to remove as well (repeatable)",
    )
    parser.add_argument("--delete", action="store_true", help="remove what is listed")
    return parser


def _check_orphan(path: Path) -> Path:
    if path.is_dir():
        raise SettingsError(f"{path} is a folder; name the cassettes in it one by one")
    if not is_cassette(path):
        raise SettingsError(f"{path} is not a cassette, so it is not removed")
    if has_journals(path):
        raise SettingsError(
            f"{path}: a run that was killed left a journal beside it, with exchanges that were paid for; "
            "pytest --claude-record=once takes them up, and then it can be removed"
        )
    return path


def _reasons(orphans: Sequence[Path], unused: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    yield from ((path, "named as an orphan") for path in orphans)
    yield from ((path, "no cassette names it") for path in unused)


def _remove(path: Path) -> None:
    path.unlink()
    folder = path.parent
    if [left.name for left in folder.iterdir()] == [ATTRIBUTES]:
        (folder / ATTRIBUTES).unlink()
    # The folder too, where that was all.
    with contextlib.suppress(OSError):
        folder.rmdir()


def _sum_up(count: int, sizes: int, *, is_done: bool) -> str:
    if not count:
        return "nothing to remove"
    files = f"{count:,} file{'' if count == 1 else 's'}, {sizes:,} bytes"
    return f"{files} removed" if is_done else f"{files}; nothing was removed: --delete does"
