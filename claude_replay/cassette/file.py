"""A whole cassette file: text to entries and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
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
_ITEM = re.compile(r"^- ", re.MULTILINE)
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: .*)?$", re.MULTILINE)
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
        raise CassetteLoadError(f"{name}: {len(content):,} bytes, more than the {Limits().bytes:,} a cassette may have\n{ADVICE}")
    foreign = find_format(content)
    if foreign is not None:
        exchanges, skipped = foreign.load(content, name)
        entries = [Entry(name=name, line=1, text=None, exchange=exchange) for exchange in exchanges]
        return Cassette(entries, foreign=foreign.name, skipped=tuple(skipped))
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise CassetteLoadError(f"{name}:{line}: the file is not UTF-8 text ({error.reason})\n{ADVICE}") from None
    return _parse_own(text, name)


def _parse_own(text: str, name: str) -> Cassette:
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise CassetteLoadError(
            f"{name}:{line}: git left a merge conflict here ({conflict.group()!r})\n"
            "Keep one side of it (git checkout --ours FILE, or --theirs), or delete the file and record it anew."
        )
    head, marker, _ = text.partition("\nexchanges:\n")
    first = len(head) + len(marker)
    if marker and text.startswith("- ", first):
        header = _read_header(head + marker, name)
        return Cassette(_split(text, first, name), _waiting(header, name))
    return _parse_whole(text, name)


def _read_header(text: str, name: str) -> dict[str, object]:
    header = _yaml(lambda: read(text, name=name))
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


def _split(text: str, first: int, name: str) -> list[Entry]:
    starts = [match.start() for match in _ITEM.finditer(text, first)]
    line = text.count("\n", 0, first) + 1
    entries = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        chunk = text[start:end]
        entries.append(Entry(name=name, line=line, text=chunk, exchange=None))
        line += chunk.count("\n")
    if entries and not text.endswith("\n"):
        entries[-1] = Entry(name=name, line=entries[-1].line, text=text[starts[-1] :] + "\n", exchange=None)
    return entries


def _parse_whole(text: str, name: str) -> Cassette:
    # Not in our own layout (edited by a tool, or empty): read it as any YAML document.
    header = _read_header(text, name)
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
        entries.append(Entry(name=name, line=1, text=None, exchange=exchange))
    return Cassette(entries, _waiting(header, name))


def _yaml(reading: Callable[[], object]) -> object:
    try:
        return reading()
    except YamlError as error:
        raise CassetteLoadError(f"{error}\n{ADVICE}") from None


def dump_cassette(entries: Iterable[Entry], *, incomplete: Sequence[str] = ()) -> str:
    """
    The text of a cassette file.

    Raises CassetteSaveError where it would be larger than the reader accepts.
    """
    items = [entry.text for entry in entries]
    parts = [_COMMENT, f"version: {VERSION}\n"]
    if incomplete:
        parts.append(emit({"incomplete": list(incomplete)}))
    parts.extend(["exchanges:\n", *items] if items else ["exchanges: []\n"])
    text = "".join(parts)
    if len(text) > Limits().bytes // 4 and len(text.encode()) > Limits().bytes:
        raise CassetteSaveError(
            f"the cassette would have more than {Limits().bytes:,} bytes; record fewer exchanges into one file "
            "(one cassette per test is the default)"
        )
    return text
