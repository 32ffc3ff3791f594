"""Why a recording may no longer be what Claude would answer; nothing is ever recorded for that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from claude_replay.api import SdkFacts, model_name
from claude_replay.cassette import Origin

__all__ = ["find_causes", "read_day"]


def find_causes(
    origin: Origin,
    models: Iterable[str],
    facts: SdkFacts,
    *,
    api_version: str | None,
    max_age: float | None,
    today: date,
) -> Iterator[str]:
    """
    The causes for which a recording is stale, in words that are the same for all it holds for.

    `models` are those it was asked of or answered by, `api_version` the version asked for now (None: not known),
    `max_age` the days after which it counts as old.
    """
    for model in dict.fromkeys(map(model_name, models)):
        if model in facts.retires:
            yield _describe_model(model, facts, today)
    recorded, installed = (text.partition(".")[0] for text in (origin.sdk or "", facts.version))
    if recorded and installed and recorded != installed:
        yield f"recorded with anthropic {recorded}.x, and {facts.version} is installed"
    if origin.api_version and api_version and origin.api_version != api_version:
        yield f"recorded for version {origin.api_version} of the API, and {api_version} is asked for"
    day = read_day(origin.recorded_at)
    if max_age is not None and day is not None and (today - day).days > max_age:
        yield f"recorded more than {max_age:g} days ago (max_age)"


def _describe_model(model: str, facts: SdkFacts, today: date) -> str:
    day = facts.retires[model]
    source = f"anthropic {facts.version}"
    if day is None:
        return f"the model {model} is deprecated ({source})"
    if day <= today:
        return f"the model {model} was retired on {day} ({source})"
    return f"the model {model} is deprecated, and will be retired on {day} ({source})"


def read_day(recorded_at: str | None) -> date | None:
    """The day of a time in ISO 8601; None where it is none."""
    try:
        return datetime.fromisoformat(recorded_at or "").astimezone(UTC).date()
    except (ValueError, OverflowError):
        # The last of them at either end of the calendar.
        return None
