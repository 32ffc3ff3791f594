"""
The same two exchanges as each tool that we read keeps them, for tests of how they are read.

Written for these tests. The layout of cassetter's and http-snapshot's files is that of what these tools (0.16.1
and 0.1.9) wrote when they recorded the stand-in; that of the others is the layout of public cassettes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from claude_replay.exchange import Deltas, Event, EventStream, Exchange, Json, Meta, Request, Response

__all__ = ["ANSWER", "ASKED", "EXCHANGES", "SAMPLES", "STREAMED", "URL", "meta_of"]

URL = "https://api.anthropic.com/v1/messages"
ASKED: dict[str, object] = {
    "model": "claude-sonnet-5",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "Hé,\nwho's there?"}],
}
STREAMED: dict[str, object] = {**ASKED, "stream": True}
ANSWER: dict[str, object] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [{"type": "text", "text": "Yes: 1:30"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 3},
}
_START: dict[str, object] = {"type": "message_start", "message": {**ANSWER, "content": []}}
_BEGIN: dict[str, object] = {
    "type": "content_block_start",
    "index": 0,
    "content_block": {"type": "text", "text": ""},
}
_PIECES = ("Né", "ver\n", "mind")
_ENDS: tuple[dict[str, object], ...] = ({"type": "content_block_stop", "index": 0}, {"type": "message_stop"})


def _events() -> list[tuple[str, dict[str, object]]]:
    deltas: list[dict[str, object]] = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        for piece in _PIECES
    ]
    return [(str(data["type"]), data) for data in (_START, _BEGIN, *deltas, *_ENDS)]


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_JSON = {"content-type": "application/json", "request-id": "req_1"}
_SSE = {"content-type": "text/event-stream; charset=utf-8", "request-id": "req_2"}
_SSE_TEXT = "".join(f"event: {name}\ndata: {_dump(data)}\n\n" for name, data in _events())
_ASKED_WITH = {"content-type": "application/json", "anthropic-version": "2023-06-01"}

EXCHANGES = (
    Exchange(Request("POST", URL, _ASKED_WITH, Json(ASKED)), Response(200, _JSON, Json(ANSWER))),
    Exchange(
        Request("POST", URL, _ASKED_WITH, Json(STREAMED)),
        Response(
            200,
            _SSE,
            EventStream(
                (
                    Event("message_start", _START),
                    Event("content_block_start", _BEGIN),
                    Deltas(0, "text_delta", _PIECES),
                    *(Event(str(end["type"]), end) for end in _ENDS),
                )
            ),
        ),
    ),
)
"""What every sample means, but for what a tool knows besides (see `meta_of`)."""

_TWO = ((ASKED, _JSON, _dump(ANSWER)), (STREAMED, _SSE, _SSE_TEXT))


def meta_of(name: str) -> Meta:
    """What the sample of this name says of when and how long."""
    known = {
        "VCR (Ruby)": Meta("2026-07-13T23:13:07Z"),
        "VCR (Ruby, JSON)": Meta("2026-07-13T23:13:07Z"),
        "vcr (R)": Meta("2026-08-02T22:26:41Z"),
        "go-vcr (version 2)": Meta(duration=2.189),
        "cassetter (YAML)": Meta("2026-11-26T14:23:02Z"),
        "cassetter (TOML)": Meta("2026-11-26T14:23:02Z"),
    }
    return known.get(name, Meta())


def _lists(headers: Mapping[str, str]) -> dict[str, list[str]]:
    return {name.title(): [value] for name, value in headers.items()}


# JSON is YAML, so parts of these documents stand in them as JSON.
def _vcrpy() -> str:
    items = [
        {
            "request": {"method": "POST", "uri": URL, "headers": _lists(_ASKED_WITH), "body": _dump(asked)},
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": _lists(headers),
                "body": {"string": text},
            },
        }
        for asked, headers, text in _TWO
    ]
    return f"interactions: {json.dumps(items)}\nversion: 1\n"


def _ruby() -> str:
    parts = []
    for asked, headers, text in _TWO:
        encoded = base64.b64encode(text.encode()).decode()
        parts.append(
            f"- request:\n    method: post\n    uri: {URL}\n    body:\n      encoding: UTF-8\n"
            f"      string: {json.dumps(_dump(asked))}\n    headers: {json.dumps(_lists(_ASKED_WITH))}\n"
            f"  response:\n    status:\n      code: 200\n      message: OK\n"
            f"    headers: {json.dumps(_lists(headers))}\n    body:\n      encoding: ASCII-8BIT\n"
            f"      string: !binary |-\n        {encoded}\n"
            "  recorded_at: Mon, 13 Jul 2026 23:13:07 GMT\n"
        )
    return f"---\nhttp_interactions:\n{''.join(parts)}recorded_with: VCR 6.3.1\n"


def _ruby_json() -> str:
    items = [
        {
            "request": {
                "method": "post",
                "uri": URL,
                "body": {"encoding": "UTF-8", "string": _dump(asked)},
                "headers": _lists(_ASKED_WITH),
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": _lists(headers),
                "body": {"encoding": "UTF-8", "base64_string": base64.b64encode(text.encode()).decode()},
            },
            "recorded_at": "Mon, 13 Jul 2026 23:13:07 GMT",
        }
        for asked, headers, text in _TWO
    ]
    return json.dumps({"http_interactions": items, "recorded_with": "VCR 6.3.1"})


def _r() -> str:
    parts = [
        f"- request:\n    method: POST\n    uri: {URL}\n    body:\n      string: {json.dumps(_dump(asked))}\n"
        f"    headers: {json.dumps(_ASKED_WITH)}\n  response:\n    status: 200\n"
        f"    headers: {json.dumps({**headers, 'content-encoding': 'gzip'})}\n"
        f"    body:\n      string: {json.dumps(text)}\n  recorded_at: 2026-08-02 22:26:41\n"
        for asked, headers, text in _TWO
    ]
    return f"http_interactions:\n{''.join(parts)}recorded_with: VCR-vcr/2.1.0\n"


def _go(version: int) -> str:
    parts = []
    for number, (asked, headers, text) in enumerate(_TWO):
        body = f"    body: {json.dumps(_dump(asked))}\n"
        lines = f"    headers: {json.dumps(_lists(_ASKED_WITH))}\n    url: {URL}\n    method: POST\n"
        answer = f"    body: {json.dumps(text)}\n    headers: {json.dumps(_lists(headers))}\n"
        status = "    status: 200 OK\n    code: 200\n"
        if version == 1:
            parts.append(
                f"- request:\n{body}    form: {{}}\n{lines}  response:\n{answer}{status}    duration: ''\n"
            )
        else:
            parts.append(
                f"- id: {number}\n  request:\n    proto: HTTP/1.1\n{body}{lines}"
                f"  response:\n    proto: HTTP/2.0\n    uncompressed: true\n{answer}{status}"
                "    duration: 2.1893515s\n"
            )
    return f"---\nversion: {version}\ninteractions:\n{''.join(parts)}"


def _snapshot() -> str:
    return json.dumps(
        [
            {
                "request": {"method": "POST", "url": URL, "headers": _ASKED_WITH, "body": asked},
                "response": {
                    "status_code": 200,
                    "headers": headers,
                    "body": ANSWER if headers is _JSON else text,
                },
            }
            for asked, headers, text in _TWO
        ],
        indent=2,
        ensure_ascii=False,
    )


def _cassetter_yaml() -> str:
    def body(headers: Mapping[str, str], text: str) -> str:
        if headers is _JSON:
            return f"      type: json\n      content: {json.dumps(ANSWER, ensure_ascii=False)}\n"
        return f"      type: text\n      content: {json.dumps(text)}\n"

    parts = [
        f"- request:\n    method: POST\n    uri: {URL}\n    headers: {json.dumps(_lists(_ASKED_WITH))}\n"
        f"    body:\n      type: json\n      content: {json.dumps(asked)}\n"
        f"  response:\n    status: 200\n    headers: {json.dumps(_lists(headers))}\n"
        f"    body:\n{body(headers, text)}  recorded_at: 2026-11-26T14:23:02.711654+00:00\n"
        for asked, headers, text in _TWO
    ]
    return f"version: 1\ninteractions:\n{''.join(parts)}"


def _cassetter_toml() -> str:
    def table(headers: Mapping[str, str]) -> str:
        return "".join(f"{name} = {json.dumps(value)}\n" for name, value in _lists(headers).items())

    parts = [
        '[[interactions]]\nrecorded_at = "2026-11-26T14:23:02.754155+00:00"\n\n'
        f'[interactions.request]\nmethod = "POST"\nuri = "{URL}"\nbody_type = "json"\n'
        f"body_content = {json.dumps(_dump(asked))}\n\n[interactions.request.headers]\n{table(_ASKED_WITH)}\n"
        f'[interactions.response]\nstatus = 200\nbody_type = "{"json" if headers is _JSON else "text"}"\n'
        f"body_content = {json.dumps(text)}\n\n[interactions.response.headers]\n{table(headers)}\n"
        for asked, headers, text in _TWO
    ]
    return f"version = 1\n\n{''.join(parts)}"


def _test_agent() -> str:
    asked, headers, text = _TWO[0]
    return json.dumps(
        {
            "request": {"method": "POST", "url": URL, "headers": _ASKED_WITH, "body": _dump(asked)},
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {**headers, "Content-Encoding": "gzip"},
                "body": text,
            },
        },
        indent=2,
    )


def _httpmock() -> str:
    def pairs(headers: Mapping[str, str]) -> str:
        return json.dumps([{"name": name, "value": value} for name, value in headers.items()])

    return "---\n".join(
        f"when:\n  path: /v1/messages\n  method: POST\n  query_param: []\n  header: {pairs(_ASKED_WITH)}\n"
        f"  body: {json.dumps(_dump(asked))}\nthen:\n  status: 200\n  header: {pairs(headers)}\n"
        f"  body: {json.dumps(text)}\n"
        for asked, headers, text in _TWO
    )


def _httprr() -> bytes:
    parts = [b"httprr trace v1\n"]
    for asked, headers, text in _TWO:
        lines = "".join(f"{name.title()}: {value}\r\n" for name, value in _ASKED_WITH.items())
        request = f"POST {URL} HTTP/1.1\r\n{lines}\r\n{_dump(asked)}".encode()
        lines = "".join(f"{name.title()}: {value}\r\n" for name, value in headers.items())
        data = text.encode()
        # As a stream whose length nobody knew.
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (data[:7], data[7:])) + b"0\r\n\r\n"
        response = f"HTTP/2.0 200 OK\r\nTransfer-Encoding: chunked\r\n{lines}\r\n".encode() + chunks
        parts.append(b"%d %d\n%b%b" % (len(request), len(response), request, response))
    return b"".join(parts)


SAMPLES: dict[str, tuple[str, bytes]] = {
    "vcrpy": (".yaml", _vcrpy().encode()),
    "VCR (Ruby)": (".yml", _ruby().encode()),
    "VCR (Ruby, JSON)": (".json", _ruby_json().encode()),
    "vcr (R)": (".yml", _r().encode()),
    "go-vcr (version 1)": (".yaml", _go(1).encode()),
    "go-vcr (version 2)": (".yaml", _go(2).encode()),
    "http-snapshot": (".json", _snapshot().encode()),
    "cassetter (YAML)": (".yaml", _cassetter_yaml().encode()),
    "cassetter (TOML)": (".toml", _cassetter_toml().encode()),
    "ddapm-test-agent": (".json", _test_agent().encode()),
    "httpmock": (".yaml", _httpmock().encode()),
    "httprr": (".httprr", _httprr()),
}
"""
By name: how the file ends, and its bytes.

The test agent keeps one exchange a file, so its sample is the first of the two alone.
"""
