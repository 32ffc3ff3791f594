"""What keeps two prompts apart however alike they sound."""

from __future__ import annotations

from typing import Any

import pytest

from claude_replay.cache.similar.guard import find_difference
from claude_replay.cache.similar.prompt import split_prompt
from similar_prompts import PARAPHRASES, TRAPS, Pair

_EXPECTED = {
    "number": {"numbers"},
    "id": {"names and ids", "numbers"},
    "negation": {"negations"},
    "opposite": {"opposites"},
    "order": {"names and ids", "order of words"},
    "unit": {"names and ids"},
}
# What costs a live call although it need not.
_STRICT = {"Explain prompt caching in two sentences.", "Recommend a good book on statistics."}


@pytest.mark.parametrize("pair", [pair for pair in TRAPS if pair.kind != "topic"], ids=lambda pair: pair.new)
def test_traps_are_refused(pair: Pair) -> None:
    """Both ways, and by the name of what differs."""
    assert find_difference(pair.old, pair.new) in _EXPECTED[pair.kind]
    assert find_difference(pair.new, pair.old) in _EXPECTED[pair.kind]


@pytest.mark.parametrize("pair", PARAPHRASES, ids=lambda pair: pair.new)
def test_paraphrases_are_not_refused(pair: Pair) -> None:
    """All but two."""
    assert (find_difference(pair.old, pair.new) is None) == (pair.old not in _STRICT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Give me 5 ideas", "give me five ideas?"),
        ("Is 1,500 a lot?", "Is 1500 a lot"),
        ("Is 1.50 a lot?", "Is 1.5 a lot?"),
        ("Is +3 odd?", "Is 3 odd?"),
        ("It isn't raining. Why?", "It is not raining. Why?"),
        ("I can't log in", "I cannot log in"),
        ("Don\u2019t use jargon", "Do not use jargon."),
        ("Explain `x = 1`", "Please explain `x = 1`"),
        ("Thanks! What is HTTP?", "What is HTTP?"),
        ("What is a well-known port?", "What is a well known port?"),
        ("Kann ich das nicht essen?", "kann ich das nicht essen"),
        ("为什么不行", "为什么不行?"),
    ],
)
def test_spelling_alone_is_no_difference(old: str, new: str) -> None:
    """Of numbers, contractions, quotes, politeness."""
    assert find_difference(old, new) is None


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("Version 1.2.3", "Version 1.3.2", "numbers"),
        ("Room -3", "Room 3", "numbers"),
        ("At 9:30", "At 9:31", "numbers"),
        ("The 3rd chapter", "The 4th chapter", "numbers"),
        ("Twice a day", "Once a day", "numbers"),
        ("From 3 to 5", "From 5 to 3", "numbers"),
        ("50 % off", "50 € off", "names and ids"),
        ("See ABC-123", "See ABC-124", "names and ids"),
        ("Use snake_case", "Use camelCase", "names and ids"),
        ("Open C:\\a\\b", "Open C:\\a\\c", "names and ids"),
        ("Open /etc/hosts", "Open /etc/passwd", "names and ids"),
        ("Read https://a.example/x", "Read https://a.example/y", "names and ids"),
        ('Say "yes sir"', 'Say "no sir"', "names and ids"),
        ("Ask Anna about it", "Ask Jonas about it", "names and ids"),
        ("node.js tips", "react.js tips", "names and ids"),
        ("I want tea, not coffee", "I want coffee, not tea", "negations"),
        ("Why not", "Why", "negations"),
        ("Das ist gut", "Das ist nicht gut", "negations"),
        ("C'est bon", "Ce n'est pas bon", "negations"),
        ("为什么行", "为什么不行", "negations"),
        ("Translate it to English", "Translate it from English", "directions"),
        ("Show logs since noon", "Show logs until noon", "directions"),
        ("maximize the sum", "minimize the sum", "opposites"),
        ("encrypting files", "decrypting files", "opposites"),
        ("dogs hate cats", "cats hate dogs", "order of words"),
    ],
)
def test_more_that_differs(old: str, new: str, what: str) -> None:
    """By what it is found."""
    assert find_difference(old, new) == what
    assert find_difference(new, old) == what


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"messages": []},
        {"messages": ["Hi"]},
        {"messages": [{"role": "assistant", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "user", "content": []}]},
        {"messages": [{"role": "user", "content": ["Hi"]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "citations": []}]}]},
    ],
)
def test_a_request_without_a_plain_last_text_is_not_taken_apart(body: Any) -> None:
    """Then only an exact answer will do."""
    assert split_prompt(body) is None
