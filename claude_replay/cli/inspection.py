"""Everything that can be wrong with one cassette file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from claude_replay.api import endpoint_of, is_finished, wants_stream
from claude_replay.cassette import Cassette, Entry, identify_request, load_cassette
from claude_replay.cassette.formats.unpack import gunzip, is_gzip
from claude_replay.cassette.yamltext import Limits
from claude_replay.cli.problems import read_problem
from claude_replay.cli.secrets import drop_values, find_fakes, find_lines, find_places
from claude_replay.cli.stale import find_stale
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import EventStream, Exchange
from claude_replay.redact import Redactor

__all__ = ["REVOKE", "Finding", "Inspection"]

REVOKE = (
    "A secret that was committed is known: revoke it and take it out of the git history. Then record the "
    "cassette anew (pytest --claude-record=rewrite), or write [redacted] in its place."
)
_REFRESH = (
    "A stale recording still replays. claude-replay verify asks Claude whether it would answer the same; "
    "pytest --claude-record=rewrite records anew."
)
_FINISH = "pytest --claude-record=once finishes an incomplete cassette: it records what is missing there."


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """
    Something that a person should look at; what is no error is a warning.

    `is_stale` says that nothing is wrong with the file, only time has passed.
    """

    path: str
    line: int
    text: str
    is_error: bool = True
    advice: str = ""
    is_stale: bool = False


class Inspection:
    """
    What was found in the file at `path`.

    `max_age` are the days after which a recording is old. `exchanges` counts those that could be reached,
    `findings` come in the order of their lines.
    """

    def __init__(self, path: Path, redactor: Redactor, max_age: float | None = None) -> None:
        self._path = path
        self._max_age = max_age
        self._redactor = redactor
        self._text = _read_text(path)
        self._found: list[Finding] = []
        cassette = self._load()
        self.exchanges = len(cassette.entries)
        # What other tools' filters wrote in place of a credential is none.
        self._fakes: set[str] = set()
        if cassette.foreign:
            self._fakes.update(*(find_fakes(entry.exchange, redactor) for entry in cassette.entries))
        # Lines with secrets that no exchange accounts for yet.
        self._lines = find_lines(self._text, redactor, self._fakes)
        self._inspect_head(cassette)
        self._inspect_entries(cassette)
        for line in self._lines:
            self._add(line, "a secret stands on this line", advice=REVOKE)
        self.findings = sorted(self._found)

    def _add(self, line: int, text: str, *, is_error: bool = True, advice: str = "") -> None:
        self._found.append(Finding(str(self._path), line, text, is_error, advice))

    def _add_problem(self, error: CassetteLoadError) -> None:
        problem = read_problem(error, self._path)
        self._add(problem.line or 1, problem.text, advice=problem.advice)

    def _load(self) -> Cassette:
        try:
            return load_cassette(self._path) or Cassette()
        except CassetteLoadError as error:
            self._add_problem(error)
            return Cassette()

    def _inspect_head(self, cassette: Cassette) -> None:
        if cassette.incomplete:
            line = self._text.partition("\nincomplete:")[0].count("\n") + 2
            labels = ", ".join(cassette.incomplete)
            text = f"incomplete: not passed since it was recorded: {labels}"
            self._add(line, text, is_error=False, advice=_FINISH)
        for remark in cassette.skipped:
            # Other services have their place in other tools' cassettes.
            if "not a Claude exchange" not in remark and ": kept; " not in remark:
                self._add(1, f"left out: {remark}", is_error=False)

    def _inspect_entries(self, cassette: Cassette) -> None:
        ends = [*(entry.line for entry in cassette.entries[1:]), math.inf]
        for number, (entry, end) in enumerate(zip(cassette.entries, ends, strict=False), 1):
            try:
                exchange = entry.exchange
            except CassetteLoadError as error:
                self._add_problem(error)
                continue
            for problem, is_error in _judge(exchange, None if cassette.foreign else entry):
                self._add(entry.line, f"exchange {number}: {problem}", is_error=is_error)
            for cause in find_stale(exchange, max_age=self._max_age):
                self._found.append(
                    Finding(
                        str(self._path),
                        entry.line,
                        f"exchange {number}: stale: {cause}",
                        False,
                        _REFRESH,
                        True,
                    )
                )
            self._find_secrets(number, drop_values(exchange, self._fakes), entry, end)

    def _find_secrets(self, number: int, exchange: Exchange, entry: Entry, end: float) -> None:
        places = list(find_places(exchange, self._redactor))
        if not places:
            return
        # In a file that is not laid out as ours all begin at line 1: nobody knows which line is whose.
        lines = [candidate for candidate in self._lines if 1 < entry.line <= candidate < end]
        self._lines = [candidate for candidate in self._lines if candidate not in lines]
        if not lines and entry.bases and self._found:
            # It stands in an exchange above that this one goes on from, and is named there.
            return
        more = f" (also line {', '.join(map(str, lines[1:]))})" if lines[1:] else ""
        text = f"exchange {number}: a secret stands at {', '.join(places)}{more}"
        self._add(lines[0] if lines else entry.line, text, advice=REVOKE)


def _read_text(path: Path) -> str:
    """The text of a file as far as there is one; what cannot be read is said when the cassette is loaded."""
    limit = Limits().bytes
    try:
        content = path.read_bytes() if path.stat().st_size <= limit else b""
        content = gunzip(content, limit) if is_gzip(content) else content
    except (OSError, ValueError):
        return ""
    return content.decode("utf-8", "replace")


def _judge(exchange: Exchange, entry: Entry | None) -> Iterator[tuple[str, bool]]:
    """What is wrong with an exchange, and for each whether it is an error; `entry` where it has an id."""
    yield from ((doubt, False) for doubt in _find_doubts(exchange))
    judgment = _judge_id(exchange, entry) if entry is not None else None
    if judgment is not None:
        yield judgment


def _find_doubts(exchange: Exchange) -> Iterator[str]:
    request, response = exchange.request, exchange.response
    stream = response.body if isinstance(response.body, EventStream) else None
    if response.ended == "closed":
        yield "the application stopped reading this stream; a program that reads on fails there"
    if endpoint_of(request).operation != "messages" or response.status != 200:
        return
    if response.ended == "complete" and stream is not None and not is_finished(stream.items):
        yield "the stream stops before its end (no message_stop)"
    if (stream is not None) != wants_stream(request.body):
        kind = "no stream although one was" if stream is None else "a stream although none was"
        yield f"the answer is {kind} asked for"


def _judge_id(exchange: Exchange, entry: Entry) -> tuple[str, bool] | None:
    """What is wrong with the id of an exchange, and whether that is an error; None without a fault."""
    stated, _, _ = entry.short_id.partition("-")
    key, sent = identify_request(exchange.request)
    if not stated or (stated == key and entry.find_sent() in ("", sent)):
        return None
    if entry.find_key() is None:
        return "its id no longer fits the request: edited by hand, it answers what it asks now", False
    # Its check sum holds, so replay believes it: it was made to answer a request that is not shown here.
    return "its id is that of another request, which it would answer instead of the one written here", True
