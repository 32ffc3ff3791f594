"""`claude-replay migrate`: other tools' cassettes rewritten in our format, in place, all or none."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from claude_replay.cassette import Media
from claude_replay.cassette.replacing import Replacement, forget_originals, has_originals, replace_all
from claude_replay.cli.arguments import Parser
from claude_replay.cli.conversion import Conversion, convert
from claude_replay.cli.files import FOLDER_HELP, find_files
from claude_replay.cli.printer import Printer, make_redactor
from claude_replay.cli.project import read_project

__all__ = ["run"]

_MOST_NAMES = 8


def run(arguments: Sequence[str]) -> int:
    """
    Convert and report; 1 where something is refused or held back. Raises SettingsError, and CassetteSaveError where the
    disk refuses, after which every file is as it was.
    """
    options = _make_parser().read(arguments)
    paths = find_files(options.paths).cassettes
    settings = read_project({"record_hosts": options.record_hosts}).settings
    hosts = settings.record_hosts
    conversions = [convert(path, make_redactor(patterns=options.redact), hosts) for path in paths]
    _find_collisions(conversions)
    if not options.drop_others:
        _hold_back_losses(conversions)
    failed = any(conversion.has_failed for conversion in conversions)
    ready = [conversion for conversion in conversions if conversion.is_ready]
    will_write = not options.dry_run and (options.keep_going or not failed)
    if will_write:
        interrupted = [path for path in paths if has_originals(path)]
        for conversion in ready:
            # First: without them the new files could not be read. Should the rest fail, nobody misses them.
            Media(conversion.target, home=settings.dir).write(conversion.files)
        replace_all([_replacement(conversion) for conversion in ready])
        for path in interrupted:
            forget_originals(path)
    report = _Report(conversions, written=len(ready) if will_write else 0, dry_run=options.dry_run)
    printer = Printer(sys.stdout, make_redactor(patterns=options.redact))
    if options.json:
        printer.text(json.dumps(report.as_dict(), indent=2, ensure_ascii=False))
    else:
        for line in report.lines():
            printer.line(line)
    return 1 if failed else 0


def _make_parser() -> Parser:
    parser = Parser(
        "migrate",
        "Rewrites cassettes of vcrpy, pytest-recording, Ruby VCR, R vcr, go-vcr, cassetter, http-snapshot and\n"
        "others in our format, in place; a file whose name does not end like YAML gets `.yaml`. Secrets are\n"
        "taken out on the way, and every exchange is replayed from the new file and compared before anything\n"
        "is written. All files are rewritten, or none: an exchange that is refused leaves everything as it is.",
        example="claude-replay migrate --dry-run tests/cassettes",
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help=f"cassettes, or folders to search ({FOLDER_HELP})",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
    parser.add_argument("--json", action="store_true", help="print one object, for programs")
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="leave files that cannot be rewritten as they are, and rewrite the others",
    )
    parser.add_argument(
        "--drop-others",
        action="store_true",
        help="rewrite files that also hold exchanges with other services, which are lost then",
    )
    parser.add_argument(
        "--record-hosts",
        metavar="HOST",
        action="append",
        default=[],
        help="also rewrite exchanges with this host (as the setting `record_hosts`); may be repeated",
    )
    parser.add_argument(
        "--redact",
        metavar="REGEX",
        action="append",
        default=[],
        help="also take out what this matches (as the setting `redact`); may be repeated",
    )
    return parser


def _find_collisions(conversions: Sequence[Conversion]) -> None:
    """Hold back files whose new name is taken: by another that is converted, or by one that says otherwise."""
    targets = Counter(conversion.target for conversion in conversions if conversion.content)
    for conversion in conversions:
        target = conversion.target
        if not conversion.content or (targets[target] == 1 and target == conversion.path):
            continue
        if targets[target] > 1:
            conversion.obstacle = f"another file would become {target.name}, too"
        # A run that was killed may have come as far as that.
        elif os.path.lexists(target) and not _holds(target, conversion.content):
            conversion.obstacle = f"would become {target.name}, which is there already"


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _hold_back_losses(conversions: Sequence[Conversion]) -> None:
    for conversion in conversions:
        if conversion.content and conversion.others:
            count = len(conversion.others)
            conversion.obstacle = (
                f"{count} exchange{' is' if count == 1 else 's are'} with other services: --record-hosts HOST "
                "rewrites them, too, --drop-others the file without them"
            )


def _replacement(conversion: Conversion) -> Replacement:
    return Replacement(conversion.path, conversion.target, conversion.before, conversion.content)


class _Report:
    """What was or would be done, for people and for programs."""

    def __init__(self, conversions: Sequence[Conversion], *, written: int, dry_run: bool) -> None:
        self._all = conversions
        self._written = written
        self._dry_run = dry_run
        self._foreign = [item for item in conversions if item.tool is not None or item.has_failed]

    def as_dict(self) -> dict[str, object]:
        """
        Counts and lists.

        `files` and `exchanges` count those of other tools; `equal` are exchanges that the new file answers as
        the original did. `held_back` are files that stay as they are although each of their exchanges is equal.
        """
        return {
            "files": len(self._foreign),
            "exchanges": sum(item.exchanges for item in self._foreign),
            "equal": sum(item.equal for item in self._foreign),
            "written": self._written,
            "already_ours": len(self._all) - len(self._foreign),
            "tools": dict(sorted(Counter(str(item.tool) for item in self._foreign).items())),
            "refused": [
                {"path": str(item.path), "place": refused.place, "reason": refused.reason}
                for item in self._foreign
                for refused in item.refused
            ],
            "held_back": {str(item.path): item.obstacle for item in self._foreign if item.obstacle},
            "others": _by_path((item, item.others) for item in self._foreign),
            "guessed": _by_path((item, item.guessed) for item in self._foreign),
            "redacted": _by_path((item, item.redacted) for item in self._foreign),
            "headers_not_kept": dict(self._headers().most_common()),
        }

    def _headers(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for item in self._foreign:
            total.update(item.headers)
        return total

    def lines(self) -> Iterator[str]:
        """One line for each file and each thing to know about it, and the sum."""
        for item in self._foreign:
            exchanges = f"{item.exchanges} exchange{'' if item.exchanges == 1 else 's'}"
            became = f" -> {item.target.name}" if item.content and item.target != item.path else ""
            yield f"{item.path}: {item.tool or 'unreadable'}, {exchanges}{became}"
            yield from (f"  held back: {item.obstacle}" for _ in filter(None, [item.obstacle]))
            yield from (f"  refused: {refused.place}: {refused.reason}" for refused in item.refused)
            yield from (f"  left out: {line}" for line in item.others)
            yield from (f"  {line}" for line in item.guessed)
            yield from (f"  redacted: {place}" for place in item.redacted)
        if self._foreign:
            yield ""
        yield self._sum_up()
        if headers := self._headers():
            named = ", ".join(name for name, _ in headers.most_common(_MOST_NAMES))
            more = f" and {len(headers) - _MOST_NAMES} more" if len(headers) > _MOST_NAMES else ""
            yield f"Headers that cassettes do not keep: {named}{more}."
        yield from self._conclude()

    def _sum_up(self) -> str:
        refused = sum(len(item.refused) for item in self._foreign)
        held = sum(bool(item.obstacle) for item in self._foreign)
        redacted = sum(len(item.redacted) for item in self._foreign)
        ours = len(self._all) - len(self._foreign)
        parts = [
            f"{len(self._foreign):,} file{'' if len(self._foreign) == 1 else 's'} of other tools",
            f"{sum(item.exchanges for item in self._foreign):,} exchanges",
            f"{sum(item.equal for item in self._foreign):,} equal when replayed",
            *([f"{refused:,} refused"] if refused else []),
            *([f"{held:,} held back"] if held else []),
            *([f"{redacted:,} secrets taken out"] if redacted else []),
            *([f"{ours:,} ours already"] if ours else []),
        ]
        return " · ".join(parts)

    def _conclude(self) -> Iterator[str]:
        failed = any(item.has_failed for item in self._foreign)
        if self._written:
            yield f"{self._written:,} rewritten." + (" What was refused or held back is as it was." * failed)
        elif self._dry_run:
            yield "Nothing was written (--dry-run)."
        elif failed:
            yield (
                "Nothing was written, because something was refused or held back. To rewrite the rest: "
                "claude-replay migrate --keep-going"
            )
        else:
            yield "There was nothing to rewrite."


def _by_path(found: Iterator[tuple[Conversion, list[str]]]) -> dict[str, list[str]]:
    return {str(item.path): lines for item, lines in found if lines}
