"""Recordings that may be out of date: told by cause, never recorded anew by themselves."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from claude_replay.api import SdkFacts, model_name, read_sdk
from claude_replay.api import sdk as sdk_module
from claude_replay.cassette import Origin, load_cassette
from claude_replay.session.staleness import find_causes, read_day
from recordings import MODEL, Studio

TODAY = date(2026, 11, 26)
FACTS = SdkFacts("2.12.0", "2026-10-21", {"old": date(2026, 2, 19), "aging": date(2026, 11, 30), "odd": None})


def causes(
    origin: Origin, *models: str, api_version: str | None = None, max_age: float | None = None
) -> list[str]:
    """The causes on one day."""
    found = find_causes(origin, models, FACTS, api_version=api_version, max_age=max_age, today=TODAY)
    return list(found)


def test_a_model_is_retired_or_will_be() -> None:
    """According to the table of the SDK, whoever serves it."""
    assert causes(Origin(), "old", "anthropic.old-v1:0", "new") == [
        "the model old was retired on 2026-02-19 (anthropic 2.12.0)"
    ]
    assert causes(Origin(), "aging") == [
        "the model aging is deprecated, and will be retired on 2026-11-30 (anthropic 2.12.0)"
    ]
    assert causes(Origin(), "odd") == ["the model odd is deprecated (anthropic 2.12.0)"]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("claude-3-5-haiku-20241022", "claude-3-5-haiku-20241022"),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", "claude-3-5-haiku-20241022"),
        ("us.anthropic.claude-3-5-haiku-20241022-v1:0", "claude-3-5-haiku-20241022"),
        ("claude-3-5-haiku@20241022", "claude-3-5-haiku-20241022"),
    ],
)
def test_models_have_one_name(model: str, name: str) -> None:
    """Bedrock and Vertex spell them in their own way."""
    assert model_name(model) == name


def test_versions_are_compared_with_todays() -> None:
    """The first number of the SDK's, and that of the API; what is not known is not compared."""
    assert causes(Origin(sdk="1.17.0")) == ["recorded with anthropic 1.x, and 2.12.0 is installed"]
    assert causes(Origin(sdk="2.0.0")) == []
    assert causes(Origin(api_version="2023-06-01"), api_version="2026-10-21") == [
        "recorded for version 2023-06-01 of the API, and 2026-10-21 is asked for"
    ]
    assert causes(Origin(api_version="2026-10-21"), api_version="2026-10-21") == []
    assert causes(Origin(api_version="2023-06-01")) == []


def test_age_counts_where_there_is_a_limit() -> None:
    """In days."""
    origin = Origin("2026-08-01T12:00:00Z")
    assert causes(origin, max_age=90) == ["recorded more than 90 days ago (max_age)"]
    assert causes(origin, max_age=200) == []
    assert causes(origin) == []
    assert causes(Origin("some day"), max_age=0) == []
    assert read_day("2026-08-01T23:30:00-02:00") == date(2026, 8, 2)


def test_the_table_of_the_installed_sdk_is_read() -> None:
    """As it stands there, with days."""
    from anthropic.resources.messages import messages

    facts = read_sdk()
    assert facts.version == version("anthropic")
    assert facts.retires.keys() == messages.DEPRECATED_MODELS.keys()
    assert all(facts.retires.values())
    assert len(facts.api_version) == len("2026-10-21")


def test_reading_the_table_imports_nothing() -> None:
    """The SDK takes more than a second to import."""
    code = "import sys; from claude_replay.api import read_sdk; read_sdk(); print('anthropic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_sdk_that_is_not_there_or_other_than_expected_says_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No error: staleness is only told where it is known."""
    monkeypatch.setattr(sdk_module, "find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    assert read_sdk.__wrapped__().retires == {}
    (tmp_path / "_constants.py").write_text("# nothing here\n")
    (tmp_path / "_client.py").write_text('headers = {"anthropic-version": "2023-06-01"}\n')
    assert read_sdk.__wrapped__().api_version == "2023-06-01"
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "messages.py").write_text("DEPRECATED_MODELS = {\n  odd()\n}\n")
    assert read_sdk.__wrapped__().retires == {}
    (tmp_path / "resources" / "messages.py").write_text('DEPRECATED_MODELS = {\n  "a": "soon",\n}\n')
    assert read_sdk.__wrapped__().retires == {"a": None}

    def fail(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(sdk_module, "version", fail)
    assert read_sdk.__wrapped__() == SdkFacts()


# ---------------------------------------------------------------------- recorded and replayed


def edit(studio: Studio, old: str, new: str) -> None:
    """Change a text of the cassette."""
    text = studio.path.read_text(encoding="utf-8")
    assert old in text
    studio.path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_recording_knows_the_sdk_that_made_it(studio: Studio) -> None:
    """Beside the time, and in the request the version of the API."""
    studio.ask("one", mode="once")
    found = load_cassette(studio.path)
    assert found is not None
    origin = found.entries[0].origin
    assert origin.sdk == found.entries[0].exchange.meta.sdk == version("anthropic")
    assert origin.recorded_at == found.entries[0].exchange.meta.recorded_at
    assert origin.api_version == read_sdk().api_version


def test_stale_recordings_are_counted_by_cause(studio: Studio) -> None:
    """They replay as before, and nothing is recorded."""
    studio.ask("one", "two", mode="once")
    assert studio.tallies[-1].stale == {}
    studio.ask("one", "two", mode="none")
    assert studio.tallies[-1].stale == {}
    current = version("anthropic")
    edit(
        studio,
        f"sdk: '{current}'" if f"sdk: '{current}'" in studio.path.read_text() else f"sdk: {current}",
        "sdk: 0.1.0",
    )
    edit(studio, f"anthropic-version: '{read_sdk().api_version}'", "anthropic-version: '2020-01-01'")
    before = studio.path.read_bytes()

    studio.ask("one", "two", mode="none", max_age=0)

    assert studio.path.read_bytes() == before
    assert studio.tallies[-1].replayed == 2
    assert studio.tallies[-1].stale == {
        f"recorded with anthropic 0.x, and {current} is installed": 2,
        f"recorded for version 2020-01-01 of the API, and {read_sdk().api_version} is asked for": 2,
    }


def test_a_retired_model_is_told(studio: Studio) -> None:
    """By the answer's model, also where the request is played unparsed."""
    studio.ask("one", mode="once")
    edit(studio, f"      model: {MODEL}\n      id:", "      model: claude-2.1\n      id:")
    studio.ask("one", mode="none")
    (cause,) = studio.tallies[-1].stale
    assert cause.startswith("the model claude-2.1 was retired on 2025-07-21 (anthropic ")


def test_a_changed_prompt_is_a_cause_where_order_decides(studio: Studio) -> None:
    """It is drift as well, request by request."""
    studio.ask("one", "two", mode="once")
    studio.ask("one", "dos", mode="none", match="sequence")
    assert studio.tallies[-1].stale == {"another request than the recorded one (match = sequence)": 1}
