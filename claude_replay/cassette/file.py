"""A whole cassette file: text to entries and back."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from claude_replay.cassette.document import nearest_key
from claude_replay.cassette.entry import ADVICE, Entry
from claude_replay.cassette.links import Links
from claude_replay.cassette.media import Media
from claude_replay.cassette.store import write_bytes
from claude_replay.cassette.writer import write_all
from claude_replay.cassette.yamltext import Limits, YamlError, emit, read
from claude_replay.errors import CassetteLoadError, CassetteSaveError

__all__ = ["VERSION", "Cassette", "dump_cassette", "load_cassette", "parse_cassette", "save_cassette"]

VERSION = 1
_COMMENT = b"# claude_replay cassette; to read it as a conversation: claude-replay show FILE\n"
_OURS = _COMMENT.partition(b";")[0]
_HEADER_KEYS = ("version", "incomplete", "exchanges")
_EXCHANGES = b"\nexchanges:\n"
# How nearly every cassette begins; a parser for these three lines would be felt in each test.
_PLAIN_HEAD = _COMMENT + b"version: 1\nexchanges:\n"
# YAML's mark for the end of a document. An answer that lost its end would often still be valid YAML.
_END = b"\n..."
_NEWLINE = b"\n"
_CONFLICT = b"<<<<<<< "
# Where an exchange begins, and what git leaves of a merge: every line of a text is indented, so nothing else looks so.
_MARKS = re.compile(rb"\n(?:(- )|<<<<<<< )")
_POINTER = b"continues"
_TAIL = 1000
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends
_MORE = 1000  # bytes to ask for beyond the size, which the system does not know of every file


@dataclass(slots=True)
class Cassette:
    """
    The exchanges of one file in the order they were issued.

    `incomplete` lists the tests that recorded into it and have not passed yet; `comments` are the user's own
    lines at the top; `foreign` names the tool that wrote the file where it was not this one; `skipped` names
    exchanges of a foreign file that cannot be used, with the reason.
    """

    entries: list[Entry] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    comments: bytes = b""
    foreign: str | None = None
    skipped: tuple[str, ...] = ()


def load_cassette(path: Path, *, hosts: Sequence[str] = ()) -> Cassette | None:
    """
    Read the cassette at `path`, ours or a foreign one; None where there is no such file.

    Of a foreign one, exchanges with `hosts` are read besides Claude's (the setting `record_hosts`). Raises
    CassetteLoadError that names file and line and what to do; the file is never changed.
    """
    try:
        content = _read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CassetteLoadError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_cassette(content, str(path), hosts=hosts)


def _read_bytes(path: Path) -> bytes:
    # By its descriptor: a file object asks the system twice as often, which is felt where each test has a file.
    descriptor = os.open(path, os.O_RDONLY | _BINARY)
    try:
        size = os.fstat(descriptor).st_size
        _check_size(size, str(path))
        pieces: list[bytes] = []
        while piece := os.read(descriptor, size + _MORE):
            pieces.append(piece)
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def _check_size(size: int, name: str) -> None:
    most = Limits().bytes
    if size > most:
        raise CassetteLoadError(
            f"{name}: {size:,} bytes, more than the {most:,} a cassette may have\n{ADVICE}"
        )


def parse_cassette(content: bytes, name: str, *, hosts: Sequence[str] = ()) -> Cassette:
    """
    Read the bytes of a cassette file; `name` stands in messages, `hosts` is that of `load_cassette`.

    Of a file in our own layout only the parts are told from each other: what is wrong inside an exchange is
    said when somebody looks at it.
    """
    if not content.startswith(_OURS) and (foreign := _load_foreign(content, name, hosts)):
        return foreign
    if b"\r" in content:
        # A checkout on Windows may have changed the line ends; a carriage return of a text is always escaped.
        content = content.replace(b"\r\n", b"\n")
    return _parse_own(content.removeprefix(codecs.BOM_UTF8), name)


def _load_foreign(content: bytes, name: str, hosts: Sequence[str]) -> Cassette | None:
    # Not imported by those who have no such files.
    from claude_replay.cassette.formats import find_format

    known = find_format(content)
    if known is None:
        return None
    exchanges, skipped = known.load(content, name, hosts)
    entries = [Entry(name=name, line=1, data=None, exchange=exchange) for exchange in exchanges]
    return Cassette(entries, foreign=known.name, skipped=tuple(skipped))


def _parse_own(content: bytes, name: str) -> Cassette:
    starts = _find_starts(content, name)
    first = content.find(_EXCHANGES) + len(_EXCHANGES)
    if first < len(_EXCHANGES) or not content.startswith(b"- ", first):
        return _parse_whole(content, name)
    is_plain = first == len(_PLAIN_HEAD) and content.startswith(_PLAIN_HEAD)
    header = {} if is_plain else _read_header(content[:first], name)
    end = _find_end(content, name)
    entries = _split(content, [start for start in starts if first <= start < end], end, name)
    if is_plain:
        return Cassette(entries)
    return Cassette(entries, _waiting(header, name), _find_comments(content[:first]))


def _find_starts(content: bytes, name: str) -> list[int]:
    """Where the items of lists begin; raises CassetteLoadError for a merge conflict."""
    if content.startswith(_CONFLICT):
        raise _conflict(content, 0, name)
    starts = []
    for found in _MARKS.finditer(content):
        if found.lastindex is None:
            raise _conflict(content, found.start() + 1, name)
        starts.append(found.start() + 1)
    return starts


def _conflict(content: bytes, start: int, name: str) -> CassetteLoadError:
    found = content[start:].split(_NEWLINE, 1)[0].decode("utf-8", "replace")
    return CassetteLoadError(
        f"{name}:{content.count(_NEWLINE, 0, start) + 1}: git left a merge conflict here ({found!r})\n"
        "Keep one side (git checkout --ours FILE, or --theirs), or both by deleting the marks, or delete the "
        "file and record it anew: pytest --claude-record=once"
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
        raise _not_ours(name, "a mapping with version and exchanges was expected")
    version = header.get("version")
    if type(version) is int and version > VERSION:
        raise CassetteLoadError(
            f"{name}:1: written as version {version} by a newer claude_replay; this one reads up to "
            f"{VERSION}. Upgrade it: pip install -U pytest-claude-replay"
        )
    for key in header:
        if key not in _HEADER_KEYS:
            raise _not_ours(name, f"the key {key!r:.60} is not known; {nearest_key(key, _HEADER_KEYS)}")
    if version != VERSION or type(version) is not int:
        raise _not_ours(name, f"the version is {version!r:.60}, not {VERSION}")
    return header


def _not_ours(name: str, problem: str) -> CassetteLoadError:
    return CassetteLoadError(f"{name}:1: this is not a claude_replay cassette: {problem}\n{ADVICE}")


def _waiting(header: dict[str, object], name: str) -> list[str]:
    waiting = header.get("incomplete", [])
    if not isinstance(waiting, list) or not all(isinstance(label, str) for label in waiting):
        raise CassetteLoadError(f"{name}:2: 'incomplete' lists the tests that have not passed yet\n{ADVICE}")
    return waiting


def _find_comments(header: bytes) -> bytes:
    lines = header.splitlines(keepends=True)
    return b"".join(line for line in lines if line.startswith(b"#") and line != _COMMENT)


def _find_end(content: bytes, name: str) -> int:
    tail = content[-_TAIL:].rstrip()
    if not tail.endswith(_END):
        last = content.count(_NEWLINE, 0, len(content) - 1) + 1
        raise CassetteLoadError(
            f"{name}:{last}: the last line of a cassette is '...', and here it is missing, so the file may "
            f"be cut (if it is whole, add that line)\n{ADVICE}"
        )
    return max(len(content) - _TAIL, 0) + len(tail) - len(_END) + 1


def _split(content: bytes, starts: Sequence[int], end: int, name: str) -> list[Entry]:
    entries: list[Entry] = []
    line = content.count(_NEWLINE, 0, starts[0]) + 1
    for start, following in pairwise((*starts, end)):
        data = content[start:following]
        entries.append(Entry(name=name, line=line, data=data))
        if following < end:
            line += data.count(_NEWLINE)
    if content.find(_POINTER, starts[0]) >= 0:
        _link(entries)
    return entries


def _link(entries: Iterable[Entry]) -> None:
    links = Links[Entry]()
    for entry in entries:
        entry.link(links)


def _parse_whole(content: bytes, name: str) -> Cassette:
    # Not in our own layout (written by hand, changed by a tool, or empty): read it as any YAML document.
    header = _read_header(content, name)
    documents = header.get("exchanges")
    if not isinstance(documents, list):
        raise CassetteLoadError(
            f"{name}:1: a list of exchanges was expected under 'exchanges'; the file may be cut\n{ADVICE}"
        )
    entries = [Entry(name=name, line=1, document=document) for document in documents]
    _link(entries)
    for entry in entries:
        entry.exchange  # noqa: B018  # parses it
    return Cassette(entries, _waiting(header, name))


def save_cassette(
    path: Path,
    entries: Iterable[Entry],
    *,
    incomplete: Sequence[str] = (),
    comments: bytes = b"",
    home: str = "",
) -> None:
    """
    Replace the cassette at `path`, once the side files that it names are there (see `Media` for where).

    Raises CassetteSaveError; the file and all that was there before is then as it was.
    """
    items, files = write_all(entries)
    content = _join(items, incomplete, comments)
    Media(path, home=home).write(files)
    write_bytes(path, content)


def dump_cassette(
    entries: Iterable[Entry], *, incomplete: Sequence[str] = (), comments: bytes = b""
) -> bytes:
    """
    The bytes of a cassette file that needs no others: media that it does not name already stay in it.

    Raises CassetteSaveError where it would be larger than the reader accepts.
    """
    items, _ = write_all(entries, has_media=False)
    return _join(items, incomplete, comments)


def _join(items: Sequence[bytes], incomplete: Sequence[str], comments: bytes) -> bytes:
    head = f"version: {VERSION}\n" + (emit({"incomplete": list(incomplete)}) if incomplete else "")
    start = b"exchanges:\n" if items else b"exchanges: []\n"
    content = b"".join([_COMMENT, comments, head.encode("utf-8"), start, *items, _END[1:], _NEWLINE])
    if len(content) > Limits().bytes:
        raise CassetteSaveError(
            f"the cassette would have more than {Limits().bytes:,} bytes; record fewer exchanges into one "
            "file (one cassette per test is the default)"
        )
    return content
