"""The text of another tool's file, and the document in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TypeVar

from claude_replay.cassette.formats.plainyaml import read_plain_documents, read_plain_yaml
from claude_replay.cassette.formats.unpack import gunzip, is_gzip
from claude_replay.cassette.yamltext import Limits, YamlError
from claude_replay.errors import CassetteLoadError

__all__ = ["find_list", "read_document", "read_documents", "read_source", "refuse"]

_CONFLICT = re.compile(r"^(?:<{7}|>{7}) .*$", re.MULTILINE)
_ADVICE = (
    "The file was left as it is. Repair it by hand, take it from version control again, or delete it and "
    "record it anew: pytest --claude-record=once"
)
_Read = TypeVar("_Read")


def refuse(name: str, line: int, problem: str) -> CassetteLoadError:
    """The error for a file that cannot be read as a whole."""
    return CassetteLoadError(f"{name}:{line}: {problem}\n{_ADVICE}")


def read_source(content: bytes, name: str) -> str:
    """The text of a file, unpacked where it is gzip; raises CassetteLoadError with file and line."""
    if is_gzip(content):
        try:
            content = gunzip(content, Limits().bytes)
        except ValueError as error:
            raise refuse(name, 1, str(error)) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refuse(name, line, f"the file is not UTF-8 text ({error.reason})") from None
    # Inside a quoted value a marker would pass for a part of the recorded text.
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise refuse(name, line, f"git left a merge conflict here ({conflict.group()!r:.60})")
    return text


def read_document(content: bytes, name: str, *, core: bool = False) -> object:
    """
    The document of a YAML or JSON file as plain values; raises CassetteLoadError with file and line.

    `core` reads YAML by the rules of version 1.2, where `1:30` is text, not by those of PyYAML and Ruby.
    """
    text = read_source(content, name)
    if text.lstrip().startswith(("{", "[")):
        return _read_json(text, name)
    return _refusing(name, lambda: read_plain_yaml(text, name, Limits(), core=core))


def read_documents(content: bytes, name: str) -> list[object]:
    """All documents of a YAML file; raises CassetteLoadError with file and line."""
    text = read_source(content, name)
    return _refusing(name, lambda: read_plain_documents(text, name, Limits()))


def _refusing(name: str, read: Callable[[], _Read]) -> _Read:
    try:
        return read()
    except YamlError as error:
        raise refuse(name, error.line, error.problem) from None


def _read_json(text: str, name: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise refuse(name, error.lineno, f"not JSON: {error.msg}") from None
    except (ValueError, RecursionError):
        raise refuse(name, 1, "JSON that is nested too deep, or holds a number that is too long") from None


def find_list(document: object, key: str, name: str) -> list[object]:
    """The list of interactions under `key`; raises CassetteLoadError where there is none."""
    found = document.get(key) if isinstance(document, dict) else None
    if isinstance(found, list):
        return found
    raise refuse(name, 1, f"a list was expected under {key!r}; the file may be cut")
