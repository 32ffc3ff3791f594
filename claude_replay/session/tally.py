"""What happened in one open cassette, as numbers and lines that travel between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """
    The account of one session.

    `tokens` maps a model to (input, output, cache write, cache read) of what was replayed; `seconds` is how
    long the replayed exchanges took when they were live. `models` counts them by the model that
    answered, `stale` those that may be out of date, by cause. `unplayed` names exchanges nobody asked for,
    `injected` counts faults that happened on purpose, `budget_stops` requests that the budget did not allow,
    `notes` says what a person should know, `drift` what no longer equals the recordings; `verified` has for
    each answer that was compared with a live one what `Comparison.measures` gives.
    """

    label: str = ""
    cassette: str = ""
    mode: str = "none"
    replayed: int = 0
    recorded: int = 0
    live: int = 0
    missed: int = 0
    seconds: float = 0.0
    tokens: dict[str, list[int]] = field(default_factory=dict)
    unplayed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    incomplete: bool = False
    explicit: bool = False
    models: dict[str, int] = field(default_factory=dict)
    stale: dict[str, int] = field(default_factory=dict)
    injected: int = 0
    budget_stops: int = 0
    verified: list[list[float | None]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for another process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Tally:
        """The tally again; what a newer version added is left out."""
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})

    @property
    def verdict(self) -> str:
        """One word for the whole session."""
        if self.missed:
            return "missed"
        if self.recorded:
            return "recorded"
        if self.live:
            return "live"
        return "replayed" if self.replayed else "unused"
