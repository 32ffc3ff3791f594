"""Cassettes of vcrpy are read as they are, whatever serializer wrote them and whatever else is in them."""

from __future__ import annotations

import base64
import gzip
import json
import types
import zlib

import pytest
import yaml
from vcr.request import Request as VcrRequest
from vcr.serialize import serialize
from vcr.serializers import jsonserializer, yamlserializer

from claude_replay.cassette import parse_cassette
from claude_replay.cassette.formats import find_format
from claude_replay.exchange import Binary, Event, EventStream, Json, Meta, Text
from vcrpy_cassettes import (
    ANSWER,
    ANSWER_TEXT,
    ASKED,
    ASKED_TEXT,
    EXPECTED,
    JSON,
    URL,
    Fields,
    cassette,
    interaction,
    load,
    load_one,
    remark,
)

STREAM = 'event: message_start\ndata: {"type":"message_start"}\n\nevent: ping\ndata: {"type":"ping"}\n\n'
EVENTS = EventStream((Event("message_start", {"type": "message_start"}), Event("ping", {"type": "ping"})))


class TestRecognition:
    @pytest.mark.parametrize(
        "start",
        [
            "interactions:\n- request: {}\n",
            "interactions: []\nversion: 1\n",
            "interactions:",
            "\ufeffinteractions:\n",
            "# by hand\n\n---\ninteractions:\n",
            "version: 1\ninteractions:\n",
            "version: 1\r\ninteractions:\r\n",
            "metadata:\n  at: 1\n- x\ninteractions:\n",
            "requests:\n- body: null\n",
            "requests: []\nresponses: []\n",
            '{"version": 1, "interactions": []}',
            '\n{\n "interactions" : []}',
        ],
    )
    def test_a_vcrpy_cassette_is_known_by_its_first_lines(self, start: str) -> None:
        """What vcrpy, its serializers and people write before the first interaction does not hide it."""
        for content in (start.encode(), gzip.compress(start.encode(), mtime=0)):
            found = find_format(content)
            assert found is not None
            assert found.name == "vcrpy"

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"# claude_replay cassette\nversion: 1\nexchanges:\n- id: a\n",
            b"version: 1\nexchanges: []\n",
            b"version: 1\nexchanges:\n- text: |\n    x\ninteractions:\n",
            b"---\nversion: 2\ninteractions:\n- id: 0\n",
            b"---\nhttp_interactions:\n- request:\n",
            b"when:\n  path: /v1/messages\n",
            b'{"log": {"entries": []}}',
            b'{"version": 2, "interactions": []}',
            b"interactions_of: x\n",
            b"\x1f\x8bnot gzip at all",
            gzip.compress(b"version: 1\nexchanges: []\n", mtime=0),
            b"metadata:\n" + b"\n" * 5000,
        ],
    )
    def test_other_files_are_left_to_others(self, content: bytes) -> None:
        """Our own cassettes and those of other tools are not taken for vcrpy's."""
        found = find_format(content)
        assert found is None or found.name != "vcrpy"

    def test_a_cassette_is_read_through_the_front_door(self) -> None:
        """`parse_cassette` says which tool wrote the file and what it left out."""
        content = cassette(interaction(), interaction({"uri": "https://example.com/v1/chat"}))
        parsed = parse_cassette(content, "c.yaml")
        assert parsed.foreign == "vcrpy"
        assert [entry.exchange for entry in parsed.entries] == [EXPECTED]
        assert parsed.skipped == ("interactions[1]: not a Claude exchange (example.com)",)


class TestLayouts:
    @pytest.mark.parametrize("serializer", [yamlserializer, jsonserializer], ids=["yaml", "json"])
    def test_what_vcrpy_itself_writes_is_read(self, serializer: types.ModuleType) -> None:
        """A cassette from vcrpy's own serializers, metadata included, gives the recorded exchange."""
        request = VcrRequest("POST", URL, ASKED_TEXT, {"Content-Type": "application/json"})
        response = {
            "status": {"code": 200, "message": "OK"},
            "headers": {"Content-Type": ["application/json"]},
            "body": {"string": ANSWER_TEXT.encode()},
        }
        recorded = {"requests": [request], "responses": [response], "metadata": {"seed": 7}}
        assert load(serialize(recorded, serializer)) == ([EXPECTED], [])

    def test_parallel_lists_of_requests_and_responses_are_read(self) -> None:
        """langchain's persister keeps all requests, then all responses, in a compressed file."""
        whole = interaction({"body": ASKED_TEXT.encode()})
        halves = {"requests": [whole["request"]] * 2, "responses": [whole["response"]]}
        exchanges, remarks = load(gzip.compress(yaml.safe_dump(halves).encode(), mtime=0))
        assert exchanges == [EXPECTED]
        assert remarks == ["interactions[1]: the response is missing"]

    @pytest.mark.parametrize(
        "asked",
        [
            {"body": ASKED_TEXT},
            {"body": ASKED_TEXT.encode()},
            {"body": {"string": ASKED_TEXT}},
            {"body": json.dumps(ASKED, indent=2)},
            {"body": None, "parsed_body": ASKED},
            {
                "body": gzip.compress(ASKED_TEXT.encode(), mtime=0),
                "headers": JSON | {"Content-Encoding": "gzip"},
            },
            {"method": "post"},
        ],
    )
    def test_a_request_body_is_the_same_however_it_was_kept(self, asked: Fields) -> None:
        """Text, bytes, a mapping, pretty-printed, parsed and compressed bodies are one body."""
        assert load_one(asked) == EXPECTED

    @pytest.mark.parametrize(
        "answered",
        [
            {"body": ANSWER_TEXT},
            {"body": ANSWER_TEXT.encode()},
            {"body": {"string": ANSWER_TEXT.encode()}},
            {"body": {"base64_string": base64.b64encode(ANSWER_TEXT.encode()).decode()}},
            {"body": {"string": json.dumps(ANSWER, indent=2)}},
            {"body": None, "parsed_body": ANSWER},
            {"body": {"string": ANSWER_TEXT}, "parsed_body": None},
            {"status": 200},
            {"status": "200"},
            {"headers": {"Content-Type": "application/json"}},
            {"headers": {b"CONTENT-TYPE": [b"application/json"]}},
            {"headers": JSON | {"Content-Length": [3], "Transfer-Encoding": "chunked"}},
        ],
    )
    def test_a_response_is_the_same_however_it_was_kept(self, answered: Fields) -> None:
        """Bodies, statuses and headers in any of the layouts of vcrpy's history are one response."""
        assert load_one(None, answered) == EXPECTED

    def test_the_layout_of_old_httpx_stubs_is_read(self) -> None:
        """`status_code` and `content` stood where `status` and `body` stand now."""
        recorded = interaction()
        recorded["response"] = {"status_code": 200, "headers": JSON, "content": ANSWER_TEXT}
        assert load(cassette(recorded)) == ([EXPECTED], [])

    def test_headers_are_lower_case_and_joined(self) -> None:
        """Header values in lists, of several kinds, twice in different case: one text for each name."""
        headers = {"A": ["1", b"2"], "B": 3, "C": None, "D": ["x"], "d": ["x"], "E": ["x"], "e": ["y"]}
        exchange = load_one(None, {"headers": JSON | headers})
        assert exchange.response.headers == {
            "content-type": "application/json",
            "a": "1, 2",
            "b": "3",
            "c": "",
            "d": "x",
            "e": "x, y",
        }
        assert load_one(None, {"headers": None}).response.headers == {}

    def test_nothing_is_known_of_when_it_was_recorded(self) -> None:
        """vcrpy keeps no times."""
        assert load_one().meta == Meta()

    @pytest.mark.parametrize("body", [None, "", {"string": ""}, {"string": None}, {}])
    def test_an_empty_body_is_none(self, body: object) -> None:
        """No text and no bytes are no body."""
        assert load_one({"method": "GET", "uri": f"{URL}/batches", "body": body}).request.body is None

    def test_a_dates_text_stays_in_a_parsed_body(self) -> None:
        """A date without quotes is the text that stood there; so are `<<` and `=`."""
        content = cassette(interaction(None, {"parsed_body": {"a": "DAY", "b": "MERGE", "c": "SAME"}}))
        content = (
            content.replace(b"DAY", b"2026-11-22 10:00:00").replace(b"MERGE", b"<<").replace(b"SAME", b"=")
        )
        exchanges, _ = load(content)
        assert exchanges[0].response.body == Json({"a": "2026-11-22 10:00:00", "b": "<<", "c": "="})

    def test_a_parsed_body_keeps_its_types(self) -> None:
        """Numbers, truth values and null come back as such, texts that look like them as texts."""
        value = {
            "a": [1, -2.5, 1e30, True, False, None],
            "b": ["1", "1e5", "true", "null", "1:30", "0x1f", ""],
        }
        assert load_one(None, {"parsed_body": value}).response.body == Json(value)

    def test_an_event_stream_is_a_list_of_events_even_if_it_was_cut(self) -> None:
        """A stream without `message_stop` is loaded as what it is, with what stood after the last event."""
        headers = {"content-type": ["text/event-stream; charset=utf-8"]}
        assert load_one(None, {"headers": headers, "body": {"string": STREAM}}).response.body == EVENTS
        body = load_one(None, {"headers": headers, "body": {"string": STREAM + "event: mess"}}).response.body
        assert body == EventStream(EVENTS.items, "event: mess")

    def test_what_is_not_json_stays_text(self) -> None:
        """A body that says JSON but is not is kept as it stands, and one that is not text as bytes."""
        assert load_one(None, {"body": {"string": '{"cut": '}}).response.body == Text('{"cut": ')
        assert load_one(None, {"body": {"string": b"\xff\x00"}}).response.body == Binary(b"\xff\x00")


class TestCompression:
    @pytest.mark.parametrize(
        ("encoding", "content"),
        [
            ("gzip", gzip.compress(ANSWER_TEXT.encode(), mtime=0)),
            ("x-gzip", gzip.compress(ANSWER_TEXT.encode(), mtime=0)),
            ("GZIP", ANSWER_TEXT),
            ("deflate", zlib.compress(ANSWER_TEXT.encode())),
            ("deflate", zlib.compress(ANSWER_TEXT.encode())[2:-4]),
            ("deflate", ANSWER_TEXT),
            ("br", ANSWER_TEXT),
            ("identity", ANSWER_TEXT),
            ("deflate, gzip", gzip.compress(zlib.compress(ANSWER_TEXT.encode()), mtime=0)),
            ("**REDACTED**", gzip.compress(ANSWER_TEXT.encode(), mtime=0)),
            ("**REDACTED**", ANSWER_TEXT),
        ],
    )
    def test_a_body_is_unpacked_whether_or_not_it_still_is_compressed(
        self, encoding: str, content: str | bytes
    ) -> None:
        """The header may tell the truth, stand over a body that was unpacked long ago, or be masked."""
        headers = JSON | {"Content-Encoding": [encoding]}
        assert load_one(None, {"headers": headers, "body": {"string": content}}) == EXPECTED

    def test_a_compressed_body_without_the_header_is_unpacked(self) -> None:
        """A filter took the header away; JSON and event streams never begin like gzip, files may."""
        packed = gzip.compress(ANSWER_TEXT.encode(), mtime=0)
        assert load_one(None, {"body": {"string": packed}}) == EXPECTED
        headers = {"content-type": ["application/gzip"]}
        kept = load_one(None, {"headers": headers, "body": {"string": packed}})
        assert kept.response.body == Binary(packed)

    def test_masked_content_types_are_told_by_the_body(self) -> None:
        """Where the header says `**REDACTED**`, events and JSON are known by how they look."""
        headers = {"content-type": "**REDACTED**"}
        assert load_one(None, {"headers": headers}).response.body == Json(ANSWER)
        assert load_one(None, {"headers": headers, "body": {"string": STREAM}}).response.body == EVENTS
        packed = gzip.compress(STREAM.encode(), mtime=0)
        assert load_one(None, {"headers": headers, "body": {"string": packed}}).response.body == EVENTS

    @pytest.mark.parametrize(
        ("encoding", "content", "reason"),
        [
            ("gzip", gzip.compress(b"x" * 99, mtime=0)[:-9], "the gzip data ends too early; it may be cut"),
            (
                "gzip",
                gzip.compress(b"x", mtime=0)[:-8] + b"\0" * 8,
                "the gzip data is damaged (CRC check failed",
            ),
            ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\0" + b"\xff" * 20, "the gzip data is damaged (Error"),
            ("aws-chunked", b"\xff", "the content-encoding 'aws-chunked' is not known"),
        ],
    )
    def test_a_body_that_cannot_be_unpacked_is_skipped_with_the_reason(
        self, encoding: str, content: bytes, reason: str
    ) -> None:
        """A damaged body costs its own exchange, not the file."""
        headers = JSON | {"content-encoding": encoding}
        line = remark(None, {"headers": headers, "body": {"string": content}})
        assert line.startswith(f"interactions[0]: response.body: {reason}")
