"""Claude on Bedrock through boto3, which brings connections of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from claude_replay import CassetteMiss, use_cassette

boto3: Any = pytest.importorskip("boto3")
pytestmark = pytest.mark.usefixtures("claude", "asked")

MODEL = "anthropic.claude-sonnet-5-v1:0"
SECRET = "wJalr" + "XUtnFEMI" * 4 + "abc"


class Bedrock(BaseHTTPRequestHandler):
    """Repeats the prompt."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        content = json.dumps({"content": [{"type": "text", "text": body["prompt"]}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def bedrock() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Bedrock) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(prompt: str, endpoint: str | None = None) -> Any:
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="AKIA" + "IOSFODNN7EXAMPLE",
        aws_secret_access_key=SECRET,
        endpoint_url=endpoint,
    )
    response = client.invoke_model(modelId=MODEL, body=json.dumps({"prompt": prompt}))
    return json.loads(response["body"].read())


def test_boto3_is_recorded_and_replayed(bedrock: ThreadingHTTPServer, path: Path, asked: list[str]) -> None:
    """Plain http to a server of the test, then https to Bedrock's own address, which nobody looks up."""
    with use_cassette(path, mode="once"):
        live = ask("Hello", f"http://bedrock-runtime.us-east-1.amazonaws.com:{bedrock.server_port}")
    assert live == {"content": [{"type": "text", "text": "Hello"}]}
    text = path.read_text(encoding="utf-8")
    assert "AKIA" not in text
    assert SECRET not in text

    asked.clear()
    with use_cassette(path):
        assert ask("Hello") == live
    with pytest.raises(CassetteMiss), use_cassette(path):
        ask("Good bye")
    assert asked == []
