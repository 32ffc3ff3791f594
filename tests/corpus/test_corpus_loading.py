"""
Every cassette of the corpus is loaded, whatever tool wrote it, and nothing of it is lost.

The corpus is not part of this repository: name its folder in the environment as CLAUDE_REPLAY_CORPUS.
"""

from __future__ import annotations

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

from claude_replay.api import identify
from claude_replay.bodies import MULTIPART_BOUNDARY, encode_body
from claude_replay.cassette.formats import find_format
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Binary, Body, EventStream, Exchange, Json, Multipart, Text
from foreign_originals import Original, read_originals

CORPUS = os.environ.get("CLAUDE_REPLAY_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS names no folder")

# How many files and exchanges there are, by project and by the tool that wrote them.
FILES = {
    "0xPlaygrounds__rig": 341,
    "DataDog__dd-trace-py": 51,
    "activeagents__activeagent": 194,
    "alexrudall__anthropic": 19,
    "charmbracelet__fantasy": 50,
    "crmne__ruby_llm": 84,
    "langchain-ai__langchain": 24,
    "open-telemetry__opentelemetry-python-contrib": 20,
    "open-telemetry__opentelemetry-python-contrib__anthropic_removed": 26,
    "posit-dev__chatlas": 42,
    "tidyverse__ellmer": 23,
    "tmc__langchaingo": 4,
    "traceloop__openllmetry": 104,
}
EXCHANGES = {
    "0xPlaygrounds__rig": 473,
    "DataDog__dd-trace-py": 53,
    "activeagents__activeagent": 214,
    "alexrudall__anthropic": 22,
    "charmbracelet__fantasy": 75,
    "crmne__ruby_llm": 150,
    "langchain-ai__langchain": 65,
    "open-telemetry__opentelemetry-python-contrib": 25,
    "open-telemetry__opentelemetry-python-contrib__anthropic_removed": 26,
    "posit-dev__chatlas": 96,
    "tidyverse__ellmer": 50,
    "tmc__langchaingo": 5,
    "traceloop__openllmetry": 122,
}
TOOLS = {"VCR": 436, "ddapm-test-agent": 4, "go-vcr": 75, "httpmock": 473, "httprr": 5, "vcrpy": 383}
REMARKS = {
    "not a Claude exchange": 14,
    "kept; its host '**REDACTED**' was taken for api.anthropic.com": 3,
    # An upload of R's vcr, which kept the name of the file and not what is in it.
    "request.body: only the names of the form's fields were recorded, not the bytes that were sent": 1,
}
REFUSED: dict[str, str] = {}
# Originals whose answer is not whole: `file[interaction]` and what is wrong with it.
BROKEN = {
    # Its last event lacks the empty line that ends it.
    "0xPlaygrounds__rig/tests/cassettes/anthropic/prompt_caching/"
    "streaming_prompt_caching_reuses_tool_cache.yaml[1]": "the stream has no end",
}
BODIES = {
    ("Json", "Json"): 906,
    ("Json", "EventStream"): 423,
    ("NoneType", "Json"): 40,
    ("Multipart", "Json"): 5,
    ("NoneType", "JsonLines"): 2,
}
STATUSES = {200: 1331, 400: 21, 401: 12, 403: 3, 404: 9}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A cassette as our reader sees it."""

    path: Path
    tool: str
    exchanges: tuple[Exchange, ...]
    remarks: tuple[str, ...]

    @property
    def project(self) -> str:
        return self.path.relative_to(CORPUS).parts[0]

    def pairs(self) -> Iterator[tuple[str, Exchange, Original]]:
        """Each exchange with its name and its original."""
        lost = {_position(remark) for remark in self.remarks if ": kept; " not in remark}
        found = enumerate(read_originals(self.path, self.tool))
        originals = [item for item in found if item[0] not in lost]
        for exchange, (position, original) in zip(self.exchanges, originals, strict=True):
            yield f"{self.path.relative_to(CORPUS)}[{position}]", exchange, original


def _position(remark: str) -> int:
    found = re.match(r"\w+\[(\d+)\]: ", remark)
    assert found is not None
    return int(found[1])


@cache
def load_corpus() -> tuple[list[Loaded], dict[str, str]]:
    """What could be loaded, and what was refused with which message."""
    loaded: list[Loaded] = []
    refused: dict[str, str] = {}
    for path in sorted(Path(CORPUS).glob("*/**/*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        found = find_format(content)
        assert found is not None, path
        try:
            exchanges, remarks = found.load(content, str(path))
        except CassetteLoadError as error:
            refused[str(path.relative_to(CORPUS))] = str(error)
        else:
            loaded.append(Loaded(path, found.name, tuple(exchanges), tuple(remarks)))
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
            events.append((name, _parse("\n".join(data))))
        if not line:
            name, data = None, []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return events


def _parse(data: str) -> object:
    try:
        return json.loads(data)
    except ValueError:
        # `[DONE]` of gateways, and what a test made of an answer on purpose.
        return data


def find_damage(body: Body) -> str | None:
    """What is missing in an answer, None where it is whole."""
    if isinstance(body, EventStream) and body.padding is None:
        events = [event for event in split_events(encode_body(body)) if event[1] != "[DONE]"]
        return None if events[-1][0] == "message_stop" and not body.tail.strip() else "the stream has no end"
    if isinstance(body, (Binary, EventStream)):
        return None if _is_whole(encode_body(body)) else "the AWS event stream is cut or damaged"
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
    tools: Counter[str] = Counter()
    for item in loaded:
        tools[item.tool] += len(item.exchanges)
    assert tools == TOOLS
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
    """JSON is equal as parsed, server-sent events as a sequence by name, all else byte by byte."""
    for item in load_corpus()[0]:
        for name, exchange, original in item.pairs():
            for body, content in (
                (exchange.request.body, original.asked),
                (exchange.response.body, original.answered),
            ):
                encoded = encode_body(body)
                if isinstance(body, Json):
                    assert json.loads(encoded) == json.loads(content), name
                elif isinstance(body, EventStream) and body.padding is None:
                    assert split_events(encoded) == split_events(content), name
                elif isinstance(body, Multipart):
                    # What a client writes about a part's length says nothing about the part.
                    boundary = content[2 : content.index(b"\r\n")]
                    expected = content.replace(boundary, MULTIPART_BOUNDARY.encode())
                    assert encoded == re.sub(rb"\r\nContent-Length: [0-9]+", b"", expected), name
                else:
                    assert encoded == content, name


def test_every_status_header_and_address_is_equal_to_its_original() -> None:
    """All headers are kept, but for those that described how a body traveled."""
    for item in load_corpus()[0]:
        for name, exchange, original in item.pairs():
            assert exchange.request.method == original.method, name
            if "REDACTED" not in original.url:
                # httpmock keeps the path only.
                assert exchange.request.url.endswith(original.url), name
                assert "://" not in original.url or exchange.request.url == original.url, name
            assert exchange.request.headers == original.asked_headers, name
            assert exchange.response.status == original.status, name
            kept = dict(original.answered_headers)
            for header in ("content-encoding", "content-length", "transfer-encoding"):
                kept.pop(header, None)
            assert exchange.response.headers == kept, name


def test_broken_originals_are_known_by_name() -> None:
    """An answer that is not whole in the original is listed, and no other is."""
    broken = {}
    for item in load_corpus()[0]:
        for name, exchange, _ in item.pairs():
            if damage := find_damage(exchange.response.body):
                broken[name] = damage
    assert broken == BROKEN
