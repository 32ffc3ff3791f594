"""Layers of raw values to settings: which wins, what adds up, and where each value came from."""

from __future__ import annotations

import pytest

from claude_replay.settings import COMMAND_LINE, ENVIRONMENT, FIELDS, INI_FILE, Layer, Settings, resolve

RISING = [
    Layer(INI_FILE, {"pace": "2"}),
    Layer("claude_replay_config", {"pace": 3}),
    Layer("marker", {"pace": 4}, "test_it.py"),
    Layer("marker", {"pace": 5}, "test_it.py::test_one"),
    Layer(ENVIRONMENT, {"pace": "6"}),
    Layer(COMMAND_LINE, {"pace": "7"}),
]


def test_without_layers_everything_is_a_default() -> None:
    """No layer, no origin."""
    assert resolve([]) == Settings()
    assert resolve([]).origins == {}


@pytest.mark.parametrize("count", range(1, len(RISING) + 1))
def test_the_last_layer_that_has_a_value_decides(count: int) -> None:
    """Layers come in rising precedence; the value remembers the one that won."""
    settings = resolve(RISING[:count])

    assert settings.pace == count + 1
    assert settings.origins == {"pace": RISING[count - 1].origin}
    assert settings.places == {"pace": str(RISING[count - 1])}


def test_what_is_wrong_is_told_with_its_place() -> None:
    """Where there is one: settings may be made by hand."""
    settings = resolve([Layer("marker", {"ignore": "x"}, "test_it.py::test_one")])

    assert settings.locate("ignore", "why") == "marker of test_it.py::test_one: why"
    assert Settings(ignore=("x",)).locate("ignore", "why") == "why"


def test_layers_without_a_value_leave_it_alone() -> None:
    """None is as good as nothing."""
    settings = resolve([Layer(INI_FILE, {"save": "passed"}), Layer("marker", {"save": None})])

    assert settings.save == "passed"
    assert settings.origins == {"save": INI_FILE}


def test_lists_add_up_and_remember_all_their_layers() -> None:
    """Each entry stands once, in the order of the layers."""
    settings = resolve(
        [
            Layer(INI_FILE, {"ignore": "max_tokens\n temperature \n\n"}),
            Layer("marker", {"ignore": ["temperature", "top_p"]}, "test_it.py::test_one"),
            Layer(COMMAND_LINE, {"ignore": ("top_k",)}),
        ]
    )

    assert settings.ignore == ("max_tokens", "temperature", "top_p", "top_k")
    assert settings.origins == {"ignore": "ini file, marker, command line"}
    assert settings.places == {"ignore": "ini file, marker of test_it.py::test_one, command line"}


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("mode", "new_episodes", "new_episodes"),
        ("dir", "tests/cassettes", "tests/cassettes"),
        ("ignore", '["*:uuid", \'x["a b"]\']\nmax_tokens', ("*:uuid", 'x["a b"]', "max_tokens")),
        ("ignore", ['["a b"].c', "[not, an, array]", "[1]"], ('["a b"].c', "[not, an, array]", "[1]")),
        ("repeat", "yes", True),
        ("repeat", "Off", False),
        ("repeat", True, True),
        ("record_errors", "1", True),
        ("pace", "recorded", "recorded"),
        ("pace", "0.5", 0.5),
        ("pace", 10, 10.0),
        ("unplayed", "warn", "warn"),
        ("save", "passed", "passed"),
        ("redact", "ACME-[0-9]+", ("ACME-[0-9]+",)),
        ("keep_headers", ["x-one", "x-two"], ("x-one", "x-two")),
    ],
)
def test_values_may_be_text_or_python_values(name: str, raw: object, value: object) -> None:
    """Ini files and the environment hold text, markers hold values."""
    assert getattr(resolve([Layer("marker", {name: raw})]), name) == value


def test_every_setting_has_a_default() -> None:
    """What can be set has a value when it is not."""
    assert all(hasattr(Settings(), name) for name in FIELDS)
