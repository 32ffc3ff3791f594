"""Which recorded exchange a fingerprint is given."""

from __future__ import annotations

from claude_replay.matching import Index


def test_equal_fingerprints_are_taken_in_the_order_recorded() -> None:
    """Equal requests are answered in the order in which they were recorded."""
    index = Index(["a", "b", "a", "a"])
    assert [index.take("a") for _ in range(3)] == [0, 2, 3]


def test_an_unknown_fingerprint_is_not_found() -> None:
    """What was not recorded is not found, repeat or not."""
    index = Index(["a"])
    assert index.take("b") is None
    assert index.take("b", repeat=True) is None
    assert index.count("b") == 0


def test_nothing_is_left_when_all_equal_ones_are_taken() -> None:
    """After the last equal recording there is none, unless repeating is asked for."""
    index = Index(["a", "b"])
    assert index.take("a") == 0
    assert index.take("a") is None
    assert index.take("b") == 1


def test_repeat_takes_the_untaken_ones_first_and_then_the_last_again() -> None:
    """Repeating begins only when all equal ones are taken, and gives the last one."""
    index = Index(["a", "b", "a"])
    assert [index.take("a", repeat=True) for _ in range(4)] == [0, 2, 2, 2]
    assert index.take("a") is None
    assert index.taken == {0, 2}


def test_an_added_fingerprint_is_appended_and_not_taken() -> None:
    """A fingerprint recorded later gets the next ordinal and answers after those recorded before."""
    index = Index(["a"])
    assert index.add("a") == 1
    assert index.add("b") == 2
    assert len(index) == 3
    assert [index.take("a"), index.take("a"), index.take("b")] == [0, 1, 2]


def test_a_fingerprint_added_after_all_were_taken_can_be_taken() -> None:
    """Exhaustion ends when one more equal exchange is recorded."""
    index = Index(["a"])
    index.take("a")
    assert index.take("a") is None
    index.add("a")
    assert index.take("a") == 1


def test_taken_and_untaken_share_out_all_ordinals() -> None:
    """Every ordinal is either taken or untaken, the untaken ones ascending."""
    index = Index(["a", "b", "a", "c"])
    index.take("a")
    index.take("c")
    assert index.taken == {0, 3}
    assert index.untaken() == [1, 2]


def test_the_count_does_not_change_by_taking() -> None:
    """The count is of what was recorded, so that a miss can say "all 2 already played"."""
    index = Index(["a", "a"])
    index.take("a")
    index.take("a")
    assert index.count("a") == 2


def test_an_empty_index_has_nothing() -> None:
    """A cassette without exchanges answers nothing and leaves nothing untaken."""
    index = Index()
    assert (len(index), index.take("a"), index.untaken(), index.taken) == (0, None, [], frozenset())
