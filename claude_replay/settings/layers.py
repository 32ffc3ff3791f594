"""The places that settings come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from claude_replay.errors import SettingsError
from claude_replay.settings.fields import FIELDS, names_for_runs
from claude_replay.settings.names import find_nearest_name
from claude_replay.settings.rawenv import find_raw

__all__ = ["COMMAND_LINE", "ENVIRONMENT", "INI_FILE", "Layer", "environment_layer"]

INI_FILE = "ini file"
ENVIRONMENT = "environment"
COMMAND_LINE = "command line"

_PREFIX = "CLAUDE_REPLAY_"


class Layer(NamedTuple):
    """
    Raw values from one place; None stands for a value that is not given.

    `origin` is the kind of place ("marker", "ini file"), which every value remembers; `place` says in
    messages which one it was ("tests/test_chat.py").
    """

    origin: str
    values: Mapping[str, object]
    place: str = ""

    def __str__(self) -> str:
        return f"{self.origin} of {self.place}" if self.place else self.origin

    @property
    def is_for_run(self) -> bool:
        """Whether this holds for a whole run, and not for single tests."""
        return self.origin in (INI_FILE, ENVIRONMENT, COMMAND_LINE)


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """
    The settings in the environment: CLAUDE_REPLAY_MODE, CLAUDE_REPLAY_IGNORE (one entry a line), …

    A setting of single tests is in it as well, for `resolve` to refuse. Raises SettingsError for a name that is
    nearly that of a setting; what else begins with CLAUDE_REPLAY_ may be another program's.
    """
    values: dict[str, object] = {}
    # Mostly there is none, and each cassette asks.
    if (raw := find_raw(environ)) is not None and not raw.has_names(_PREFIX):
        return Layer(ENVIRONMENT, values)
    for key in sorted(key for key in environ if key.startswith(_PREFIX)):
        name = key.removeprefix(_PREFIX).lower()
        if name in FIELDS:
            values[name] = environ[key]
        elif near := find_nearest_name(name, names_for_runs()):
            raise SettingsError(
                f"{ENVIRONMENT}: there is no setting {key!r}; did you mean {_PREFIX + near.upper()!r}?"
            )
    return Layer(ENVIRONMENT, values)
