"""Cassettes recorded from the stand-in server through the SDK, for the tests of sessions and files."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic

from claude_replay import use_cassette
from claude_replay.intercept.ambient import Ambient
from claude_replay.session import Run, Tally
from standin import ClaudeServer

__all__ = ["KEY", "MODEL", "Studio", "ask", "make_client"]

KEY = "sk-ant-" + "api03-" + "x" * 24
MODEL = "claude-sonnet-5"


def make_client(server: ClaudeServer, **options: Any) -> anthropic.Anthropic:
    """A client of the stand-in server; `close_clients` closes it."""
    client = anthropic.Anthropic(**{"base_url": server.url, "api_key": KEY, "timeout": 20, **options})
    _clients.append(client)
    return client


_clients: list[anthropic.Anthropic] = []


def close_clients() -> None:
    """Close all clients made until now: a socket that is found open later fails whichever test runs then."""
    while _clients:
        _clients.pop().close()


def ask(client: anthropic.Anthropic, prompt: str, **options: Any) -> str:
    """One call; the text of its answer."""
    message = client.messages.create(
        model=MODEL, max_tokens=100, messages=[{"role": "user", "content": prompt}], **options
    )
    return "".join(block.text for block in message.content if block.type == "text")


@dataclass
class Studio:
    """
    A stand-in server and a cassette; `tallies` are the accounts of the cassettes closed so far.

    Each use of the cassette is a test run of its own, unless `is_one_run` says that they are one.
    """

    server: ClaudeServer
    path: Path
    tallies: list[Tally]
    ambient: Ambient
    is_one_run: bool = False

    def open(self, mode: str, **settings: Any) -> use_cassette:
        """The cassette, to be entered."""
        if not self.is_one_run:
            self.ambient.run = Run()
        return use_cassette(self.path, mode=mode, **settings)

    def ask(self, *prompts: str, mode: str, **settings: Any) -> list[str]:
        """Ask each prompt within the cassette; the texts of the answers."""
        client = make_client(self.server, max_retries=0)
        with self.open(mode, **settings):
            return [ask(client, prompt) for prompt in prompts]

    def fail(self, *prompts: str, mode: str, **settings: Any) -> None:
        """Ask each prompt within the cassette, and then fail."""
        client = make_client(self.server, max_retries=0)
        try:
            with self.open(mode, **settings):
                for prompt in prompts:
                    ask(client, prompt)
                raise AssertionError("the test fails")
        except AssertionError:
            pass

    def be_killed(self, *prompts: str, mode: str = "once") -> Path:
        """
        Leave what a recording leaves that is killed after these prompts: a journal, and the cassette as it
        was.

        The journal is a copy of a real one. `test_killing.py` shows that real killings leave the same.
        """
        before = self.path.read_bytes() if self.path.exists() else None
        client = make_client(self.server)
        with self.open(mode):
            for prompt in prompts:
                ask(client, prompt)
            (journal,) = self.find("*.journal")
            content = journal.read_bytes()
        self.path.unlink()
        if before is not None:
            self.path.write_bytes(before)
        left = journal.with_name(f"{journal.name[:-20]}{uuid.uuid4().hex[:12]}.journal")
        left.write_bytes(content)
        return left

    def find(self, pattern: str) -> list[Path]:
        """Files in the cassette's folder, hidden ones too."""
        return sorted(self.path.parent.glob(pattern))

    @property
    def files(self) -> list[str]:
        """The names of all files in the cassette's folder."""
        return [path.name for path in self.find("*")]

    @property
    def notes(self) -> list[str]:
        """What the accounts tell people."""
        return [note for tally in self.tallies for note in tally.notes]

    def run_script(self, code: str, *args: object, **environ: str) -> subprocess.CompletedProcess[str]:
        """
        Run code in a process of its own, in which a client, `ask` and `use_cassette` are at hand.

        `sys.argv[1:]` are the server's URL, the cassette, and `args`.
        """
        return subprocess.run(
            self.script_command(code, *args), env=self.environ(**environ), capture_output=True, text=True
        )

    def script_command(self, code: str, *args: object) -> Sequence[str]:
        """The command line of `run_script`."""
        text = _PRELUDE + textwrap.dedent(code)
        return [sys.executable, "-c", text, self.server.url, str(self.path), *map(str, args)]

    def environ(self, **environ: str) -> dict[str, str]:
        """The environment of `run_script`."""
        return {**os.environ, "ANTHROPIC_API_KEY": KEY, "PYTHONPATH": str(Path(__file__).parent), **environ}


_PRELUDE = """
import os, signal, sys
import anthropic
from claude_replay import use_cassette
from recordings import ask, MODEL

url, path = sys.argv[1:3]
client = anthropic.Anthropic(base_url=url, max_retries=0)

"""
