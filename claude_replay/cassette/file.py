"""A whole cassette file: text to entries and back."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from claude_replay.cassette.document import load_exchange
from claude_replay.cassette.entry import ADVICE, Entry
from claude_replay.cassette.formats import find_format
from claude_replay.cassette.yamltext import Limits, YamlError, emit, read
from claude_replay.errors import CassetteLoadError, CassetteSaveError

__all__ = ["VERSION", "Cassette", "dump_cassette", "load_cassette", "parse_cassette"]

VERSION = 1
_COMMENT = "# claude_replay cassette; to read it as a conversation: claude-replay show FILE\n"
_CONFLICT_MARKERS = (b"\n<<<<<<< ", b"\n=======\n", b"\n>>>>>>> ")
_NEWLINE = b"\n"
_EXCHANGES = b"\nexchanges:\n"
_HEADER_KEYS = {"version", "incomplete", "exchanges"}


@dataclass(slots=True)
class Cassette:
    """
    The exchanges of one file in the order they were issued.

    `incomplete` lists the tests that recorded into it and have not passed yet; `foreign` names the tool that wrote the file
    where it was not this one; `skipped` names exchanges of a foreign file that cannot be used, with the reason.
    """

    entries: list[Entry] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    foreign: str | None = None
    skipped: tuple[str, ...] = ()


def load_cassette(path: Path) -> Cassette | None:
    """
    Read the cassette at `path`, ours or a foreign one; None where there is no such file.

    Raises CassetteLoadError that names file and line and what to do; the file is never changed.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CassetteLoadError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_cassette(content, str(path))


def parse_cassette(content: bytes, name: str) -> Cassette:
    """Read the bytes of a cassette file; `name` stands in messages."""
    if len(content) > Limits().bytes:
        most = f"{Limits().bytes:,}"
        raise CassetteLoadError(f"{name}: {len(content):,} bytes, more than the {most} a cassette may have\n{ADVICE}")
    foreign = find_format(content)
    if foreign is not None:
        exchanges, skipped = foreign.load(content, name)
        entries = [Entry(name=name, line=1, data=None, exchange=exchange) for exchange in exchanges]
        return Cassette(entries, foreign=foreign.name, skipped=tuple(skipped))
    if b"\r" in content:
        # A checkout on Windows may have changed the line ends; a carriage return of a text is always escaped.
        content = content.replace(b"\r\n", b"\n")
    return _parse_own(content.removeprefix(codecs.BOM_UTF8), name)


def _parse_own(content: bytes, name: str) -> Cassette:
    if any(marker in content for marker in _CONFLICT_MARKERS):
        _refuse_conflict(content, name)
    first = content.find(_EXCHANGES) + len(_EXCHANGES)
    if first >= len(_EXCHANGES) and content.startswith(b"- ", first):
        header = _read_header(content[:first], name)
        return Cassette(_split(content, first, name), _waiting(header, name))
    return _parse_whole(content, name)


def _refuse_conflict(content: bytes, name: str) -> None:
    # Every line of a text is indented, so these can only be git's.
    start = min(at for marker in _CONFLICT_MARKERS if (at := content.find(marker)) >= 0) + 1
    found = content[start:].split(b"\n", 1)[0].decode("utf-8", "replace")
    raise CassetteLoadError(
        f"{name}:{content.count(_NEWLINE, 0, start) + 1}: git left a merge conflict here ({found!r})\n"
        "Keep one side of it (git checkout --ours FILE, or --theirs), or delete the file and record it anew."
    )


def _read_header(content: bytes, name: str) -> dict[str, object]:
    try:
        header = read(content.decode("utf-8"), name=name)
    except YamlError as error:
        raise CassetteLoadError(f"{error}\n{ADVICE}") from None
    except UnicodeDecodeError as error:
        line = content.count(_NEWLINE, 0, error.start) + 1
        raise CassetteLoadError(f"{name}:{line}: the file is not UTF-8 text\n{ADVICE}") from None
    if not isinstance(header, dict):
        raise CassetteLoadError(f"{name}:1: this is not a cassette: a mapping with version and exchanges was expected\n{ADVICE}")
    version = header.get("version")
    if type(version) is int and version > VERSION:
        raise CassetteLoadError(
            f"{name}:1: written as version {version} by a newer claude_replay; this one reads up to {VERSION}. "
            "Upgrade it: pip install -U pytest-claude-replay"
        )
    unknown = ", ".join(map(repr, set(header) - _HEADER_KEYS))
    if version != VERSION or unknown:
        problem = f"the key {unknown} is not known" if unknown else f"the version is {version!r}, not {VERSION}"
        raise CassetteLoadError(f"{name}:1: this is not a claude_replay cassette: {problem}\n{ADVICE}")
    return header


def _waiting(header: dict[str, object], name: str) -> list[str]:
    waiting = header.get("incomplete", [])
    if not isinstance(waiting, list):
        raise CassetteLoadError(f"{name}:2: 'incomplete' lists the tests that have not passed yet\n{ADVICE}")
    return [str(label) for label in waiting]


def _split(content: bytes, first: int, name: str) -> list[Entry]:
    entries: list[Entry] = []
    start, line = first, content.count(_NEWLINE, 0, first) + 1
    while start < len(content):
        end = content.find(b"\n- ", start) + 1 or len(content)
        data = content[start:end]
        entries.append(Entry(name=name, line=line, data=data if data.endswith(_NEWLINE) else data + _NEWLINE))
        start, line = end, line + data.count(_NEWLINE)
    return entries


def _parse_whole(content: bytes, name: str) -> Cassette:
    # Not in our own layout (edited by a tool, or empty): read it as any YAML document.
    header = _read_header(content, name)
    documents = header.get("exchanges")
    if documents is None and "exchanges" in header:
        documents = []
    if not isinstance(documents, list):
        raise CassetteLoadError(f"{name}:1: a list of exchanges was expected under 'exchanges'; the file may be cut\n{ADVICE}")
    entries = []
    for position, document in enumerate(documents):
        try:
            exchange = load_exchange(document)
        except ValueError as error:
            raise CassetteLoadError(f"{name}: exchanges[{position}]: {error}\n{ADVICE}") from None
        entries.append(Entry(name=name, line=1, data=None, exchange=exchange))
    return Cassette(entries, _waiting(header, name))


def dump_cassette(entries: Iterable[Entry], *, incomplete: Sequence[str] = ()) -> bytes:
    """
    The bytes of a cassette file.

    Raises CassetteSaveError where it would be larger than the reader accepts.
    """
    items = [entry.data for entry in entries]
    head = f"{_COMMENT}version: {VERSION}\n" + (emit({"incomplete": list(incomplete)}) if incomplete else "")
    content = b"".join([head.encode("utf-8"), b"exchanges:\n" if items else b"exchanges: []\n", *items])
    if len(content) > Limits().bytes:
        raise CassetteSaveError(
            f"the cassette would have more than {Limits().bytes:,} bytes; record fewer exchanges into one file "
            "(one cassette per test is the default)"
        )
    return content
