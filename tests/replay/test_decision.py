"""Play, record, compare, pass or miss: what each mode does with each request."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier

import pytest

from claude_replay.replay import Compare, Decider, Miss, Outcome, Pass, Play, Record
from claude_replay.settings import RECORD_MODES, RecordMode

# What happens to requests a, a, a, b where a, a, c are recorded; by mode, `fresh` and `repeat`.
FIRST, SECOND = Play(0), Play(1)
TABLE: dict[tuple[RecordMode, bool, bool], list[Outcome]] = {
    ("none", False, False): [FIRST, SECOND, Miss(), Miss()],
    ("none", False, True): [FIRST, SECOND, SECOND, Miss()],
    ("once", False, False): [FIRST, SECOND, Miss(), Miss()],
    ("once", False, True): [FIRST, SECOND, SECOND, Miss()],
    ("once", True, False): [FIRST, SECOND, Record(), Record()],
    ("once", True, True): [FIRST, SECOND, SECOND, Record()],
    ("new_episodes", False, False): [FIRST, SECOND, Record(), Record()],
    ("new_episodes", False, True): [FIRST, SECOND, SECOND, Record()],
    ("rewrite", False, False): [Record()] * 4,
    ("all", False, False): [Record(0), Record(1), Record(), Record()],
    ("verify", False, False): [Compare(0), Compare(1), Compare(None), Compare(None)],
    ("off", False, False): [Pass()] * 4,
}
UNPLAYED = {"rewrite": [0, 1, 2], "off": [0, 1, 2]}


def expected_for(mode: RecordMode, fresh: bool, repeat: bool) -> list[Outcome]:
    """The row of the table: `fresh` counts in "once" only, `repeat` where recordings are played."""
    plays = mode in ("none", "once", "new_episodes")
    return TABLE[mode, fresh and mode == "once", repeat and plays]


@pytest.mark.parametrize(
    ("mode", "fresh", "repeat"), list(product(RECORD_MODES, [False, True], [False, True]))
)
def test_each_mode_decides(mode: RecordMode, fresh: bool, repeat: bool) -> None:
    """In the cassette, played out, not in the cassette: for every mode and setting."""
    decider = Decider(["a", "a", "c"], mode, fresh=fresh, repeat=repeat)

    outcomes = [decider.decide(key) for key in "aaab"]

    assert outcomes == expected_for(mode, fresh, repeat)
    assert decider.unplayed() == UNPLAYED.get(mode, [2])
    assert decider.played == {0, 1, 2} - set(decider.unplayed())


def test_equal_requests_are_answered_in_the_order_recorded() -> None:
    """Different requests in between change nothing."""
    decider = Decider("abacab", "none")

    outcomes = [decider.decide(key) for key in "baacba"]

    assert outcomes == [Play(place) for place in (1, 0, 2, 3, 5, 4)]
    assert decider.decide("a") == Miss()
    assert decider.unplayed() == []


def test_an_empty_cassette_answers_nothing() -> None:
    """Nothing recorded is a miss, with `repeat` too."""
    assert Decider([], "none", repeat=True).decide("a") == Miss()
    assert Decider([], "none").unplayed() == []


def test_recordings_can_get_other_keys() -> None:
    """What was played stays played; the rest is found by its new key, and no longer by its old one."""
    decider = Decider(["a", "a", "b"], "none")
    decider.decide("a")

    decider.rekey(["x", "x", "y"])

    assert decider.unplayed() == [1, 2]
    assert [decider.decide(key) for key in ("a", "b", "x", "x", "y")] == [
        Miss(),
        Miss(),
        Play(1),
        Miss(),
        Play(2),
    ]
    assert decider.played == {0, 1, 2}


def test_recordings_can_get_other_keys_more_than_once() -> None:
    """What was played under any of the keys stays played."""
    decider = Decider(["a", "b", "c"], "none")
    decider.decide("b")
    decider.rekey(["x", "x", "x"])
    decider.decide("x")
    decider.rekey(["z", "z", "z"])

    assert [decider.decide("z"), decider.decide("z")] == [Play(2), Miss()]


def test_the_last_one_is_repeated_under_its_new_key() -> None:
    """`repeat` finds the last equal recording although it was played under another key."""
    decider = Decider(["a", "a"], "none", repeat=True)
    decider.decide("a")
    decider.decide("a")

    decider.rekey(["x", "x"])

    assert [decider.decide("x"), decider.decide("x"), decider.decide("a")] == [Play(1), Play(1), Miss()]


def test_threads_are_given_each_recording_once() -> None:
    """However many threads ask for the same, each recording is handed out exactly once."""
    threads, each = 8, 250
    decider = Decider(["a", "b"] * (threads * each // 2), "none")
    start = Barrier(threads)

    def hammer(number: int) -> list[Outcome]:
        start.wait()
        return [decider.decide("ab"[(turn + number) % 2]) for turn in range(each)]

    with ThreadPoolExecutor(threads) as pool:
        outcomes = [outcome for found in pool.map(hammer, range(threads)) for outcome in found]

    assert Counter(outcomes) == Counter(Play(place) for place in range(threads * each))
    assert decider.unplayed() == []


def test_threads_may_ask_while_keys_change() -> None:
    """Learning the same keys again, while others ask, neither loses a recording nor hands one out twice."""
    threads, each = 4, 200
    keys = ["a"] * (threads * each)
    decider = Decider(keys, "none")
    start = Barrier(threads + 1)

    def hammer(_: int) -> list[Outcome]:
        start.wait()
        return [decider.decide("a") for _ in range(each)]

    with ThreadPoolExecutor(threads) as pool:
        asked = [pool.submit(hammer, number) for number in range(threads)]
        start.wait()
        for _ in range(50):
            decider.rekey(keys)
        outcomes = [outcome for future in asked for outcome in future.result()]

    assert Counter(outcomes) == Counter(Play(place) for place in range(threads * each))
