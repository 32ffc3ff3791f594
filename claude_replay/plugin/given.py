"""The settings a run was given: ini file, environment and command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from claude_replay.intercept.imports import ImportWatch
from claude_replay.plugin.options import OPTIONS, dest_of

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from claude_replay.errors import LiveCallRefused
    from claude_replay.intercept.ambient import Ambient
    from claude_replay.session import Session
    from claude_replay.settings import Layer, Settings

__all__ = ["Given"]

_AMBIENT = "claude_replay.intercept.ambient"
# A copy of claude_replay.normalize.DEFAULT_IGNORE, which would bring half the core with it.
_LEFT_OUT = ("metadata", "cache_control", "diagnostics")


class Given:
    """
    Settings of a whole run, read once when pytest starts; `option` holds those of the command line.

    Usually there are none; then nothing is imported to understand them.
    """

    def __init__(self, config: pytest.Config, option: object) -> None:
        self._command_line = {
            name: value for name in OPTIONS if (value := getattr(option, dest_of(name), None)) is not None
        }
        self._environment = {key: os.environ[key] for key in os.environ if key.startswith("CLAUDE_REPLAY_")}
        self._ini = _read_ini(config, getattr(option, "override_ini", None) or ())
        self._settings: Settings | None = None
        self._ambient: Ambient | None = None
        self._left_out = ", ".join(_LEFT_OUT)

    @property
    def is_empty(self) -> bool:
        """Whether all settings are the defaults."""
        return not (self._command_line or self._environment or self._ini)

    @property
    def serves_vcr_marks(self) -> bool:
        """Whether tests marked with `vcr` are ours."""
        return not self.is_empty and self.settings.serve_vcr_marks

    @property
    def settings(self) -> Settings:
        """The settings of a test that adds none of its own; raises pytest.UsageError."""
        if self._settings is None:
            from claude_replay.errors import SettingsError
            from claude_replay.settings import is_ci, resolve

            try:
                below, above = self._layers()
                settings = resolve((*below, *above), ci=is_ci(os.environ))
                self._left_out = _describe_ignored(settings)
            except SettingsError as error:
                raise pytest.UsageError(f"claude_replay: {error}") from None
            self._settings = settings
        return self._settings

    def _layers(self) -> tuple[list[Layer], list[Layer]]:
        from claude_replay.settings import COMMAND_LINE, INI_FILE, Layer, environment_layer

        above = [environment_layer(self._environment), Layer(COMMAND_LINE, self._command_line)]
        return [Layer(INI_FILE, self._ini)], above

    def describe(self) -> str:
        """The line at the top of a run."""
        mode, folder = "none", "cassettes"
        if not self.is_empty:
            settings = self.settings
            mode, folder = settings.mode, settings.dir
            if "mode" in settings.origins:
                mode += f" ({settings.origins['mode']})"
        return f"claude_replay: mode {mode}, cassettes in {folder}, not compared: {self._left_out}"

    # ------------------------------------------------------------------ for cassettes

    def provide(
        self,
        run_id: str,
        closed: Callable[[Session], None],
        refused: Callable[[LiveCallRefused], None],
        command: Callable[[str], str | None],
    ) -> Callable[[], None]:
        """
        Give these settings to every cassette from now on, also to those that `use_cassette()` opens.

        `closed` is told of the end of each, `refused` of requests that came too late for theirs; `command` is that of
        `Ambient`. Returns what ends this.
        """

        def push(module: ModuleType) -> None:
            ambient: Any = module
            below, above = self._layers()
            self._ambient = ambient.Ambient(below, above, ambient.Run(run_id), closed, refused, command)
            ambient.push_ambient(self._ambient)

        # It brings the whole core with it, which most test runs never need.
        watch = ImportWatch({_AMBIENT: push})
        watch.start()

        def stop() -> None:
            watch.stop()
            if self._ambient is not None:
                from claude_replay.intercept.ambient import pop_ambient

                pop_ambient(self._ambient)

        return stop

    @property
    def ambient(self) -> Ambient:
        """What every cassette of this run shares."""
        import claude_replay.intercept.ambient  # noqa: F401  # calls `push` above

        assert self._ambient is not None
        return self._ambient

    @property
    def has_cassettes(self) -> bool:
        """Whether anything in this process has asked for a cassette."""
        return self._ambient is not None


def _read_ini(config: pytest.Config, overrides: Sequence[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    # Most have none of ours, and asking for each takes longer than looking.
    if not overrides and (config.inipath is None or b"claude_replay_" not in config.inipath.read_bytes()):
        return values
    for name in OPTIONS:
        try:
            value = config.getini(f"claude_replay_{name}")
        except (TypeError, ValueError, pytest.UsageError) as error:
            raise pytest.UsageError(f"claude_replay: ini file: {name}: {error}") from None
        if value is not None:
            values[name] = value
    _refuse_unknown_keys(config.inipath, overrides)
    return values


def _refuse_unknown_keys(path: Path | None, overrides: Sequence[str]) -> None:
    from claude_replay.plugin.inifile import find_unknown_keys
    from claude_replay.settings import nearest

    for key in find_unknown_keys(path, overrides):
        hint = nearest(key.removeprefix("claude_replay_"), OPTIONS, prefix="claude_replay_")
        raise pytest.UsageError(f"claude_replay: ini file: there is no setting {key!r}; {hint}")


def _describe_ignored(settings: Settings) -> str:
    if not settings.ignore:
        return ", ".join(_LEFT_OUT)
    from claude_replay.errors import SettingsError
    from claude_replay.normalize import MATCHING

    try:
        return ", ".join(MATCHING.with_ignored(settings.ignore).describe()) or "nothing"
    except ValueError as error:
        raise SettingsError(settings.locate("ignore", f"ignore: {error}")) from None
