"""The recorders that are compared, each used as its manual says, behind one set of methods."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from benchmarks.figures import Run
from benchmarks.traffic import BASE_URL, RESPONSE_HEADERS, Call, list_calls

Opened = AbstractContextManager[Any]


class Recorder(Protocol):
    """
    One way to record and replay.

    `plugin` is what its pytest plugin is called after `-p`, `mark` the marker that gives a test a cassette of its
    own, `config` what else a conftest.py needs.
    """

    plugin: str
    mark: str
    config: str

    def write(self, path: Path, calls: Iterable[Call]) -> None:
        """Write a cassette with these calls."""

    def replaying(self, path: Path) -> Opened:
        """Replay from the cassette for a block of code; never send."""

    def recording(self, path: Path) -> Opened:
        """Record into a new cassette for a block of code."""

    def count(self, path: Path) -> int:
        """How many exchanges can be read from the cassette."""


class ClaudeReplay:
    """This package."""

    plugin = "claude_replay"
    mark = "pytest.mark.claude_replay"
    config = ""

    def write(self, path: Path, calls: Iterable[Call]) -> None:
        """As recording would have written it: redacted, with the headers that are kept."""
        from claude_replay.bodies import decode_body
        from claude_replay.cassette import Entry, dump_cassette
        from claude_replay.exchange import Exchange, Meta, Request, Response
        from claude_replay.redact import Redactor

        redactor, meta, entries = Redactor(), Meta("2026-11-22T10:00:00Z", 4.2), []
        for headers, body, answered in calls:
            asked = Request("POST", f"{BASE_URL}/v1/messages", headers, decode_body(body, "application/json"))
            answer = Response(200, RESPONSE_HEADERS, decode_body(answered, "application/json"))
            entries.append(Entry(exchange=redactor.exchange(Exchange(asked, answer, meta))))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dump_cassette(entries))

    def replaying(self, path: Path) -> Opened:
        """Mode none."""
        from claude_replay import use_cassette

        return use_cassette(path, mode="none")

    def recording(self, path: Path) -> Opened:
        """Mode once."""
        from claude_replay import use_cassette

        return use_cassette(path, mode="once")

    def count(self, path: Path) -> int:
        """By reading each of them."""
        from claude_replay.cassette import load_cassette

        cassette = load_cassette(path)
        return sum(entry.exchange is not None for entry in cassette.entries) if cassette else 0


class Vcrpy:
    """vcrpy, in pytest by way of pytest-recording; it compares no bodies unless told to."""

    matchers = ("method", "scheme", "host", "port", "path", "query", "body")
    plugin = "recording"
    mark = "pytest.mark.vcr"
    config = f"""
        @pytest.fixture(scope="module")
        def vcr_config():
            return {{"match_on": {list(matchers)}, "filter_headers": ["authorization", "x-api-key"]}}
    """

    def write(self, path: Path, calls: Iterable[Call]) -> None:
        """By the functions that it saves with itself."""
        from vcr.persisters.filesystem import FilesystemPersister
        from vcr.request import Request
        from vcr.serializers import yamlserializer

        url = f"{BASE_URL}/v1/messages"
        given = list(calls)
        asked = [Request("POST", url, body, headers) for headers, body, _ in given]
        answers = [
            {
                "status": {"code": 200, "message": "OK"},
                "headers": {name: [value] for name, value in RESPONSE_HEADERS.items()},
                "body": {"string": answered},
            }
            for _, _, answered in given
        ]
        FilesystemPersister.save_cassette(path, {"requests": asked, "responses": answers}, yamlserializer)

    def replaying(self, path: Path) -> Opened:
        """Mode none."""
        return self._open(path, "none")

    def recording(self, path: Path) -> Opened:
        """Mode once."""
        return self._open(path, "once")

    def _open(self, path: Path, mode: str) -> Opened:
        import vcr

        opened: Opened = vcr.use_cassette(
            str(path), record_mode=mode, match_on=self.matchers, filter_headers=["authorization", "x-api-key"]
        )
        return opened

    def count(self, path: Path) -> int:
        """By loading it."""
        from vcr.persisters.filesystem import FilesystemPersister
        from vcr.serializers import yamlserializer

        try:
            return len(FilesystemPersister.load_cassette(path, yamlserializer)[0])
        except Exception:  # Whatever PyYAML makes of a file that two processes wrote at once.
            return 0


class Cassetter:
    """cassetter."""

    matchers = ("method", "uri", "json_body")
    plugin = "cassetter"
    mark = "pytest.mark.vcr"
    config = f"""
        @pytest.fixture(scope="module")
        def vcr_config():
            return {{"match_on": {list(matchers)}}}
    """

    def write(self, path: Path, calls: Iterable[Call]) -> None:
        """By recording into it."""
        cassette = self._load(path, "ALL")
        received = {name: [value] for name, value in RESPONSE_HEADERS.items()}
        for headers, body, answered in calls:
            sent = {name: [value] for name, value in headers.items()}
            cassette.record("POST", f"{BASE_URL}/v1/messages", sent, body, 200, received, answered)
        cassette.save()

    def _load(self, path: Path, mode: str) -> Any:
        # Imported by name: it is not installed where this is type-checked.
        library = import_module("cassetter")
        cassette = library.Cassette(path, record_mode=library.RecordMode[mode])
        cassette.load()
        return cassette

    def replaying(self, path: Path) -> Opened:
        """Mode none."""
        return self._open(path, "none")

    def recording(self, path: Path) -> Opened:
        """Mode once."""
        return self._open(path, "once")

    def _open(self, path: Path, mode: str) -> Opened:
        opened: Opened = import_module("cassetter").use_cassette(
            os.fspath(path), record_mode=mode, match_on=list(self.matchers), intercept=["httpx2"]
        )
        return opened

    def count(self, path: Path) -> int:
        """By loading it."""
        try:
            return len(self._load(path, "NONE").interactions)
        except Exception:
            return 0


RECORDERS: dict[str, Recorder] = {
    "claude_replay": ClaudeReplay(),
    "vcrpy": Vcrpy(),
    "cassetter": Cassetter(),
}


def find_cassette(run: Run, recorder: str, count: int) -> Path:
    """A cassette with the first `count` calls, written when it is first asked for."""
    path = run.scratch / "cassettes" / f"{recorder}-{count}.yaml"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        RECORDERS[recorder].write(path, list_calls(range(count)))
    return path


def installed_recorders() -> list[str]:
    """The names of those that are here; this package comes first."""
    modules = {"claude_replay": "claude_replay", "vcrpy": "pytest_recording", "cassetter": "cassetter"}
    return [name for name, module in modules.items() if find_spec(module) is not None]
