"""The rough order of candidates for the nearest recording."""

from __future__ import annotations

from claude_replay.matching import Ranking, Told

ALL = [(lambda place: True, 99)]


def tell(*lines: str) -> bytes:
    """Lines as they stand in a file."""
    return "".join(f"    {line}\n" for line in lines).encode()


def test_what_shares_most_comes_first() -> None:
    """By lines and words, and of equal ones the first."""
    texts = [
        tell("the weather in Oslo"),
        tell("a poem about rain"),
        tell("the weather in Rome"),
        tell("no", "one"),
    ]
    ranking = Ranking([Told(text, b"") for text in texts])
    assert ranking.find(tell("the weather in Rome today"), ALL)[:2] == [2, 0]
    assert ranking.find(tell("a poem about snow"), ALL)[0] == 1
    assert sorted(ranking.find(b"", ALL)) == [0, 1, 2, 3]


def test_a_longer_recording_is_no_better_for_being_longer() -> None:
    """What only one side has counts against it."""
    long = tell(*(f"line {number}" for number in range(200)))
    ranking = Ranking([Told(long, b""), Told(tell("line 5", "line 6"), b"")])
    assert ranking.find(tell("line 5", "line 6", "line 7"), ALL) == [1, 0]


def test_what_an_exchange_goes_on_from_is_part_of_it() -> None:
    """Of a conversation in pieces the turn that has as much is nearest, not the one that says most of it."""
    told = [
        Told(tell(f"question {number}"), tell(f"answer {number}"), (number - 1,) if number else ())
        for number in range(30)
    ]
    ranking = Ranking(told)
    said = [line for number in range(12) for line in (f"question {number}", f"answer {number}")]
    assert ranking.find(tell(*said[:-1], "changed"), ALL)[0] == 11


def test_each_group_gives_its_best() -> None:
    """A place is looked for in the first group it belongs to."""
    ranking = Ranking([Told(tell(f"word {'x ' * number}"), b"") for number in range(9)])
    groups = [(lambda place: place % 2 == 1, 2), (lambda place: place < 5, 1), (lambda place: True, 1)]
    found = ranking.find(tell("word x x"), groups)
    assert len(found) == 4
    assert [place % 2 for place in found] == [1, 1, 0, 0]
    assert found[2] < 5 < found[3]
