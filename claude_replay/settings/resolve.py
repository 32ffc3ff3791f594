"""Settings from layers: later layers win, lists add up, and each value remembers its layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, cast

from claude_replay.errors import SettingsError
from claude_replay.settings.fields import FIELDS, nearest
from claude_replay.settings.modes import RecordMode

__all__ = ["COMMAND_LINE", "Layer", "Settings", "is_ci", "resolve"]

COMMAND_LINE = "command line"


class Layer(NamedTuple):
    """Raw values from one place; `origin` names the place in messages."""

    origin: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Resolved settings; `origins` names for each the layer it came from, `notes` what a person should know."""

    mode: RecordMode = "none"
    dir: str = "cassettes"
    cassette: str | None = None
    ignore: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    keep_headers: tuple[str, ...] = ()
    repeat: bool = False
    pace: float | Literal["instant", "recorded"] = "instant"
    unplayed: Literal["fail", "warn", "ignore"] = "fail"
    save: Literal["always", "passed"] = "always"
    record_errors: bool = False
    block: Literal["claude", "all", "off"] = "claude"
    share_tls: bool = True
    origins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether the environment says that this is continuous integration (`CI` set, and not to 0, false or nothing)."""
    return environ.get("CI", "").strip().lower() not in ("", "0", "false")


def resolve(layers: Iterable[Layer], *, ci: bool = False) -> Settings:
    """
    Settle all settings; `layers` come in rising precedence.

    In continuous integration only the command line may choose a mode other than "none". Raises SettingsError that
    names the layer, what is wrong, and the nearest valid spelling.
    """
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    notes: list[str] = []
    for origin, raw in layers:
        for name, value in raw.items():
            parsed = _parse(name, value, origin)
            if name == "mode" and ci and parsed != "none" and origin != COMMAND_LINE:
                notes.append(
                    f"CI is set, so mode {parsed!r} from {origin} is not used: only --claude-record can start recording there"
                )
                continue
            if FIELDS[name].adds:
                known = cast("tuple[str, ...]", values.get(name, ()))
                parsed = (*known, *(item for item in cast("tuple[str, ...]", parsed) if item not in known))
            values[name], origins[name] = parsed, origin
    return Settings(**cast("dict[str, Any]", values), origins=origins, notes=tuple(notes))


def _parse(name: str, value: object, origin: str) -> object:
    if name not in FIELDS:
        raise SettingsError(f"{origin}: there is no setting {name!r}; {nearest(name, FIELDS)}")
    try:
        return FIELDS[name].parse(value)
    except ValueError as error:
        raise SettingsError(f"{origin}: {name}: {error}") from None
