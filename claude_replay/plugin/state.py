"""What the plugin knows during one run of pytest; light, because every run makes one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from claude_replay.plugin.given import Given

if TYPE_CHECKING:
    from claude_replay.api import Endpoint
    from claude_replay.errors import LiveCallRefused, ReplayFailure
    from claude_replay.intercept.guard import Guard
    from claude_replay.plugin.cassettes import OpenCassette
    from claude_replay.session import Session, Tally

__all__ = ["ASKING", "STATE", "State"]


_CURRENT = "PYTEST_CURRENT_TEST"


class State:
    """
    One run: its settings, the test that is running, and what is known of those that ran.

    `option` holds those of the command line, as far as it is parsed.

    `test` is the open cassette of the running test, `fixture` the one of wider scope that is being set up.
    `configs` holds the fixtures `claude_replay_config` that the tests of a module or class see.
    `stopped` are requests that were stopped and that no report has told of yet, `swallowed` those for which a
    test is being failed. `opened` holds the paths of all cassettes that were used, `partial` the modules of
    which not all tests were collected, `skipped` the ids of tests that were skipped. `guard` is what
    keeps this process from calling Claude, `recorders` counts the cassettes of other plugins that record now.
    """

    def __init__(self, config: pytest.Config, option: object) -> None:
        self.config = config
        self.given: Given
        self.worker: dict[str, Any] | None
        self.run_id = os.urandom(16).hex()
        # A test that runs pytest leaves its own name there.
        self._outer = os.environ.get(_CURRENT, "")
        self.learn(option)
        self.test: OpenCassette | None = None
        self.configs: dict[object, list[pytest.FixtureDef[Any]]] = {}
        self.fixture: tuple[str, str] | None = None
        self.stopped: list[ReplayFailure] = []
        self.swallowed: list[ReplayFailure] = []
        self.opened: set[str] = set()
        self.partial: set[str] = set()
        self.skipped: set[str] = set()
        self.guard: Guard | None = None
        self.recorders = 0
        self.tallies: list[Tally] = []
        self.orphans: list[str] = []
        self.notes: list[str] = []
        self.lost_workers: list[str] = []

    def learn(self, option: object) -> None:
        """Read the settings again, now that the command line is parsed as a whole."""
        self.given = Given(self.config, option)
        self.worker = getattr(self.config, "workerinput", None)
        if self.worker is not None:
            self.run_id = self.worker["claude_replay_run"]

    @property
    def has_account(self) -> bool:
        """Whether there may be anything to tell at the end."""
        if self.worker is not None or self.tallies or self.notes or self.orphans or self.lost_workers:
            return True
        return os.path.isdir(os.path.join(self.config.rootpath, self.folder))

    @property
    def folder(self) -> str:
        """Where cassettes are, below the root folder."""
        return "cassettes" if self.given.is_empty else self.given.settings.dir

    def serves(self, item: pytest.Item) -> bool:
        """Whether the mark `vcr` gives this test its cassette; a mark of ours goes before it."""
        if not self.given.serves_vcr_marks or item.get_closest_marker("claude_replay") is not None:
            return False
        return item.get_closest_marker("vcr") is not None

    def let_others_record(self) -> Callable[[], None]:
        """Let requests pass that another plugin records, until the returned function is called."""
        with ExitStack() as stack:
            if self.guard is not None:
                stack.enter_context(self.guard.allow())
            self.recorders += 1
            stack.callback(self._forget_recorder)
            return stack.pop_all().close

    def _forget_recorder(self) -> None:
        self.recorders -= 1

    def closed(self, session: Session) -> None:
        """Take over the account of a cassette that was closed."""
        self.opened.add(os.path.abspath(session.path))
        # A test may have taken out the misses it expected.
        session.tally.missed = len(session.misses)
        if session.tally.incomplete or session.settings.unplayed == "ignore":
            session.tally.unplayed.clear()
        self.tallies.append(session.tally)

    def refuse(self, host: str, endpoint: Endpoint | None = None) -> LiveCallRefused:
        """The error for a request that nothing covers; remembered in case it is swallowed."""
        from claude_replay.plugin.refusals import explain_refusal

        refusal = explain_refusal(host, endpoint, self)
        self.stopped.append(refusal)
        return refusal

    def stopped_late(self, refusal: LiveCallRefused) -> None:
        """Remember a request of a test or block that is over, whose error nobody may be there to see."""
        self.stopped.append(refusal)

    def command(self, mode: str) -> str | None:
        """The command line that runs the present test in a record mode; None between tests."""
        if not self.running:
            return None
        from claude_replay.plugin.items import command_for

        return command_for(self.config, self.running, mode)

    @property
    def running(self) -> str:
        """The id of the test that is running; empty between tests."""
        said = os.environ.get(_CURRENT, "")
        return said.rpartition(" (")[0] if said != self._outer else ""

    def forget(self) -> None:
        """Remove what the processes of this run told each other."""
        if self.worker is None and (self.tallies or self.lost_workers or self.given.has_cassettes):
            from claude_replay.cassette import forget_run

            forget_run(self.run_id)


STATE = pytest.StashKey[State]()
"""Where a configuration of pytest keeps its state."""

ASKING: list[tuple[State, pytest.FixtureRequest]] = []
"""
The run and the test for which the fixture `claude_replay` is being set up, put there by the hook around that.

As an argument of the fixture, `request` would cost each test a tenth of a millisecond: pytest makes a fixture of
it each time (`RequestFixtureDef`, pytest 9.2).
"""
