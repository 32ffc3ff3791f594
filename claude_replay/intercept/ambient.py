"""What the surroundings of a cassette provide: the pytest plugin, or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from claude_replay.errors import LiveCallRefused
from claude_replay.session import Run, Session
from claude_replay.settings import Layer, Settings, environment_layer, is_ci, resolve

__all__ = ["Ambient", "current_ambient", "pop_ambient", "push_ambient"]


@dataclass(eq=False, slots=True)
class Ambient:
    """
    Settings around every cassette, and who wants to know of its end, and of requests that come after it.

    `below` are layers that a cassette's own settings override, `above` those that override it; `command` gives the
    command line that does once more, in a record mode, what is running now, if there is one.
    """

    below: Sequence[Layer] = ()
    above: Sequence[Layer] = ()
    run: Run = field(default_factory=Run)
    closed: Callable[[Session], None] = lambda session: None
    refused: Callable[[LiveCallRefused], None] = lambda refusal: None
    command: Callable[[str], str | None] = lambda mode: None

    def resolve(self, *layers: Layer) -> Settings:
        """Settings for one cassette; raises SettingsError."""
        return resolve((*self.below, *layers, *self.above), ci=is_ci(os.environ))


_stack: list[Ambient] = []
_outside = Run()


def push_ambient(ambient: Ambient) -> None:
    """Begin to provide; nested pytest runs provide on top of each other."""
    _stack.append(ambient)


def pop_ambient(ambient: Ambient) -> None:
    """Stop providing."""
    with suppress(ValueError):
        _stack.remove(ambient)


def current_ambient() -> Ambient:
    """What is provided now; outside pytest that is the environment alone."""
    return _stack[-1] if _stack else Ambient(above=(environment_layer(os.environ),), run=_outside)
