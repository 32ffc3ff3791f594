"""What stands in other tools' cassettes, read without any code of ours: the measure for how they are read."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Original", "read_originals"]


@dataclass(frozen=True, slots=True)
class Original:
    """
    One interaction; the bodies are unpacked, header names lower case.

    `url` is a path alone where the tool keeps no host.
    """

    method: str
    url: str
    asked_headers: dict[str, str]
    asked: bytes
    status: int
    answered_headers: dict[str, str]
    answered: bytes


class _Loader(yaml.CSafeLoader):
    """Reads the few tags that are in the corpus."""


def _construct_istr(loader: yaml.CSafeLoader, node: yaml.SequenceNode) -> object:
    return loader.construct_sequence(node)[0]


def _construct_binary(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> bytes:
    return base64.b64decode(node.value)


_Loader.add_constructor("tag:yaml.org,2002:python/object/apply:multidict._multidict.istr", _construct_istr)
_Loader.add_constructor("!binary", _construct_binary)


def read_originals(path: Path, tool: str) -> list[Original]:
    """All interactions of a file that `tool` wrote, in file order."""
    return list(_READERS[tool](path))


def _read_yaml(path: Path) -> list[Any]:
    content = path.read_bytes()
    return list(yaml.load_all(gzip.decompress(content) if path.suffix == ".gz" else content, Loader=_Loader))


def _read_vcrpy(path: Path) -> Iterator[Original]:
    (document,) = _read_yaml(path)
    if "requests" in document:
        halves = list(zip(document["requests"], document["responses"], strict=True))
    else:
        halves = [(item["request"], item["response"]) for item in document["interactions"]]
    for asked, answered in halves:
        yield _original(asked, asked["uri"], answered, answered["status"]["code"])


def _read_vcr(path: Path) -> Iterator[Original]:
    (document,) = _read_yaml(path)
    for item in document["http_interactions"]:
        status = item["response"]["status"]
        code = status["code"] if isinstance(status, dict) else status
        yield _original(item["request"], item["request"]["uri"], item["response"], code)


def _read_govcr(path: Path) -> Iterator[Original]:
    (document,) = _read_yaml(path)
    for item in document["interactions"]:
        yield _original(item["request"], item["request"]["url"], item["response"], item["response"]["code"])


def _read_testagent(path: Path) -> Iterator[Original]:
    item = json.loads(path.read_bytes())
    yield _original(
        item["request"], item["request"]["url"], item["response"], item["response"]["status"]["code"]
    )


def _read_httpmock(path: Path) -> Iterator[Original]:
    for item in _read_yaml(path):
        asked, answered = (
            {**item[half], "headers": {pair["name"]: str(pair["value"]) for pair in item[half]["header"]}}
            for half in ("when", "then")
        )
        assert asked["query_param"] == []
        yield _original(asked, asked["path"], answered, answered["status"])


def _read_httprr(path: Path) -> Iterator[Original]:
    rest = path.read_bytes().removeprefix(b"httprr trace v1\n")
    while rest:
        lengths, rest = rest.split(b"\n", 1)
        sizes = [int(length) for length in lengths.split()]
        asked, answered, rest = rest[: sizes[0]], rest[sizes[0] : sum(sizes)], rest[sum(sizes) :]
        (first, asked_headers, asked_body), (last, headers, body) = map(_read_message, (asked, answered))
        method, url, _ = first.split()
        yield Original(method, url, asked_headers, asked_body, int(last.split()[1]), headers, body)


def _read_message(message: bytes) -> tuple[str, dict[str, str], bytes]:
    head, body = message.split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    return first, {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in lines}, body


_READERS: dict[str, Callable[[Path], Iterator[Original]]] = {
    "vcrpy": _read_vcrpy,
    "VCR": _read_vcr,
    "go-vcr": _read_govcr,
    "ddapm-test-agent": _read_testagent,
    "httpmock": _read_httpmock,
    "httprr": _read_httprr,
}


def _original(asked: dict[str, Any], url: str, answered: dict[str, Any], status: int) -> Original:
    return Original(
        asked["method"].upper(),
        url,
        _headers(asked),
        _bytes(asked),
        status,
        _headers(answered),
        _bytes(answered),
    )


def _bytes(fields: dict[str, Any]) -> bytes:
    body = fields.get("body")
    body = body.get("string") if isinstance(body, dict) else body
    content = body.encode() if isinstance(body, str) else body or b""
    return zlib.decompress(content, wbits=31) if content.startswith(b"\x1f\x8b") else content


def _headers(fields: dict[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, values in (fields.get("headers") or {}).items():
        texts = values if isinstance(values, list) else [values]
        headers[name.lower()] = ", ".join(
            text.decode() if isinstance(text, bytes) else str(text) for text in texts
        )
    return headers
