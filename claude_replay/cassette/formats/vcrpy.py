"""Cassettes of Python's vcrpy, pytest-recording and pytest-vcr, with the serializers found in the wild."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import zip_longest

from claude_replay.cassette.formats.addresses import find_address, find_host
from claude_replay.cassette.formats.plainyaml import read_plain_yaml
from claude_replay.cassette.formats.recorded import read_body, read_headers, read_status
from claude_replay.cassette.formats.unpack import Unpacker, gunzip, is_gzip
from claude_replay.cassette.yamltext import Limits, YamlError
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Body, Exchange, Request, Response

__all__ = ["load", "recognize"]

# go-vcr writes the same first key under `version: 2`. langchain keeps two lists, `requests` and `responses`.
_YAML_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb"(?:[ \t]*(?:#[^\n]*)?\r?\n|---[^\n]*\n|version: 1\s*\n|metadata:[^\n]*\n(?:[ \-][^\n]*\n)*+)*+"
    rb"(?:interactions:(?=\s|\Z)|requests:\s*(?:\[\]|\n- ))"
)
_JSON_HEAD = re.compile(rb'\s*\{\s*(?:"version"\s*:\s*1\s*,\s*)?"interactions"\s*:')
_CONFLICT = re.compile(r"^(?:<{7}|>{7}) .*$", re.MULTILINE)
# The body is kept unpacked, so these no longer describe it.
_TRANSPORT_HEADERS = ("content-encoding", "content-length", "transfer-encoding")
_ADVICE = (
    "The file was left as it is. Repair it by hand, take it from version control again, or delete it and "
    "record it anew: pytest --claude-record=once"
)

_Document = Mapping[str, object]


def recognize(head: bytes) -> bool:
    """Whether a file that begins like this is one of vcrpy's."""
    return bool(_YAML_HEAD.match(head) or _JSON_HEAD.match(head))


def load(content: bytes, name: str) -> tuple[list[Exchange], list[str]]:
    """
    The Claude exchanges of a cassette in file order, and a line for each interaction left out or guessed at.

    Raises CassetteLoadError with file and line where the file cannot be read.
    """
    interactions = _find_interactions(_read_document(_read_text(content, name), name), name)
    exchanges: list[Exchange] = []
    remarks: list[str] = []
    unpacker = Unpacker(Limits().bytes)
    for position, (asked, answered) in enumerate(interactions):
        try:
            exchange, remark = _read_exchange(asked, answered, unpacker)
        except ValueError as error:
            remarks.append(f"interactions[{position}]: {error}")
            continue
        exchanges.append(exchange)
        if remark is not None:
            remarks.append(f"interactions[{position}]: {remark}")
    return exchanges, remarks


def _read_text(content: bytes, name: str) -> str:
    if is_gzip(content):
        try:
            content = gunzip(content, Limits().bytes)
        except ValueError as error:
            raise _refuse(name, 1, str(error)) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refuse(name, line, f"the file is not UTF-8 text ({error.reason})") from None
    # Inside a quoted value a marker would pass for a part of the recorded text.
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise _refuse(name, line, f"git left a merge conflict here ({conflict.group()!r:.60})")
    return text


def _read_document(text: str, name: str) -> _Document:
    is_json = text.lstrip().startswith("{")
    try:
        document = json.loads(text) if is_json else read_plain_yaml(text, name, Limits())
    except YamlError as error:
        raise _refuse(name, error.line, error.problem) from None
    except json.JSONDecodeError as error:
        raise _refuse(name, error.lineno, f"not JSON: {error.msg}") from None
    except (ValueError, RecursionError):
        raise _refuse(name, 1, "JSON that is nested too deep, or holds a number that is too long") from None
    if not isinstance(document, dict):
        raise _refuse(name, 1, "a mapping with 'interactions' was expected")
    if not is_json and "interactions" in document and document.get("version") != 1:
        # vcrpy writes the version last, so it is the first thing to be missing in a file that was cut.
        found = f"it is {document['version']!r:.60}" if "version" in document else "there is none"
        raise _refuse(name, 1, f"'version: 1' was expected at the end, {found}; the file may be cut")
    return document


def _find_interactions(document: _Document, name: str) -> list[tuple[object, object]]:
    if "interactions" in document:
        found = document["interactions"]
        if isinstance(found, list):
            items = [item if isinstance(item, dict) else {} for item in found]
            return [(item.get("request"), item.get("response")) for item in items]
    else:
        asked, answered = document.get("requests"), document.get("responses")
        if isinstance(asked, list) and isinstance(answered, list):
            return list(zip_longest(asked, answered))
    lists = "'interactions'" if "interactions" in document else "'requests' and 'responses'"
    raise _refuse(name, 1, f"a list was expected under {lists}; the file may be cut")


def _refuse(name: str, line: int, problem: str) -> CassetteLoadError:
    return CassetteLoadError(f"{name}:{line}: {problem}\n{_ADVICE}")


def _read_exchange(asked: object, answered: object, unpacker: Unpacker) -> tuple[Exchange, str | None]:
    request, remark = _read_request(_mapping(asked, "request"), unpacker)
    fields = _mapping(answered, "response")
    headers = read_headers(fields.get("headers"), "response.headers")
    body = read_body(fields, headers, "response.body", unpacker)
    kept = {name: value for name, value in headers.items() if name not in _TRANSPORT_HEADERS}
    return Exchange(request, Response(read_status(fields), kept, body)), remark


def _read_request(fields: _Document, unpacker: Unpacker) -> tuple[Request, str | None]:
    method, url = fields.get("method"), fields.get("uri")
    if not isinstance(method, str) or not isinstance(url, str):
        raise ValueError("request: 'method' and 'uri' were expected, as text")
    method = method.upper()
    headers = read_headers(fields.get("headers"), "request.headers")
    body: Body = None
    problem: ValueError | None = None
    try:
        body = read_body(fields, headers, "request.body", unpacker)
    except ValueError as error:
        problem = error
    address = find_address(method, url, headers, body)
    if address is None:
        raise ValueError(f"not a Claude exchange ({find_host(url) or 'no host'})")
    if problem is not None:
        raise problem
    remark = (
        f"kept; its host {find_host(url)!r} was taken for {find_host(address)}" if address != url else None
    )
    kept = {name: value for name, value in headers.items() if name != "content-encoding"}
    return Request(method, address, kept, body), remark


def _mapping(value: object, place: str) -> _Document:
    if isinstance(value, dict):
        return value
    raise ValueError(f"the {place} is missing" if value is None else f"{place}: a mapping was expected")
