"""
Images, PDFs and files in files of their own, beside the cassettes.

In a cassette stands what such a file is called and how large it is, `{side_file: 3f2a….png, size: 68213}`, in
place of the base64; its name is the start of the SHA-256 of its content, so what is sent ten times is kept once. The
key `media` of a request or response names them, and only where it stands does such a mapping mean a file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from claude_replay.cassette.store import real_path, write_bytes

__all__ = [
    "FOLDER",
    "Media",
    "find_names",
    "is_media_name",
    "put_back",
    "read_bytes",
    "take_out",
    "take_out_bytes",
]

FOLDER = "_media"
"""What the folder of side files is called."""
ATTRIBUTES = ".gitattributes"
"""A file in it that tells git to leave the others as they are."""

# In characters of base64, or in bytes.
_LARGE = 4096
_NAME = r"[0-9a-f]{32}\.[a-z0-9]{1,5}"
_NAMES_IN_TEXT = re.compile(rb"(?<![0-9a-zA-Z])" + _NAME.encode() + rb"(?![0-9a-zA-Z])")
_FILE, _SIZE = "side_file", "size"
_KEYS = {_FILE, _SIZE}
_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/plain": "txt",
}
_UNKNOWN = "bin"


def is_media_name(name: str) -> bool:
    """Whether a side file could be called that."""
    return re.fullmatch(_NAME, name) is not None


def find_names(content: bytes) -> set[str]:
    """The names of side files anywhere in the text of a cassette or journal."""
    return {found.decode() for found in _NAMES_IN_TEXT.findall(content)}


# ------------------------------------------------------------------ in a body


def take_out(value: object, files: dict[str, bytes]) -> object:
    """
    A JSON value with its large media named instead of written out; the same object where there are none.

    What was taken out is added to `files`, by name.
    """
    if not any(_is_media(fields) for fields in _walk(value)) or any(map(_is_named, _walk(value))):
        return value
    return _take_out(value, files)


def _walk(value: object) -> Iterator[dict[str, object]]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _is_named(fields: Mapping[str, object]) -> bool:
    return fields.keys() == _KEYS


def _is_media(fields: Mapping[str, object]) -> bool:
    data = fields.get("data")
    if not isinstance(data, str) or len(data) < _LARGE:
        return False
    return (fields.get("type") == "base64" or "media_type" in fields) and _decode(data) is not None


def _decode(data: str) -> bytes | None:
    """The bytes of base64 that comes back as it stands, None for any other text."""
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if base64.b64encode(content).decode("ascii") == data else None


def _take_out(value: object, files: dict[str, bytes]) -> object:
    if isinstance(value, list):
        return [_take_out(item, files) for item in value]
    if not isinstance(value, dict):
        return value
    if not _is_media(value):
        return {key: _take_out(item, files) for key, item in value.items()}
    content = _decode(value["data"])
    assert content is not None
    name = _add(content, value.get("media_type"), files)
    return {**value, "data": {_FILE: name, _SIZE: len(content)}}


def _add(content: bytes, media_type: object, files: dict[str, bytes]) -> str:
    kind = media_type.partition(";")[0].strip().lower() if isinstance(media_type, str) else ""
    name = f"{_digest(content)}.{_ENDINGS.get(kind, _UNKNOWN)}"
    files[name] = content
    return name


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def take_out_bytes(content: bytes, media_type: str, files: dict[str, bytes]) -> object:
    """A binary body, or what stands for it where it is large."""
    if len(content) < _LARGE:
        return content
    name = _add(content, media_type, files)
    return {_FILE: name, _SIZE: len(content)}


def read_bytes(value: object, read: Callable[[str, object], bytes]) -> bytes | None:
    """The binary body that `take_out_bytes` wrote; None for what it does not write. Raises ValueError."""
    if isinstance(value, bytes):
        return value
    named = isinstance(value, dict) and _is_named(value)
    return read(str(value[_FILE]), value[_SIZE]) if isinstance(value, dict) and named else None


def put_back(value: object, read: Callable[[str, object], bytes], place: str) -> object:
    """
    A JSON value with the content of the side files that it names, as base64.

    Raises ValueError that begins with the place.
    """
    if isinstance(value, list):
        return [put_back(item, read, f"{place}[{position}]") for position, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if not _is_named(value):
        return {key: put_back(item, read, f"{place}.{key}") for key, item in value.items()}
    try:
        return base64.b64encode(read(str(value[_FILE]), value[_SIZE])).decode("ascii")
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


# ------------------------------------------------------------------ on the disk


class Media:
    """
    The side files of the cassette at `cassette`.

    They are looked for in the folders `_media` beside the cassette and beside every folder above it, so a
    cassette may be moved within the folder of all. New ones go to the nearest that is there; where none is,
    beside the folder called `home`, or else the cassette.
    """

    def __init__(self, cassette: Path, *, home: str = "") -> None:
        # Where it is now; the folders above are looked at when somebody asks for a side file.
        self._cassette = cassette.absolute()
        self._home = Path(home).parts

    @cached_property
    def _parents(self) -> tuple[Path, ...]:
        return tuple(_parents(real_path(self._cassette)))

    def read(self, name: str, size: object) -> bytes:
        """The content of a side file; raises ValueError where it is missing or was changed."""
        if not is_media_name(name):
            raise ValueError(f"{name!r:.60} is no name of a side file")
        path = next((path for path in self._paths(name) if path.is_file()), None)
        if path is None:
            raise ValueError(
                f"the side file {name} is missing; it was looked for in {self._parents[0] / FOLDER} and in "
                f"{FOLDER} beside the folders above it"
            )
        try:
            # Not read at all if it is another: it may be of any size.
            content = path.read_bytes() if path.stat().st_size == size else b""
        except OSError as error:
            raise ValueError(f"the side file {path} cannot be read: {error.strerror}") from None
        if not name.startswith(_digest(content) + "."):
            raise ValueError(f"the side file {path} was changed: its content is not what its name stands for")
        return content

    def _paths(self, name: str) -> Iterator[Path]:
        return (folder / FOLDER / name for folder in self._parents)

    @property
    def folder(self) -> Path:
        """Where new side files go."""
        there = next((folder for folder in self._parents if (folder / FOLDER).is_dir()), None)
        home = next((folder for folder in self._parents if self._is_home(folder)), None)
        return (there or home or self._parents[0]) / FOLDER

    def _is_home(self, folder: Path) -> bool:
        return bool(self._home) and folder.parts[-len(self._home) :] == self._home

    def write(self, files: Mapping[str, bytes]) -> None:
        """Keep side files that are not there yet, each whole or not at all; raises CassetteSaveError."""
        for name, content in files.items():
            if not self._has(name, len(content)):
                folder = self.folder
                if not (folder / ATTRIBUTES).exists():
                    # Or git on Windows changes the line ends of what looks like text, and so its hash.
                    write_bytes(folder / ATTRIBUTES, b"* -text\n")
                write_bytes(folder / name, content)

    def _has(self, name: str, size: int) -> bool:
        try:
            return bool(self.read(name, size))
        except ValueError:
            return False


def _parents(cassette: Path) -> Iterator[Path]:
    for folder in cassette.parents:
        yield folder
        if (folder / ".git").exists():
            return
