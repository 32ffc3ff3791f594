"""
What the installed anthropic package says about models and versions, read from its files.

It is not imported: that takes more than a second, and what only replays through another library, or looks at
files, does not need it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

__all__ = ["SdkFacts", "model_name", "read_sdk"]

# Where they stand in anthropic 0.49 to 2.12.
_TABLE = re.compile(r"^DEPRECATED_MODELS\b[^=\n]*= (\{.*?^\})", re.MULTILINE | re.DOTALL)
_API_VERSION = re.compile(r"(?:ANTHROPIC_API_VERSION = |\"anthropic-version\": )\"([0-9-]+)\"")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_BEDROCK = re.compile(r"^(?:[a-z]+\.)?anthropic\.(.*?)(?:-v\d+(?::\d+)?)?$")


@dataclass(frozen=True, slots=True)
class SdkFacts:
    """
    `version` of the package, `api_version` that it asks for; empty where that is not known.

    `retires` maps models that are deprecated to the day on which they end, None where it cannot be read.
    """

    version: str = ""
    api_version: str = ""
    retires: Mapping[str, date | None] = field(default_factory=dict)


@cache
def read_sdk() -> SdkFacts:
    """What the installed package says; nothing where there is none."""
    try:
        spec, installed = find_spec("anthropic"), version("anthropic")
    except (ImportError, ValueError, PackageNotFoundError):
        return SdkFacts()
    folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else Path()
    table = _find(_TABLE, folder, "resources/messages/messages.py", "resources/messages.py")
    return SdkFacts(
        installed, _find(_API_VERSION, folder, "_constants.py", "_client.py") or "", _parse_table(table)
    )


def _find(pattern: re.Pattern[str], folder: Path, *names: str) -> str | None:
    for name in names:
        try:
            found = pattern.search((folder / name).read_text(encoding="utf-8"))
        except OSError:
            continue
        if found:
            return found[1]
    return None


def _parse_table(text: str | None) -> dict[str, date | None]:
    try:
        table = ast.literal_eval(text or "{}")
    except (SyntaxError, ValueError):
        return {}
    return {str(model): _parse_day(str(day)) for model, day in table.items()}


def _parse_day(text: str) -> date | None:
    try:
        return datetime.strptime(_ORDINAL.sub(r"\1", text), "%B %d, %Y").date()
    except ValueError:
        return None


def model_name(model: str) -> str:
    """The name of a model as Anthropic spells it; Bedrock and Vertex have others."""
    bedrock = _BEDROCK.match(model)
    return (bedrock[1] if bedrock else model).replace("@", "-")
