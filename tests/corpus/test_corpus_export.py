"""
The corpus as our cassettes, as vcrpy's, and from vcrpy's own player: the same answers.

The corpus is not part of this repository: name its folder in the environment as CLAUDE_REPLAY_CORPUS.
"""

from __future__ import annotations

import os
from pathlib import Path

import httpx2
import pytest
import vcr

from claude_replay.bodies import encode_body
from claude_replay.cassette import Cassette, load_cassette
from claude_replay.cassette.formats.vcrpyfile import dump_vcrpy
from claude_replay.exchange import Exchange
from claude_replay.redact import Redactor

CORPUS = os.environ.get("CLAUDE_REPLAY_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="CLAUDE_REPLAY_CORPUS names no folder")

FILES, EXCHANGES = 982, 1376


def send(client: httpx2.Client, exchange: Exchange) -> httpx2.Response:
    request = exchange.request
    return client.request(
        request.method, request.url, headers=dict(request.headers), content=encode_body(request.body)
    )


def is_same(exchange: Exchange, received: httpx2.Response) -> bool:
    response = exchange.response
    headers = {name: received.headers.get(name) for name in response.headers}
    return (received.status_code, headers, received.content) == (
        response.status,
        dict(response.headers),
        encode_body(response.body),
    )


def test_vcrpy_s_own_player_gives_every_answer_of_an_exported_cassette(tmp_path: Path) -> None:
    """Bodies byte by byte, in order, streams included; nothing is left unplayed."""
    counts = {"files": 0, "exchanges": 0, "equal": 0, "played": 0}
    wrong: list[str] = []
    # Not the host: in 31 recordings a filter has put `<AWS_REGION>` into it, which no client can ask for.
    player = vcr.VCR(record_mode=vcr.mode.NONE, match_on=["method", "path", "query", "body"])
    redactor = Redactor()
    for path in sorted(Path(CORPUS).glob("*/**/*")):
        cassette = (load_cassette(path) if path.is_file() else None) or Cassette()
        if not cassette.entries:
            continue
        exchanges = [redactor.exchange(entry.exchange) for entry in cassette.entries]
        exported = tmp_path / f"{counts['files']}.yaml"
        exported.write_bytes(dump_vcrpy(exchanges))
        counts["files"] += 1
        with player.use_cassette(exported) as played, httpx2.Client() as client:
            for number, exchange in enumerate(exchanges):
                counts["exchanges"] += 1
                if is_same(exchange, send(client, exchange)):
                    counts["equal"] += 1
                else:
                    wrong.append(f"{path.relative_to(CORPUS)}[{number}]")
        counts["played"] += played.play_count
    assert wrong == []
    assert counts == {"files": FILES, "exchanges": EXCHANGES, "equal": EXCHANGES, "played": EXCHANGES}
