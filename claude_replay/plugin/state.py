"""What the plugin knows during one pytest run; light, because every run of pytest makes one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_replay.plugin.options import HELP, LISTS, dest_of

if TYPE_CHECKING:
    from claude_replay.api import Endpoint
    from claude_replay.errors import LiveCallRefused, ReplayFailure
    from claude_replay.intercept.ambient import Ambient
    from claude_replay.session import Handle, Session, Tally
    from claude_replay.settings import Layer, Settings

__all__ = ["State"]

SESSION = pytest.StashKey["Session"]()
PASSED = pytest.StashKey[bool]()
_OPEN = pytest.StashKey[ExitStack]()


class State:
    """The plugin's side of one run: settings, guard, open cassettes and what became of them."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.sessions: list[Session] = []
        self.tallies: list[Tally] = []
        self.refusals: list[ReplayFailure] = []
        self.orphans: list[str] = []
        self.lost_workers: list[str] = []
        self.owned: dict[str, str] = {}
        self.modules: set[str] = set()
        self.partly: set[str] = set()
        self._seen: list[BaseException] = []
        self._running = ExitStack()
        self._base: Settings | None = None
        self._ambient: Ambient | None = None

    # ------------------------------------------------------------------ start and stop

    def start(self) -> None:
        """Check the settings that were given, and guard the network."""
        from claude_replay.plugin.network import start_network

        given = self._given()
        if any(given.values()):
            self.base_settings()
        for name in (key for key in self._ini_names() if key.removeprefix("claude_replay_") not in HELP):
            self._refuse_ini(name)
        self._running.enter_context(start_network(self))

    def stop(self) -> None:
        """Put everything back."""
        self._running.close()
        if self._ambient is not None:
            from claude_replay.intercept.ambient import pop_ambient

            pop_ambient(self._ambient)
            if self.worker_id is None:
                from claude_replay.cassette import forget_run

                forget_run(self._ambient.run.id)

    @property
    def worker_id(self) -> str | None:
        """The name of this xdist worker; None in the main process."""
        worker: Mapping[str, Any] = getattr(self.config, "workerinput", {})
        return worker.get("workerid")

    def _ini_names(self) -> Iterable[str]:
        # pytest only warns of unknown keys, and its list of them is deprecated (9.1), so the file itself is asked.
        try:
            text = self.config.inipath.read_text(encoding="utf-8") if self.config.inipath else ""
        except (OSError, UnicodeDecodeError):
            return ()
        return re.findall(r"^\s*(claude_replay_\w+)\s*=", text, re.MULTILINE) if "claude_replay_" in text else ()

    def _refuse_ini(self, name: str) -> None:
        from difflib import get_close_matches

        near = get_close_matches(name, [f"claude_replay_{known}" for known in HELP], 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: claude_replay_{', claude_replay_'.join(HELP)}"
        raise pytest.UsageError(f"{self.config.inipath}: there is no setting {name!r}; {hint}")

    def _given(self) -> dict[str, dict[str, object]]:
        option = self.config.option
        command_line = {name: value for name in HELP if (value := getattr(option, dest_of(name), None)) is not None}
        ini = {name: value for name in HELP if (value := self.config.getini(f"claude_replay_{name}")) not in (None, [])}
        prefix = "CLAUDE_REPLAY_"
        environment = {name: os.environ[prefix + name.upper()] for name in HELP if prefix + name.upper() in os.environ}
        return {"ini file": ini, "environment": environment, "command line": command_line}

    # ------------------------------------------------------------------ settings

    @property
    def ambient(self) -> Ambient:
        """What every cassette of this run shares; made when the first one is opened."""
        if self._ambient is None:
            from claude_replay.intercept.ambient import Ambient, push_ambient
            from claude_replay.session import Run
            from claude_replay.settings import Layer

            given = self._given()
            for name in LISTS:
                # A list from the environment has one entry a line.
                if name in given["environment"]:
                    given["environment"][name] = str(given["environment"][name])
            worker: Mapping[str, Any] = getattr(self.config, "workerinput", {})
            run_id = worker.get("claude_replay_run")
            self._ambient = Ambient(
                below=(Layer("ini file", given["ini file"]),),
                above=(Layer("environment", given["environment"]), Layer("command line", given["command line"])),
                run=Run(run_id) if run_id else Run(),
                closed=self.closed,
            )
            push_ambient(self._ambient)
        return self._ambient

    def base_settings(self) -> Settings:
        """The settings of a test that adds none of its own; raises pytest.UsageError."""
        if self._base is None:
            self._base = self.resolve()
        return self._base

    def resolve(self, *layers: Layer) -> Settings:
        """Settings for one test; raises pytest.UsageError with the nearest valid spelling."""
        from claude_replay.errors import SettingsError
        from claude_replay.session import rules_for

        try:
            settings = self.ambient.resolve(*layers)
            rules_for(settings.ignore)
        except SettingsError as error:
            raise pytest.UsageError(f"claude_replay: {error}") from None
        return settings

    def header(self) -> str:
        """The line at the top of a run."""
        if any(self._given().values()):
            settings = self.base_settings()
            from claude_replay.session import rules_for

            left_out = ", ".join(rules_for(settings.ignore).describe())
            return f"claude_replay: mode {settings.mode}, cassettes in {settings.dir}, not compared: {left_out}"
        return "claude_replay: mode none, cassettes in cassettes, not compared: metadata, cache_control, diagnostics"

    # ------------------------------------------------------------------ collecting

    def collected(self, item: pytest.Item) -> None:
        """Remember which cassette a test owns."""
        from claude_replay.plugin.paths import cassette_path

        self.modules.add(_module_of(item))
        path = cassette_path(self, item)
        if path is not None:
            self.owned[os.path.realpath(path)] = item.nodeid

    def deselected(self, items: Sequence[pytest.Item]) -> None:
        """Remember that a module is only run in part."""
        self.partly.update(_module_of(item) for item in items)

    # ------------------------------------------------------------------ one test

    def open_cassette(self, item: pytest.Item, config_values: Mapping[str, object]) -> Handle:
        """Open the cassette of a test."""
        from claude_replay.errors import ClaudeReplayError
        from claude_replay.intercept.use import open_session
        from claude_replay.plugin.paths import cassette_path, make_session
        from claude_replay.session import Handle

        session = make_session(self, item, config_values, cassette_path(self, item, config_values))
        try:
            session.open()
        except ClaudeReplayError as error:
            pytest.fail(f"claude_replay: {error}", pytrace=False)
        self.owned[os.path.realpath(session.path)] = item.nodeid
        item.stash[_OPEN] = open_session(session, ambient=True)
        item.stash[SESSION] = session
        self.sessions.append(session)
        return Handle(session)

    def close_cassette(self, item: pytest.Item) -> None:
        """Save and settle the cassette of a test."""
        from claude_replay.errors import ClaudeReplayError

        session = item.stash[SESSION]
        del item.stash[SESSION]
        item.stash[_OPEN].close()
        self.sessions.remove(session)
        try:
            session.close(passed=item.stash.get(PASSED, False))
            session.raise_swallowed(self._seen)
        except ClaudeReplayError as error:
            pytest.fail(f"claude_replay: {error}", pytrace=False)
        finally:
            self.closed(session)

    def closed(self, session: Session) -> None:
        """Take over the account of a cassette that was closed."""
        self.owned.setdefault(os.path.realpath(session.path), session.label)
        self.tallies.append(session.tally)

    @contextmanager
    def without_cassette(self, fixture: str, scope: str) -> Iterator[None]:
        """Hide the test's cassette from a fixture that outlives the test."""
        from claude_replay.intercept.scope import enter, leave

        hidden = enter(None, ambient=True)
        try:
            yield
        finally:
            leave(hidden)

    def refuse(self, host: str, endpoint: Endpoint | None = None) -> LiveCallRefused:
        """The error for a request to Claude that nothing covers; remembered in case it is swallowed."""
        from claude_replay.plugin.network import explain_refusal

        refusal = explain_refusal(host, endpoint)
        self.refusals.append(refusal)
        return refusal

    def is_idle(self, item: pytest.Item) -> bool:
        """Whether a test has neither a cassette nor been refused anything."""
        return not self.refusals and SESSION not in item.stash

    def passed(self, item: pytest.Item) -> None:
        """The test function has returned; fail it all the same where it swallowed a miss."""
        from claude_replay.plugin.failures import fail_swallowed

        item.stash[PASSED] = False
        fail_swallowed(self._take_failures(item), self._seen, item)
        item.stash[PASSED] = True

    def failed(self, item: pytest.Item, error: BaseException) -> None:
        """The test function has raised; show a miss by its message, and what the cassette did."""
        from claude_replay.plugin.failures import add_section, fail_readably

        item.stash[PASSED] = False
        failures = self._take_failures(item)
        if SESSION in item.stash:
            add_section(item, item.stash[SESSION])
        fail_readably(error, failures, self._seen, item)

    def _take_failures(self, item: pytest.Item) -> list[ReplayFailure]:
        refusals, self.refusals = self.refusals, []
        session = item.stash.get(SESSION, None)
        return [*refusals, *(session.misses if session is not None else [])]

    # ------------------------------------------------------------------ the end

    def finish(self, session: pytest.Session) -> None:
        """Look for orphans; workers hand everything to the main process."""
        if self._ambient is not None or self.modules:
            from claude_replay.plugin.orphans import find_orphans

            self.orphans += find_orphans(self, session)
        if self.worker_id is not None:
            self.config.workeroutput["claude_replay"] = {  # type: ignore[attr-defined]
                "tallies": [tally.as_dict() for tally in self.tallies],
                "orphans": self.orphans,
            }

    def summarize(self, terminal: pytest.TerminalReporter) -> None:
        """Print the account of the run."""
        if not self.tallies and not self.orphans:
            return
        from claude_replay.report import report_lines

        terminal.section("claude_replay")
        root = str(Path(self.config.rootpath)) + os.sep
        for line in report_lines(
            self.tallies,
            orphans=self.orphans,
            lost_workers=self.lost_workers,
            details=bool(self.config.option.claude_replay_details),
            root=root,
        ):
            terminal.write_line(line)


def _module_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
