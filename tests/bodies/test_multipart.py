"""Uploads in parts: read whatever the boundary is, and written so that any server reads the same parts."""

from __future__ import annotations

import email.parser
import email.policy
from typing import Any

import httpx
import pytest

from claude_replay.bodies import (
    MULTIPART,
    MULTIPART_BOUNDARY,
    decode_body,
    decode_multipart,
    describe_part,
    encode_body,
    part_headers,
)
from claude_replay.exchange import Binary, Json, Multipart, Part, Text

PNG = b"\x89PNG\r\n\x1a\n--\r\n\xff"


def upload(**files: object) -> tuple[bytes, str]:
    """What an HTTP library sends, and its content type."""
    request = httpx.Request("POST", "https://a.example", files=files, data={"purpose": "agent"})  # type: ignore[arg-type]
    return request.read(), request.headers["content-type"]


def read_as_server(content: bytes) -> list[bytes]:
    """The contents of the parts as the standard library reads them."""
    head = f"Content-Type: {MULTIPART}; boundary={MULTIPART_BOUNDARY}\r\n\r\n".encode()
    message: Any = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + content)
    return [part.get_payload(decode=True) for part in message.iter_parts()]


def part(name: str, body: Json | Text | Binary | None, kind: str | None = None, filename: str = "") -> Part:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return Part({"content-disposition": disposition, **({"content-type": kind} if kind else {})}, body)


def test_an_upload_is_read_as_its_parts() -> None:
    """Names, file names, types; text as text, JSON as structure, anything else as bytes."""
    content, _ = upload(
        file=("a.txt", b"one\r\ntwo\n", "text/plain"),
        picture=("b.png", PNG, "image/png"),
        meta=("c.json", b'{"a":1}', "application/json"),
        pretty=("d.json", b'{ "a": 1 }', "application/json"),
        empty=("e.txt", b"", "text/plain"),
    )

    assert decode_body(content, MULTIPART) == Multipart(
        (
            part("purpose", Text("agent")),
            part("file", Text("one\r\ntwo\n"), "text/plain", "a.txt"),
            part("picture", Binary(PNG), "image/png", "b.png"),
            part("meta", Json({"a": 1}), "application/json", "c.json"),
            part("pretty", Text('{ "a": 1 }'), "application/json", "d.json"),
            part("empty", None, "text/plain", "e.txt"),
        )
    )


def test_two_clients_send_the_same_parts_between_other_boundaries() -> None:
    """The boundary and the length of a part are the client's affair."""
    first, second = (upload(file=("a.txt", b"x", "text/plain"))[0] for _ in range(2))
    counted = first.replace(b"Content-Type: text/plain", b"content-type:text/plain\r\nContent-Length: 1")

    assert first != second
    assert decode_multipart(first) == decode_multipart(second) == decode_multipart(counted)


def test_what_is_written_is_read_alike_by_a_server() -> None:
    """The same parts come back, from us and from the standard library."""
    content, _ = upload(
        file=("ü.txt", b"one\r\ntwo", "text/plain"), picture=("b.png", PNG), meta=("c", b"{}")
    )
    body = decode_body(content, MULTIPART)

    written = encode_body(body)

    assert decode_body(written, MULTIPART) == body
    assert read_as_server(written) == [b"agent", b"one\r\ntwo", PNG, b"{}"]
    both = Multipart((part("a", Json([1]), "application/json"), part("b", None)))
    assert decode_body(encode_body(both), MULTIPART) == both


HEAD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
ODD = {
    "no boundary": b"hello",
    "a boundary of its own line only": b"--b\r\n",
    "cut": HEAD + b"\r\nhello",
    "text behind the end": HEAD + b"\r\nx\r\n--b--\r\nmore",
    "a part without a blank line": HEAD + b"--b--\r\n",
    "a part without headers' end": HEAD + b"\r\n--b--\r\n",
    "a header without a colon": b"--b\r\nhello\r\n\r\nx\r\n--b--\r\n",
    "a header twice": b"--b\r\nA: 1\r\na: 2\r\n\r\nx\r\n--b--\r\n",
    "a header that is not text": b"--b\r\nA: \xff\r\n\r\nx\r\n--b--\r\n",
    "the boundary with something behind it": HEAD + b"\r\nx\r\n--b \r\n" + HEAD + b"\r\nx\r\n--b--\r\n",
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_upload_from_end_to_end_stays_as_it_is(name: str) -> None:
    """It is kept as text or bytes, exactly."""
    content = ODD[name]

    assert decode_multipart(content) is None
    assert decode_body(content, MULTIPART) in (Text(content.decode("latin-1")), Binary(content))


def test_parts_are_described_by_what_their_headers_say() -> None:
    """Headers that say more are kept as they are; both ways lead back."""
    plain = {"content-disposition": 'form-data; name="a"; filename="b.txt"', "content-type": "text/plain"}
    odd = {"content-disposition": "form-data; name=a", "x-more": "1"}
    starred = {"content-disposition": "form-data; name=\"a\"; filename*=utf-8''b"}

    assert describe_part(plain) == {"name": "a", "filename": "b.txt", "type": "text/plain"}
    assert describe_part({**plain, "x-more": "1"})["headers"] == {**plain, "x-more": "1"}
    for headers in (plain, odd, starred):
        assert part_headers(describe_part(headers)) == headers


@pytest.mark.parametrize(
    "fields", [{"name": 1}, {"filename": None}, {"type": []}, {"headers": 1}, {"headers": {"a": 1}}]
)
def test_a_description_that_is_no_text_is_refused(fields: dict[str, object]) -> None:
    """A file edited by hand may hold anything."""
    with pytest.raises(ValueError, match="name, filename and type are text, headers a mapping to text"):
        part_headers(fields)
