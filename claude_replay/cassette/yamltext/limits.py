"""What reading YAML needs to know without PyYAML, which few runs import."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["DEFAULT_LIMITS", "NUMBER", "Limits", "YamlError"]

# Not what only YAML 1.2 takes for numbers: files written by PyYAML hold text like '12e5' and '-.5' unquoted.
NUMBER = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*)"
    r"|(?P<float>[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?|\.[0-9]+(?:[eE][-+][0-9]+)?)"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a text `read` takes on: `nodes` (each value and each key is one) and `bytes` in UTF-8."""

    nodes: int = 5_000_000
    bytes: int = 200_000_000


DEFAULT_LIMITS = Limits()


@dataclass(eq=False)
class YamlError(Exception):
    """Text that is not YAML, or YAML that a cassette may not hold; `line` and `column` count from 1."""

    name: str
    line: int
    column: int
    problem: str

    def __str__(self) -> str:
        return f"{self.name}:{self.line}:{self.column}: {self.problem}"
