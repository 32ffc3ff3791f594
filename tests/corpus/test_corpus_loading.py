"""
Every vcrpy cassette of the corpus is loaded, and nothing of it is lost.

The corpus is not part of this repository: name its folder in the environment as CLAUDE_REPLAY_CORPUS.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml

from claude_replay.api import identify
from claude_replay.bodies import encode_body
from claude_replay.cassette.formats import find_format
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Binary, Body, EventStream, Exchange, Json, Text

CORPUS = os.environ.get("CLAUDE_REPLAY_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS names no folder")

SUFFIXES = (".yaml", ".yml", ".yaml.gz", ".json")

# How many files, exchanges and other interactions there are in the cassettes that vcrpy wrote.
FILES = {
    "DataDog__dd-trace-py": 47,
    "langchain-ai__langchain": 24,
    "open-telemetry__opentelemetry-python-contrib": 20,
    "open-telemetry__opentelemetry-python-contrib__anthropic_removed": 26,
    "posit-dev__chatlas": 42,
    "traceloop__openllmetry": 104,
}
EXCHANGES = {
    "DataDog__dd-trace-py": 49,
    "langchain-ai__langchain": 65,
    "open-telemetry__opentelemetry-python-contrib": 25,
    "open-telemetry__opentelemetry-python-contrib__anthropic_removed": 26,
    "posit-dev__chatlas": 96,
    "traceloop__openllmetry": 122,
}
REMARKS = {
    "not a Claude exchange": 4,
    "kept; its host '**REDACTED**' was taken for api.anthropic.com": 3,
}
REFUSED: dict[str, str] = {}
# Originals whose answer is not whole: `file[interaction]` and what is wrong with it.
BROKEN: dict[str, str] = {}
BODIES = {
    ("Json", "Json"): 195,
    ("Json", "EventStream"): 139,
    ("Json", "Binary"): 42,
    ("NoneType", "Json"): 5,
    ("Binary", "Json"): 2,
}
STATUSES = {200: 373, 400: 2, 401: 5, 403: 1, 404: 2}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A cassette as our reader sees it."""

    path: Path
    exchanges: tuple[Exchange, ...]
    remarks: tuple[str, ...]

    @property
    def project(self) -> str:
        return self.path.relative_to(CORPUS).parts[0]

    def pairs(self) -> Iterator[tuple[str, Exchange, Original]]:
        """Each exchange with its name and its original."""
        lost = {_position(remark) for remark in self.remarks if ": kept; " not in remark}
        originals = [item for item in enumerate(_read_originals(self.path)) if item[0] not in lost]
        for exchange, (position, original) in zip(self.exchanges, originals, strict=True):
            yield f"{self.path.relative_to(CORPUS)}[{position}]", exchange, original


@dataclass(frozen=True, slots=True)
class Original:
    """An interaction as PyYAML reads it, the bodies unpacked by zlib."""

    request: dict[str, object]
    response: dict[str, object]
    asked: bytes
    answered: bytes


class _Loader(yaml.CSafeLoader):
    """Reads the few tags that are in the corpus."""


def _construct_istr(loader: yaml.CSafeLoader, node: yaml.SequenceNode) -> object:
    return loader.construct_sequence(node)[0]


_Loader.add_constructor("tag:yaml.org,2002:python/object/apply:multidict._multidict.istr", _construct_istr)


def _position(remark: str) -> int:
    found = re.match(r"interactions\[(\d+)\]: ", remark)
    assert found is not None
    return int(found[1])


def _read_originals(path: Path) -> list[Original]:
    content = path.read_bytes()
    document = yaml.load(gzip.decompress(content) if path.suffix == ".gz" else content, Loader=_Loader)
    if "requests" in document:
        halves = list(zip(document["requests"], document["responses"], strict=True))
    else:
        halves = [(item["request"], item["response"]) for item in document["interactions"]]
    return [Original(asked, answered, _bytes(asked), _bytes(answered)) for asked, answered in halves]


def _bytes(fields: dict[str, object]) -> bytes:
    body = fields["body"]
    body = body["string"] if isinstance(body, dict) else body
    content = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
    return zlib.decompress(content, wbits=31) if content.startswith(b"\x1f\x8b") else content


@cache
def load_corpus() -> tuple[list[Loaded], dict[str, str]]:
    """What could be loaded, and what was refused with which message."""
    loaded: list[Loaded] = []
    refused: dict[str, str] = {}
    for path in sorted(Path(CORPUS).rglob("*")):
        if not path.is_file() or not path.name.endswith(SUFFIXES):
            continue
        content = path.read_bytes()
        found = find_format(content)
        if found is None or found.name != "vcrpy":
            continue
        try:
            exchanges, remarks = found.load(content, str(path))
        except CassetteLoadError as error:
            refused[str(path.relative_to(CORPUS))] = str(error)
        else:
            loaded.append(Loaded(path, tuple(exchanges), tuple(remarks)))
    return loaded, refused


def split_events(content: bytes) -> list[tuple[str | None, object]]:
    """Name and parsed data of each event of a stream, by the rules of the HTML standard."""
    events: list[tuple[str | None, object]] = []
    name: str | None = None
    data: list[str] = []
    for line in re.split("\r\n|\n|\r", content.decode()):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line and data:
            events.append((name, json.loads("\n".join(data))))
        if not line:
            name, data = None, []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return events


def find_damage(body: Body) -> str | None:
    """What is missing in an answer, None where it is whole."""
    if isinstance(body, EventStream):
        names = [name for name, _ in split_events(encode_body(body))]
        return None if names[-1:] == ["message_stop"] and not body.tail else "the stream has no end"
    if isinstance(body, Binary):
        return None if _is_whole(body.data) else "the AWS event stream is cut or damaged"
    return "not what its content-type says" if isinstance(body, Text) else None


def _is_whole(data: bytes) -> bool:
    # Frames of application/vnd.amazon.eventstream: two lengths, their checksum, …, the checksum of all.
    while len(data) >= 16:
        size, _, checksum = struct.unpack(">III", data[:12])
        if size > len(data) or zlib.crc32(data[:8]) != checksum:
            return False
        if zlib.crc32(data[: size - 4]) != int.from_bytes(data[size - 4 : size]):
            return False
        data = data[size:]
    return not data


def test_every_file_and_exchange_is_counted() -> None:
    """Nothing is skipped in silence: files, exchanges, remarks and refusals are what they are known to be."""
    loaded, refused = load_corpus()
    assert Counter(item.project for item in loaded) == FILES
    exchanges: Counter[str] = Counter()
    for item in loaded:
        exchanges[item.project] += len(item.exchanges)
    assert exchanges == EXCHANGES
    remarks = [remark.partition(": ")[2] for item in loaded for remark in item.remarks]
    assert Counter(re.sub(r" \(.*\)$", "", remark) for remark in remarks) == REMARKS
    assert refused == REFUSED


def test_every_kind_of_body_and_status_is_counted() -> None:
    """No body falls back to text or bytes that is JSON or an event stream."""
    pairs = [exchange for item in load_corpus()[0] for exchange in item.exchanges]
    kinds = Counter((type(one.request.body).__name__, type(one.response.body).__name__) for one in pairs)
    assert kinds == BODIES
    assert Counter(one.response.status for one in pairs) == STATUSES


def test_every_exchange_is_one_that_replay_knows() -> None:
    """Whatever a filter took away, the address of each exchange says what was asked."""
    for item in load_corpus()[0]:
        for name, exchange, _ in item.pairs():
            request = exchange.request
            assert identify(request.method, request.url, request.headers) is not None, name


def test_every_body_is_equal_to_its_original() -> None:
    """JSON is equal as parsed, event streams as sequences of named events, all else byte by byte."""
    for item in load_corpus()[0]:
        for name, exchange, original in item.pairs():
            for body, content in (
                (exchange.request.body, original.asked),
                (exchange.response.body, original.answered),
            ):
                encoded = encode_body(body)
                if isinstance(body, Json):
                    assert json.loads(encoded) == json.loads(content), name
                elif isinstance(body, EventStream):
                    assert split_events(encoded) == split_events(content), name
                else:
                    assert encoded == content, name


def test_every_status_header_and_address_is_equal_to_its_original() -> None:
    """All headers are kept, but for those that described how a body traveled."""
    for item in load_corpus()[0]:
        for name, exchange, original in item.pairs():
            assert exchange.request.method == original.request["method"], name
            if "REDACTED" not in str(original.request["uri"]):
                assert exchange.request.url == original.request["uri"], name
            assert exchange.request.headers == _headers(original.request), name
            status = original.response["status"]
            assert isinstance(status, dict)
            assert exchange.response.status == status["code"], name
            kept = _headers(original.response)
            for header in ("content-encoding", "content-length", "transfer-encoding"):
                kept.pop(header, None)
            assert exchange.response.headers == kept, name


def _headers(fields: dict[str, object]) -> dict[str, str]:
    headers: dict[str, str] = {}
    recorded = fields["headers"]
    assert isinstance(recorded, dict)
    for name, values in recorded.items():
        texts = values if isinstance(values, list) else [values]
        headers[name.lower()] = ", ".join(
            text.decode() if isinstance(text, bytes) else text for text in texts
        )
    return headers


def test_broken_originals_are_known_by_name() -> None:
    """An answer that is not whole in the original is listed, and no other is."""
    broken = {}
    for item in load_corpus()[0]:
        for name, exchange, _ in item.pairs():
            if damage := find_damage(exchange.response.body):
                broken[name] = damage
    assert broken == BROKEN
