"""Everything that can be wrong with one cassette file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from claude_replay.api import describe_endpoint, is_finished, wants_stream
from claude_replay.bodies import encode_body
from claude_replay.cassette import Cassette, Entry, key_of, load_cassette
from claude_replay.cassette.formats.unpack import gunzip, is_gzip
from claude_replay.cassette.yamltext import Limits
from claude_replay.cli.problems import read_problem
from claude_replay.cli.secrets import drop_masked, find_lines, find_places
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import EventStream, Exchange
from claude_replay.normalize import MATCHING, canonicalize
from claude_replay.redact import Redactor

__all__ = ["Finding", "inspect_cassette"]

_REVOKE = (
    "A secret that was committed is known: revoke it and take it out of the git history. Then record the cassette "
    "anew (pytest --claude-record=rewrite), or write [redacted] in its place."
)
_FINISH = "pytest --claude-record=once finishes incomplete cassettes: it plays what is there and records the rest."
_ID_DIGITS = 16


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that a person should look at; one that is no error is a warning."""

    path: str
    line: int
    text: str
    is_error: bool = True
    advice: str = ""


class _Inspection:
    """Collects what is found in one file."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.findings: list[Finding] = []
        self._path = path
        self._redactor = redactor
        self._text = _read_text(path)
        # Lines with secrets that no exchange accounts for yet.
        self._lines = find_lines(self._text, redactor)

    def inspect(self) -> int:
        """Look at everything; gives the number of exchanges."""
        try:
            cassette = load_cassette(self._path) or Cassette()
        except CassetteLoadError as error:
            self._add_error(error)
            cassette = Cassette()
        if cassette.incomplete:
            line = self._text.partition("\nincomplete:")[0].count("\n") + 2
            labels = ", ".join(cassette.incomplete)
            self._warn(line, f"incomplete: not passed since it was recorded: {labels}", _FINISH)
        for remark in cassette.skipped:
            # Other services have their place in other tools' cassettes.
            if "not a Claude exchange" not in remark and ": kept; " not in remark:
                self._warn(1, f"left out: {remark}")
        ends = [*(entry.line for entry in cassette.entries[1:]), math.inf]
        for number, (entry, end) in enumerate(zip(cassette.entries, ends, strict=True), 1):
            try:
                exchange = entry.exchange
            except CassetteLoadError as error:
                self._add_error(error)
                continue
            self._inspect_exchange(number, entry, exchange, foreign=cassette.foreign is not None)
            self._find_secrets(number, entry.line, end, exchange, foreign=cassette.foreign is not None)
        for line in self._lines:
            self._error(line, "a secret stands on this line", _REVOKE)
        return len(cassette.entries)
