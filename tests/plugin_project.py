"""A small project of a user, with tests that call Claude, for the tests of the plugin to run pytest in."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from standin import ClaudeServer

__all__ = ["KEY", "Project", "read_summary"]

KEY = "sk-ant-" + "api03-" + "x" * 24

_CHAT = '''
"""The application: asks the server that CLAUDE_URL names."""

import os

import anthropic

MODEL = "claude-sonnet-5"


def make_client(**options):
    return anthropic.Anthropic(**{"base_url": os.environ["CLAUDE_URL"], **options})


def ask(prompt, *, client=None, **options):
    if client is None:
        with make_client() as client:
            return ask(prompt, client=client, **options)
    message = client.messages.create(
        model=MODEL, max_tokens=100, messages=[{"role": "user", "content": prompt}], **options
    )
    return message.content[0].text


async def ask_async(prompt):
    async with anthropic.AsyncAnthropic(base_url=os.environ["CLAUDE_URL"]) as client:
        message = await client.messages.create(
            model=MODEL, max_tokens=100, messages=[{"role": "user", "content": prompt}]
        )
    return message.content[0].text
'''
_INI = """
[pytest]
pythonpath = .
asyncio_default_fixture_loop_scope = function
"""
_SECTION = re.compile(r"^=+ claude_replay =+$")


class Project:
    """
    A folder with an application (`chat.py`), a pytest.ini, and the tests that a test writes.

    `run` runs pytest in this process, which is quick; `run_apart` in one of its own, as users do. Requests go
    to `server`, whose `count` tells how many were live.
    """

    def __init__(self, pytester: pytest.Pytester, server: ClaudeServer, patch: pytest.MonkeyPatch) -> None:
        self.pytester = pytester
        self.server = server
        self.path: Path = pytester.path
        self._patch = patch
        patch.setenv("CLAUDE_URL", server.url)
        self.write("chat.py", _CHAT)
        self.write("pytest.ini", _INI)

    def write(self, name: str, text: str) -> Path:
        """Write a file below the project's root."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def test(self, text: str, name: str = "test_it.py") -> Path:
        """Write a test module in which the application and pytest are imported."""
        head = "import pytest\nfrom chat import ask, ask_async, make_client\n\n\n"
        return self.write(name, head + textwrap.dedent(text).lstrip("\n"))

    def ini(self, lines: str) -> None:
        """Add lines to pytest.ini."""
        self.write("pytest.ini", _INI + textwrap.dedent(lines))

    def run(self, *args: str) -> pytest.RunResult:
        """Run pytest in this process."""
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *args)

    def run_apart(self, *args: str) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *args)

    def record(self, *args: str, mode: str = "once") -> pytest.RunResult:
        """Run pytest with a key and a record mode."""
        with self.environment(ANTHROPIC_API_KEY=KEY):
            return self.run(f"--claude-record={mode}", *args)

    @contextmanager
    def environment(self, **values: str) -> Iterator[None]:
        """Set environment variables for a while."""
        with self._patch.context() as patch:
            for name, value in values.items():
                patch.setenv(name, value)
            yield

    @property
    def cassettes(self) -> list[str]:
        """The cassette files, and whatever else lies beside them, relative to the cassette folder."""
        folder = self.path / "cassettes"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

    def cassette(self, name: str) -> str:
        """The text of a cassette."""
        return (self.path / "cassettes" / name).read_text(encoding="utf-8")


def read_summary(result: pytest.RunResult) -> list[str]:
    """The lines of the section that the plugin prints at the end of a run; none where it prints nothing."""
    lines = result.outlines
    starts = [number for number, line in enumerate(lines) if _SECTION.match(line)]
    if not starts:
        return []
    rest: Sequence[str] = lines[starts[-1] + 1 :]
    end = next((number for number, line in enumerate(rest) if line.startswith("=")), len(rest))
    return list(rest[:end])
