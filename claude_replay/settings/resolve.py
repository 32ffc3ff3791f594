"""Settings from layers: later layers win, lists add up, and each value remembers its layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from claude_replay.errors import SettingsError
from claude_replay.settings.fields import FIELDS, names_for_runs, names_for_tests
from claude_replay.settings.layers import COMMAND_LINE, Layer
from claude_replay.settings.modes import RecordMode
from claude_replay.settings.names import nearest

__all__ = ["Settings", "is_ci", "resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    Resolved settings.

    `origins` names for each that is not a default the kinds of place it came from, the last of them deciding,
    and `places` which ones these were; `notes` is what a person should know.
    """

    mode: RecordMode = "none"
    dir: str = "cassettes"
    cassette: str | None = None
    ignore: tuple[str, ...] = ()
    providers: Literal["exact", "any"] = "exact"
    record_hosts: tuple[str, ...] = ()
    inject: tuple[object, ...] = ()
    redact: tuple[str, ...] = ()
    keep_headers: tuple[str, ...] = ()
    match: Literal["exact", "sequence"] = "exact"
    repeat: bool = False
    pace: float | Literal["instant", "recorded"] = "instant"
    unplayed: Literal["fail", "warn", "ignore"] = "fail"
    max_age: float | None = None
    save: Literal["always", "passed"] = "always"
    record_errors: bool = False
    max_calls: int | None = None
    max_usd: float | None = None
    block: Literal["claude", "all", "off"] = "claude"
    share_tls: bool = True
    serve_vcr_marks: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def locate(self, name: str, problem: object) -> str:
        """What is wrong with a setting, after the place it came from."""
        return f"{self.places[name]}: {problem}" if name in self.places else str(problem)


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether this is continuous integration: `CI` is set, and not to 0, false or nothing."""
    return environ.get("CI", "").strip().lower() not in ("", "0", "false")


def resolve(layers: Iterable[Layer], *, ci: bool = False) -> Settings:
    """
    Settle all settings; `layers` come in rising precedence.

    In continuous integration only the command line may choose a mode other than "none". Raises SettingsError
    that names the layer, what is wrong, and the nearest valid spelling.
    """
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    places: dict[str, str] = {}
    notes: list[str] = []
    for layer in layers:
        for name, raw in layer.values.items():
            if raw is None:
                continue
            parsed = _parse(name, raw, layer)
            if name == "mode" and ci and parsed != "none" and layer.origin != COMMAND_LINE:
                notes.append(_explain_ci(parsed, layer))
                continue
            if FIELDS[name].adds and name in values:
                known = cast("tuple[str, ...]", values[name])
                parsed = (*known, *(item for item in cast("tuple[str, ...]", parsed) if item not in known))
                origins[name], places[name] = f"{origins[name]}, {layer.origin}", f"{places[name]}, {layer}"
            else:
                origins[name], places[name] = layer.origin, str(layer)
            values[name] = parsed
    noted = tuple(dict.fromkeys(notes))
    return Settings(**cast("dict[str, Any]", values), origins=origins, places=places, notes=noted)


def _explain_ci(mode: object, layer: Layer) -> str:
    # Without the test's name: the same for all the tests it holds for, so that people read it once.
    return (
        f"CI is set, so mode {mode!r} ({layer.origin}) is not used: "
        "only --claude-record on the command line can start recording there"
    )


def _parse(name: str, value: object, layer: Layer) -> object:
    known = names_for_runs() if layer.is_for_run else names_for_tests()
    if name not in known:
        raise SettingsError(f"{layer}: {_explain_name(name, known)}")
    try:
        return FIELDS[name].parse(value)
    except ValueError as error:
        raise SettingsError(f"{layer}: {name}: {error}") from None


def _explain_name(name: str, known: list[str]) -> str:
    if name not in FIELDS:
        return f"there is no setting {name!r}; {nearest(name, known)}"
    if FIELDS[name].scope == "test":
        return f"{name!r} is for single tests: @pytest.mark.claude_replay({name}=…)"
    option = FIELDS[name].option or f"--claude-replay-{name.replace('_', '-')}"
    return (
        f"{name!r} holds for the whole run: {option}, "
        f"claude_replay_{name} in the ini file, CLAUDE_REPLAY_{name.upper()}"
    )
