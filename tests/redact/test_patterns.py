"""What users declare a secret by regular expression."""

from __future__ import annotations

import pytest

from claude_replay.errors import SettingsError
from claude_replay.exchange import Json, Request
from claude_replay.redact import PLACEHOLDER, Redactor


def test_what_a_pattern_matches_is_a_secret() -> None:
    """Whatever a pattern matches becomes the placeholder, in keys as well as in values."""
    redactor = Redactor(patterns=(r"cust-\d+", r"(?i)project x"))
    request = Request(
        "POST", "https://h/v1?c=cust-1", {}, Json({"cust-77": ["Project X", "for cust-12, cust-3"]})
    )
    redacted = redactor.request(request)
    assert redacted.url == f"https://h/v1?c={PLACEHOLDER}"
    assert redacted.body == Json({PLACEHOLDER: [PLACEHOLDER, f"for {PLACEHOLDER}, {PLACEHOLDER}"]})
    assert redactor.find_in_text("cust-1")
    assert not redactor.find_in_text("cust-x")


def test_one_pattern_may_stand_alone() -> None:
    """A single string is one pattern, not one for each of its characters."""
    assert Redactor(patterns="ab+c").text("a abbc c") == f"a {PLACEHOLDER} c"


def test_anchors_mean_a_single_text() -> None:
    """`^` and `$` in a pattern are the start and end of one string of a body."""
    body = Json(["cust-1", "a cust-1"])
    request = Request("POST", "https://h/", {}, body)
    assert Redactor(patterns=[r"^cust-\d+$"]).request(request).body == Json([PLACEHOLDER, "a cust-1"])


@pytest.mark.parametrize("pattern", ["(", "[a-", "*x"])
def test_a_bad_pattern_is_named(pattern: str) -> None:
    """A pattern that is no regular expression is an error that shows it and says what to do."""
    with pytest.raises(SettingsError) as caught:
        Redactor(patterns=[pattern])
    first, second = str(caught.value).split("\n")
    assert first.startswith(f"redact: {pattern!r} is not a regular expression: ")
    assert second == "Correct it, or put re.escape() around a text that is meant literally."


def test_a_pattern_that_is_no_text_is_named() -> None:
    """A pattern of another type is the same error."""
    with pytest.raises(SettingsError, match="redact: 7 is not a regular expression: "):
        Redactor(patterns=[7])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r".*", "anything", PLACEHOLDER),
        (r"x*", "axxb", f"a{PLACEHOLDER}b"),
        (r"[a-z]+", "ab CD", f"{PLACEHOLDER} CD"),
        (r"(?<=key=).*", "key=abc", f"key={PLACEHOLDER}"),
        (r"key=.*", "key=abc", PLACEHOLDER),
        (r"[a-z]+\]?x", "redacted]x", PLACEHOLDER),
        (r"^.", "abc", f"{PLACEHOLDER}bc"),
        (r"\[", "[a", f"{PLACEHOLDER}a"),
    ],
)
def test_redacting_twice_is_redacting_once(pattern: str, text: str, expected: str) -> None:
    """Redacting what is redacted changes nothing, even if the pattern matches the placeholder or a part."""
    redactor = Redactor(patterns=[pattern])
    once = redactor.text(text)
    assert once == expected
    assert redactor.text(once) is once
    assert not redactor.find_in_text(once)


def test_a_pattern_that_feeds_on_placeholders_ends() -> None:
    """A pattern that lives on its own replacements is given up at some time, and the guard sees the rest."""
    redactor = Redactor(patterns=[r"(?<=[\]k])\w"])
    redacted = redactor.text("k" + "a" * 100)
    assert PLACEHOLDER in redacted
    assert redactor.find_in_text(redacted)


def test_redacted_keys_lose_no_entry() -> None:
    """Entries whose keys become equal are all kept, in order, and stay as they are when redacted again."""
    redactor = Redactor(patterns=[r"cust-\d+"])
    body = Json({"cust-1": 1, PLACEHOLDER: 2, "cust-2": 3, "other": 4})
    once = redactor.request(Request("POST", "https://h/", {}, body))
    assert isinstance(once.body, Json)
    assert isinstance(once.body.value, dict)
    assert list(once.body.value.items()) == [
        (PLACEHOLDER * 2, 1),
        (PLACEHOLDER, 2),
        (PLACEHOLDER * 3, 3),
        ("other", 4),
    ]
    assert redactor.request(once) is once
