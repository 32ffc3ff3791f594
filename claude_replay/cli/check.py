"""`claude-replay check`: damage, secrets and loose ends in cassettes; for pre-commit and CI."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from claude_replay.cassette import read_journals
from claude_replay.cassette.store import real_path
from claude_replay.cli.arguments import Parser, read_number
from claude_replay.cli.files import FOLDER_HELP, Found, find_files
from claude_replay.cli.inspection import REVOKE, Finding, Inspection
from claude_replay.cli.printer import Printer, make_redactor
from claude_replay.cli.sidefiles import find_side_files
from claude_replay.redact import Redactor

__all__ = ["run"]

_PRUNE = "claude-replay prune lists side files that no cassette names, and removes them with --delete."
_TAKE_UP = "pytest --claude-record=once takes up what a killed run left in a journal."


def run(arguments: Sequence[str]) -> int:
    """Print what was found; 1 where there are errors. Raises SettingsError for a path that does not exist."""
    options = _make_parser().read(arguments)
    files, redactor = find_files(options.paths), make_redactor()
    printer = Printer(sys.stdout, redactor)
    findings: list[Finding] = []
    exchanges = 0
    for path in files.cassettes:
        inspection = Inspection(path, redactor, options.max_age)
        exchanges += inspection.exchanges
        findings += inspection.findings
    findings += _inspect_journals(files)
    findings += _inspect_side_files(options.paths, redactor)
    if options.strict:
        # Nothing that was green turns red because a day has come.
        findings = [replace(finding, is_error=not finding.is_stale) for finding in findings]
    for finding in findings:
        kind = "error" if finding.is_error else "warning"
        printer.line(f"{finding.path}:{finding.line}: {kind}: {finding.text}")
    advice = dict.fromkeys(finding.advice for finding in findings if finding.advice)
    for line in ["", *advice, ""] if advice else [""] if findings else []:
        printer.line(line)
    printer.line(_sum_up(len(files.cassettes), exchanges, findings))
    return 1 if any(finding.is_error for finding in findings) else 0


def _make_parser() -> Parser:
    parser = Parser(
        "check",
        "Reads cassettes as replay would, every exchange of them, and reports one line for each finding.\n"
        "Errors: files that cannot be read, merge conflicts, side files that are missing or were changed, secrets\n"
        "(where they stand, not what they are). Warnings: incomplete cassettes, journals of killed runs, requests\n"
        "edited by hand, streams that are not whole, side files that no cassette names; and what may be stale: its\n"
        "model is deprecated or retired, the SDK or the version of the API has changed since, or it is old.\n"
        "The exit code is 1 with errors, else 0.",
        example="claude-replay check --strict cassettes",
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help=f"cassettes, or folders to search ({FOLDER_HELP})",
    )
    parser.add_argument(
        "--strict", action="store_true", help="warnings are errors, but for those about stale recordings"
    )
    parser.add_argument(
        "--max-age", metavar="DAYS", type=read_number, help="older recordings are stale (default: no limit)"
    )
    return parser


def _inspect_journals(files: Found) -> Iterator[Finding]:
    named = {real_path(journal) for journal in files.journals}
    for cassette in files.journaled:
        for journal in read_journals(cassette):
            waiting = _count(len(journal.recorded), "exchange")
            owner = f", recorded by {journal.label}" if journal.label else ""
            text = f"the journal of a run that was killed, not a cassette: {waiting}{owner}"
            yield Finding(_shorten(journal.path), 1, text, journal.path in named, _TAKE_UP)


def _inspect_side_files(paths: Sequence[str], redactor: Redactor) -> Iterator[Finding]:
    for file in find_side_files(paths):
        if redactor.find_in_data(file.path.read_bytes()):
            yield Finding(str(file.path), 1, "a secret stands in this side file", advice=REVOKE)
        if not file.is_used:
            yield Finding(str(file.path), 1, "no cassette names this side file", False, _PRUNE)


def _shorten(path: Path) -> str:
    here = real_path(Path())
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _sum_up(cassettes: int, exchanges: int, findings: Sequence[Finding]) -> str:
    errors = sum(finding.is_error for finding in findings)
    counts = (
        _count(errors, "error") if errors else "",
        _count(len(findings) - errors, "warning") if len(findings) > errors else "",
    )
    said = ", ".join(filter(None, counts)) or "no findings"
    return f"{_count(cassettes, 'cassette')}, {_count(exchanges, 'exchange')}: {said}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
