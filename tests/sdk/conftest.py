"""
A server and a cassette for each test here, and which tests the installed SDK can run.

The suite runs against several versions of the SDK. A test that needs what an older one lacks says so with
`@pytest.mark.needs("messages.parse")`, or by its `way`; it is left out where that is missing, and the summary
names what was missing and how many tests went with it.
"""

from __future__ import annotations

import inspect
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import anthropic
import anyio
import pytest
from anthropic.resources.beta.messages import Messages as BetaMessages
from anthropic.resources.messages import Messages

from claude_replay.intercept.ambient import Ambient, pop_ambient, push_ambient
from claude_replay.session import Tally
from sdk_ways import KEY, Say, Tape, ask
from standin import ClaudeServer


def _takes(function: object, name: str) -> bool:
    return callable(function) and name in inspect.signature(function).parameters


FEATURES: dict[str, bool] = {
    "aiohttp": hasattr(anthropic, "DefaultAioHttpClient"),
    "beta.messages.parse": hasattr(BetaMessages, "parse"),
    "beta.messages.tool_runner": hasattr(BetaMessages, "tool_runner"),
    "credentials": _takes(anthropic.Anthropic.__init__, "credentials"),
    "messages.parse": hasattr(Messages, "parse"),
    "messages.stream(output_format=)": _takes(Messages.stream, "output_format"),
    "threads": _takes(getattr(BetaMessages, "tool_runner", None), "thread"),
}
_left_out: Counter[str] = Counter()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*features): what the test needs of the SDK, from FEATURES")


def _missing(item: pytest.Item) -> list[str]:
    needed = [name for mark in item.iter_markers("needs") for name in mark.args]
    callspec = getattr(item, "callspec", None)
    if callspec is not None and str(callspec.params.get("way")) == "aiohttp":
        needed.append("aiohttp")
    return [name for name in needed if not FEATURES[name]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    lacking = [item for item in items if _missing(item)]
    for item in lacking:
        _left_out.update(_missing(item))
    if lacking:
        items[:] = [item for item in items if item not in lacking]
        config.hook.pytest_deselected(items=lacking)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, count in sorted(_left_out.items()):
        terminalreporter.write_line(
            f"anthropic {anthropic.__version__} has no {name}: {count} tests left out"
        )


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a key, a proxy, or settings of this package."""
    for name in list(os.environ):
        if (
            name == "CI"
            or name.lower().endswith("_proxy")
            or name.startswith(("ANTHROPIC_", "CLAUDE_REPLAY_"))
        ):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as server:
        yield server


@pytest.fixture
def tallies() -> Iterator[list[Tally]]:
    """The accounts of the cassettes that were closed, which do not get into the summary of this run."""
    tallies: list[Tally] = []
    ambient = Ambient(closed=lambda session: tallies.append(session.tally))
    push_ambient(ambient)
    yield tallies
    pop_ambient(ambient)


@pytest.fixture
def tape(server: ClaudeServer, tmp_path: Path, tallies: list[Tally]) -> Tape:
    return Tape(server, tmp_path / "cassette.yaml", tallies)


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that anybody wanted to sleep; nobody really does."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr(anyio, "sleep", sleep)
    return slept


@pytest.fixture
def edit(tape: Tape) -> Callable[[str, str], None]:
    """Replaces a text in the cassette, as a person with an editor would."""

    def replace(old: str, new: str) -> None:
        text = tape.path.read_text(encoding="utf-8")
        assert old in text
        tape.path.write_text(text.replace(old, new), encoding="utf-8")

    return replace


@pytest.fixture
def say(tape: Tape) -> Iterator[Say]:
    """Asks, and gives the text of the answer; whatever cassettes do, its client stays open."""
    with anthropic.Anthropic(base_url=tape.server.url, api_key=KEY, max_retries=0) as client:

        def say(text: str) -> str:
            block = client.messages.create(**ask(text)).content[0]
            return str(getattr(block, "text", None))

        yield say
