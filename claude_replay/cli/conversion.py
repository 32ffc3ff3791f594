"""One file of another tool as a cassette of ours, and the proof that it answers as the original did."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from claude_replay.api import endpoint_of
from claude_replay.bodies import encode_body
from claude_replay.cassette import Cassette, Entry, Writer, load_cassette, save_cassette
from claude_replay.cli.secrets import find_fakes
from claude_replay.errors import CassetteError, CassetteMiss
from claude_replay.exchange import Body, EventStream, Exchange, Json, Response
from claude_replay.matching import differences
from claude_replay.redact import PLACEHOLDER, Redactor
from claude_replay.session import Run, Session, find_secret
from claude_replay.settings import Settings

__all__ = ["Conversion", "Refused", "convert"]

_NOT_CLAUDE = "not a Claude exchange"


@dataclass(frozen=True, slots=True)
class Refused:
    """An exchange that cannot be converted: where it stands, and why."""

    place: str
    reason: str


@dataclass(slots=True)
class Conversion:
    """
    What becomes of the file at `path`, which held `before`.

    `tool` wrote it; None for a cassette of ours. `content` is the new file, empty where there is none to be
    written, and `files` the side files that it names. `exchanges` counts Claude's, `equal` those that the new
    file answers as the old one did; `refused` cannot be converted, and `obstacle` says why the file as a whole
    stays as it is. `others` are exchanges with other services, which the new file does not hold; `guessed`
    those whose host was masked. `redacted` names the places where a secret stood, `headers` counts those that
    are not kept.
    """

    path: Path
    before: bytes = b""
    tool: str | None = None
    content: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    exchanges: int = 0
    equal: int = 0
    refused: list[Refused] = field(default_factory=list)
    obstacle: str = ""
    others: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)
    redacted: list[str] = field(default_factory=list)
    headers: Counter[str] = field(default_factory=Counter)

    @property
    def is_ready(self) -> bool:
        """Whether there is a new file, and nothing speaks against it."""
        return bool(self.content) and not self.has_failed

    @property
    def has_failed(self) -> bool:
        """Whether something speaks against rewriting this file."""
        return bool(self.refused or self.obstacle)

    @property
    def target(self) -> Path:
        """Where the new file goes: the same place, with an ending that says YAML."""
        name = self.path.name
        if name.endswith((".yaml", ".yml")):
            return self.path
        for ending in (".gz", ".json", ".yaml", ".yml", ".toml", ".httprr"):
            name = name.removesuffix(ending)
        return self.path.with_name(f"{name}.yaml")


def convert(path: Path, redactor: Redactor, hosts: tuple[str, ...] = ()) -> Conversion:
    """
    Read, redact, write, read again and replay; the disk is not changed.

    Exchanges with `hosts` are converted, too, as the setting `record_hosts` says.
    """
    conversion = Conversion(path)
    try:
        conversion.before = path.read_bytes()
        cassette = load_cassette(path, hosts=hosts) or Cassette()
    except CassetteError as error:
        reason = str(error).partition("\n")[0].removeprefix(f"{path}:")
        conversion.obstacle = reason.strip()
        return conversion
    conversion.tool = cassette.foreign
    if cassette.foreign is None:
        return conversion
    for remark in cassette.skipped:
        _sort(remark, conversion)
    originals = [entry.exchange for entry in cassette.entries]
    conversion.exchanges = len(originals) + len(conversion.refused)
    _learn_credentials(originals, redactor)
    clean = [redactor.exchange(original) for original in originals]
    for number, pair in enumerate(zip(originals, clean, strict=True)):
        _note_redaction(f"exchanges[{number}]", *pair, conversion)
    if clean:
        _write(clean, redactor, conversion)
    return conversion


def _sort(remark: str, conversion: Conversion) -> None:
    if _NOT_CLAUDE in remark:
        conversion.others.append(remark)
    elif ": kept; " in remark:
        conversion.guessed.append(remark)
    else:
        place, _, reason = remark.partition(": ")
        conversion.refused.append(Refused(place, reason))


def _learn_credentials(exchanges: list[Exchange], redactor: Redactor) -> None:
    # A key that stands in a header may stand in a body too, whatever it looks like.
    for exchange in exchanges:
        fakes = find_fakes(exchange, redactor)
        for headers in (exchange.request.headers, exchange.response.headers):
            real = {name: value for name, value in headers.items() if value not in fakes}
            for credential in redactor.credentials_in(real):
                redactor.add_literal(credential)


# ---------------------------------------------------------------------- what redaction changed


def _note_redaction(place: str, before: Exchange, after: Exchange, conversion: Conversion) -> None:
    for side in ("request", "response"):
        was, now = getattr(before, side), getattr(after, side)
        conversion.headers.update(name for name in was.headers if name not in now.headers)
        # The boundary of an upload goes, too, which is no secret.
        changed = [
            name for name, value in now.headers.items() if value != was.headers[name] and PLACEHOLDER in value
        ]
        conversion.redacted += [f"{place}.{side}.headers.{name}" for name in changed]
        conversion.redacted += [f"{place}.{side}.{path}" for path in _changed(was.body, now.body)]
    if before.request.url != after.request.url:
        conversion.redacted.append(f"{place}.request.url")


def _changed(before: Body, after: Body) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, Json) and isinstance(after, Json):
        yield from (f"body.{change.path}" for change in differences(after.value, before.value))
    elif isinstance(before, EventStream) and isinstance(after, EventStream):
        for number, (was, now) in enumerate(zip(before.items, after.items, strict=False)):
            if was != now:
                yield f"events[{number}]"
    else:
        yield "body"


# ---------------------------------------------------------------------- the new file, and the proof


def _write(clean: list[Exchange], redactor: Redactor, conversion: Conversion) -> None:
    writer, entries = Writer(), list[Entry]()
    for number, exchange in enumerate(clean):
        entry = Entry(exchange=exchange)
        try:
            form = writer.form(entry)
        except ValueError as error:
            conversion.refused.append(Refused(f"exchanges[{number}]", f"cannot be written: {error}"))
            continue
        if place := find_secret(exchange, form, redactor):
            reason = f"a secret would be left at {place}"
            conversion.refused.append(Refused(f"exchanges[{number}]", reason))
            continue
        writer.keep(entry, form)
        entries.append(entry)
        conversion.files.update(form.files)
    with tempfile.TemporaryDirectory(prefix="claude-replay-") as folder:
        path = Path(folder, "cassette.yaml")
        try:
            save_cassette(path, entries)
        except CassetteError as error:
            conversion.obstacle = str(error)
            return
        conversion.content = path.read_bytes()
        _replay(path, [entry.exchange for entry in entries], conversion)


def _replay(path: Path, expected: list[Exchange], conversion: Conversion) -> None:
    session = _open(path)
    for number, exchange in enumerate(expected):
        problem = _compare(session, exchange)
        if problem is None:
            conversion.equal += 1
        else:
            conversion.refused.append(Refused(f"exchanges[{number}]", problem))


def _open(path: Path) -> Session:
    session = Session(
        path=path,
        settings=Settings(unplayed="ignore"),
        run=_run(),
        label="claude-replay migrate",
        command=lambda mode: f"--claude-record={mode}",
        environ=os.environ,
        explicit=True,
    )
    return session.open()


@cache
def _run() -> Run:
    return Run()


def _compare(session: Session, exchange: Exchange) -> str | None:
    """What is wrong with the answer to a request, None where it is the recorded one."""
    request, recorded = exchange.request, exchange.response
    try:
        entry = session.begin(request, endpoint_of(request))
    except CassetteMiss as miss:
        return f"the new file does not answer it ({miss.reason})"
    assert isinstance(entry, Entry)
    answer = entry.answer[0]
    return None if _is_same(answer, recorded) else "the new file answers it otherwise"


def _is_same(answer: Response, recorded: Response) -> bool:
    return answer == recorded and encode_body(answer.body) == encode_body(recorded.body)
