"""`claude-replay export`: cassettes that vcrpy's own player answers from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import pytest
import vcr
import yaml

from claude_replay.cassette import Entry, dump_cassette
from claude_replay.exchange import Binary, Exchange, Multipart, Part, Request, Response, Text
from foreign_samples import ASKED, EXCHANGES, SAMPLES, URL

Run = Callable[..., tuple[int, str, str]]
QUESTION: Any = {key: ASKED[key] for key in ("model", "max_tokens", "messages")}


def write(name: str, *exchanges: Exchange) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dump_cassette([Entry.of(exchange) for exchange in exchanges]))
    return path


def test_vcrpy_replays_messages_and_streams_through_the_sdk(run: Run) -> None:
    """With bodies compared, which vcrpy does for JSON where the content type says so."""
    write("cassettes/tests/a.yaml", *EXCHANGES)
    status, out, err = run("export", "--to", "vcrpy", "--out", "vcr", "cassettes")
    assert (status, out, err) == (0, "vcr/tests/a.yaml: 2 exchanges\n", "")
    player = vcr.VCR(record_mode=vcr.mode.NONE, match_on=["method", "uri", "body"])
    with player.use_cassette("vcr/tests/a.yaml") as played, anthropic.Anthropic(api_key="unused") as client:
        message = client.messages.create(**QUESTION)
        with client.messages.stream(**QUESTION) as stream:
            texts = list(stream.text_stream)
    assert (message.content[0].text, message._request_id) == ("Yes: 1:30", "req_1")
    assert texts == ["Né", "ver\n", "mind"]
    assert played.all_played


def test_binary_bodies_and_strange_statuses(run: Run) -> None:
    """What is no text is base64; a status that HTTP does not know has no words."""
    request = Request("POST", URL, {"content-type": "application/octet-stream"}, Binary(b"\x00\xff"))
    write("a.yaml", Exchange(request, Response(529, {}, None)))
    assert run("export", "--to", "vcrpy", "--out", "vcr", "a.yaml")[0] == 0
    (item,) = yaml.safe_load(Path("vcr/a.yaml").read_bytes())["interactions"]
    assert item["request"]["body"] == b"\x00\xff"
    assert item["request"]["headers"] == {"content-type": ["application/octet-stream"]}
    assert item["response"] == {"body": {"string": ""}, "headers": {}, "status": {"code": 529, "message": ""}}


def test_an_upload_names_the_boundary_that_it_has(run: Run) -> None:
    """Our cassettes keep the parts, and vcrpy the bytes."""
    parts = Multipart((Part({"content-disposition": 'form-data; name="file"; filename="a"'}, Text("x")),))
    request = Request("POST", "https://api.anthropic.com/v1/files", {}, parts)
    write("a.yaml", Exchange(request, Response(200, {}, None)))
    assert run("export", "--to", "vcrpy", "--out", "vcr", "a.yaml")[0] == 0
    (item,) = yaml.safe_load(Path("vcr/a.yaml").read_bytes())["interactions"]
    (media,) = item["request"]["headers"]["content-type"]
    boundary = media.removeprefix("multipart/form-data; boundary=")
    assert item["request"]["body"].startswith(f"--{boundary}\r\n")
    assert item["request"]["body"].endswith(f"x\r\n--{boundary}--\r\n")


def test_what_was_not_read_to_its_end_is_said(run: Run) -> None:
    """A call that was cancelled before anything came is left out."""
    request = EXCHANGES[0].request
    cancelled = Exchange(request, Response(0, {}, None, "cancelled"))
    closed = Exchange(request, Response(200, {}, EXCHANGES[1].response.body, "closed"))
    write("a.yaml", cancelled, closed)
    status, out, _ = run("export", "--to", "vcrpy", "--out", "vcr", "a.yaml")
    assert (status, out.splitlines()) == (
        0,
        [
            "vcr/a.yaml: 1 exchange",
            "  left out: exchange 1, whose call was cancelled before an answer came",
            "  exchange 2 was not read to its end; for vcrpy it ends where it was left",
        ],
    )


def test_nothing_is_overwritten_unless_that_was_asked_for(run: Run) -> None:
    """Nor do two cassettes become one file."""
    write("one/a.yaml", EXCHANGES[0])
    write("two/a.yaml", EXCHANGES[0])
    assert run("export", "--to", "vcrpy", "--out", "vcr", "one")[0] == 0
    status, _, err = run("export", "--to", "vcrpy", "--out", "vcr", "one")
    assert status == 2
    assert "vcr/a.yaml is there already; to overwrite it: --force" in err
    assert run("export", "--to", "vcrpy", "--out", "vcr", "--force", "one")[0] == 0
    status, _, err = run("export", "--to", "vcrpy", "--out", "new", "one/a.yaml", "two/a.yaml")
    assert status == 2
    assert "one/a.yaml and two/a.yaml would both become new/a.yaml" in err
    assert not Path("new").exists()


def test_secrets_of_another_tools_cassette_do_not_get_into_the_export(run: Run) -> None:
    """Other tools' files can be exported as well, and are redacted on the way."""
    key = "sk-ant-" + "api03-" + "x" * 24
    name = "anthropic-version"
    text = SAMPLES["go-vcr (version 1)"][1].decode().replace("there", key).replace(name.title(), "X-Api-Key")
    Path("a.yaml").write_text(text, encoding="utf-8")
    assert run("export", "--to", "vcrpy", "--out", "vcr", "a.yaml")[0] == 0
    written = Path("vcr/a.yaml").read_text(encoding="utf-8")
    assert key not in written
    assert "[redacted]" in written

    request = Request("POST", URL, {"anthropic-version": "1"}, Binary(b"\x00\xff" + key.encode()))
    write("b.yaml", Exchange(request, Response(200, {}, None)))
    status, _, err = run("export", "--to", "vcrpy", "--out", "vcr", "b.yaml")
    assert status == 2
    assert "b.yaml: what was to be written still holds a secret" in err
    assert not Path("vcr/b.yaml").exists()


@pytest.mark.parametrize("arguments", [["--out", "x", "a.yaml"], ["--to", "other", "--out", "x", "a.yaml"]])
def test_the_tool_has_to_be_named(arguments: list[str], run: Run) -> None:
    """There is one today."""
    status, _, err = run("export", *arguments)
    assert status == 2
    assert "--to" in err
